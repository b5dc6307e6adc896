#include "analysis/view/sample_view.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/error.h"

namespace lens::analysis::view {
namespace {

constexpr std::int64_t kIdsAtOnce = 8192;

std::optional<std::int64_t> row_of(const storage::ResultsReader& results,
                                   const storage::DatasetSummary& dataset,
                                   std::string_view sample_id) {
  for (std::int64_t begin = 0; begin < dataset.samples; begin += kIdsAtOnce) {
    const auto ids = results.read<std::string>(
        dataset.name, "sample_id", begin,
        std::min(dataset.samples, begin + kIdsAtOnce));
    const auto found = std::find(ids.begin(), ids.end(), sample_id);
    if (found != ids.end()) return begin + (found - ids.begin());
  }
  return std::nullopt;
}

struct Place {
  std::string dataset;
  std::int64_t row = 0;
  std::string name;
};

std::vector<Place> places_of(const Source& source, std::string_view name,
                             std::string_view dataset) {
  std::vector<Place> places;
  for (const storage::DatasetSummary& summary : source.results.datasets()) {
    if (!dataset.empty() && summary.name != dataset) continue;
    std::string_view id = name;
    if (name.starts_with(summary.name + "/"))
      id.remove_prefix(summary.name.size() + 1);
    if (const auto row = row_of(source.results, summary, id))
      places.push_back(
          {summary.name, *row, summary.name + "/" + std::string(id)});
  }
  return places;
}

std::string example(const Source& source) {
  for (const storage::DatasetSummary& summary : source.results.datasets())
    if (summary.samples > 0)
      return summary.name + "/" +
             source.results.read<std::string>(summary.name, "sample_id", 0, 1)
                 .front();
  return "";
}

void check_dataset(const Source& source, std::string_view dataset) {
  std::string present;
  for (const storage::DatasetSummary& summary : source.results.datasets()) {
    if (dataset.empty() || summary.name == dataset) return;
    present += (present.empty() ? "" : ", ") + summary.name;
  }
  throw InputError("no data set " + std::string(dataset), "it has " + present,
                   "give one of these");
}

}  // namespace

SampleView find_sample(const Source& source, std::string_view name,
                       std::string_view dataset) {
  check_dataset(source, dataset);
  const std::vector<Place> places = places_of(source, name, dataset);
  if (places.empty())
    throw InputError("no sample " + std::string(name),
                     source.file.string() + " has none of this name",
                     "give a sample_id as lens query prints it, for example " +
                         example(source));
  if (places.size() > 1)
    throw InputError("more than one sample " + std::string(name),
                     places[0].name + " and " + places[1].name,
                     "name the data set too");
  const Place& place = places.front();
  SampleView view;
  view.dataset = place.dataset;
  view.run_id = source.results.info().run_id;
  view.block = tables::read_block(source.results, place.dataset,
                                  source.vocabulary.token_text.size(),
                                  place.row, place.row + 1);
  // The generated tokens are the last ones of a sample.
  view.end_generated = view.block.token_offset[1];
  view.first_generated = view.end_generated;
  while (view.first_generated > 0 &&
         view.block.generated(view.first_generated - 1))
    --view.first_generated;
  return view;
}

}  // namespace lens::analysis::view
