#include "analysis/metrics/run_tables.h"

#include <set>

#include "base/error.h"

namespace lens::analysis::metrics {

std::vector<SampleTable> read_tables(
    std::span<const Source> runs, const SampleTableOptions& options,
    const std::function<void(std::string_view)>& tell) {
  std::set<std::string> names;
  std::vector<SampleTable> tables;
  for (const Source& source : runs) {
    if (!names.insert(source.run).second)
      throw InputError(
          "cannot read " + source.file.string() + " beside another run",
          "two runs are called \"" + source.run + "\"",
          "give each a name of its own");
    for (const storage::DatasetSummary& dataset : source.results.datasets()) {
      const Population population = {.run = source.run,
                                     .dataset = dataset.name};
      if (tell) tell("reading " + population.words());
      tables.push_back(
          read_sample_table(source.results, dataset.name, options));
      tables.back().population = population;
    }
  }
  return tables;
}

}  // namespace lens::analysis::metrics
