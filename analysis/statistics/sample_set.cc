#include "analysis/statistics/sample_set.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "analysis/metrics/sample_group.h"
#include "base/error.h"

namespace lens::analysis::statistics {
namespace {

void check_alike(std::span<const metrics::SampleTable> tables,
                 const metrics::OnsetRule& onset) {
  for (const metrics::SampleTable& table : tables) {
    if (table.layers != tables.front().layers ||
        table.script_names != tables.front().script_names)
      throw InputError("cannot study these results together",
                       table.population.words() +
                           " has other layers or script classes than " +
                           tables.front().population.words(),
                       "give results of one model");
    if (!(table.onset == onset))
      throw InputError("cannot study " + table.population.words(),
                       "its onsets were read with another rule",
                       "read the tables with the rule of the study");
  }
}

}  // namespace

std::vector<SampleGroup> samples_by_dataset(
    std::span<const metrics::SampleTable> tables,
    const metrics::OnsetRule& onset) {
  check_alike(tables, onset);
  std::map<Population, SampleRefs> by_population;
  for (const metrics::SampleTable& table : tables)
    for (const metrics::SampleRow& row : table.rows)
      if (row.ok && row.tokens > 0)
        by_population[table.population].push_back(&row);
  std::vector<SampleGroup> all;
  for (auto& [population, rows] : by_population) {
    std::sort(rows.begin(), rows.end(),
              [](const metrics::SampleRow* a, const metrics::SampleRow* b) {
                return std::tie(a->source_row, a->sample, a->sample_id) <
                       std::tie(b->source_row, b->sample, b->sample_id);
              });
    all.push_back({.population = population, .rows = std::move(rows)});
  }
  return all;
}

std::vector<SampleGroup> groups_of(const SampleGroup& dataset, GroupBy by) {
  std::map<std::string, SampleRefs> by_value;
  for (const metrics::SampleRow* row : dataset.rows) {
    const std::string value = metrics::group_value(*row, by);
    if (by == GroupBy::kDataset || !value.empty())
      by_value[value].push_back(row);
  }
  std::vector<SampleGroup> groups;
  for (auto& [value, rows] : by_value) {
    Population population = dataset.population;
    population.by = by;
    population.value = value;
    groups.push_back(
        {.population = std::move(population), .rows = std::move(rows)});
  }
  return groups;
}

std::vector<Picture> pictures_of(const SampleRefs& rows) {
  std::vector<Picture> pictures;
  for (std::size_t begin = 0; begin < rows.size();) {
    std::size_t end = begin + 1;
    while (end < rows.size() &&
           rows[end]->source_row == rows[begin]->source_row)
      ++end;
    pictures.push_back(Picture(rows).subspan(begin, end - begin));
    begin = end;
  }
  return pictures;
}

double mean_onset(const metrics::SampleRow& row) {
  std::int64_t sum = 0, count = 0;
  for (std::size_t l = 0; l < row.onset_count.size(); ++l) {
    sum += static_cast<std::int64_t>(l) * row.onset_count[l];
    count += row.onset_count[l];
  }
  // NaN where no token has one.
  return static_cast<double>(sum) / static_cast<double>(count);
}

}  // namespace lens::analysis::statistics
