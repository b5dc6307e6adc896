#include "analysis/statistics/sample_set.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "analysis/statistics/language_script.h"
#include "base/error.h"

namespace lens::analysis::statistics {
namespace {

void check_alike(std::span<const metrics::SampleTable> tables,
                 const metrics::OnsetRule& onset) {
  for (const metrics::SampleTable& table : tables) {
    if (table.layers != tables.front().layers ||
        table.script_names != tables.front().script_names)
      throw InputError("cannot study these results together",
                       table.dataset +
                           " has other layers or script classes "
                           "than " +
                           tables.front().dataset,
                       "give results of one model");
    if (!(table.onset == onset))
      throw InputError("cannot study " + table.dataset,
                       "its onsets were read with another rule",
                       "read the tables with the rule of the study");
  }
}

std::string value_of(const metrics::SampleRow& row, GroupBy by) {
  switch (by) {
    case GroupBy::kDataset:
      return "";
    case GroupBy::kLanguage:
      return row.language;
    case GroupBy::kScript:
      return script_name_of_language(row.language);
    case GroupBy::kVerdict:
      if (row.verdict == metrics::Verdict::kUnknown) return "";
      return row.verdict == metrics::Verdict::kRight ? "right" : "wrong";
  }
  return "";
}

}  // namespace

std::vector<DatasetSamples> samples_by_dataset(
    std::span<const metrics::SampleTable> tables,
    const metrics::OnsetRule& onset) {
  check_alike(tables, onset);
  std::map<std::string, SampleRefs> by_name;
  for (const metrics::SampleTable& table : tables) {
    SampleRefs& rows = by_name[table.dataset];
    for (const metrics::SampleRow& row : table.rows)
      if (row.ok && row.tokens > 0) rows.push_back(&row);
  }
  std::vector<DatasetSamples> all;
  for (auto& [name, rows] : by_name) {
    std::sort(rows.begin(), rows.end(),
              [](const metrics::SampleRow* a, const metrics::SampleRow* b) {
                return std::tie(a->source_row, a->sample, a->sample_id) <
                       std::tie(b->source_row, b->sample, b->sample_id);
              });
    all.push_back({.dataset = name, .rows = std::move(rows)});
  }
  return all;
}

std::vector<SampleGroup> groups_of(const DatasetSamples& samples, GroupBy by) {
  std::map<std::string, SampleRefs> by_value;
  for (const metrics::SampleRow* row : samples.rows) {
    const std::string value = value_of(*row, by);
    if (by == GroupBy::kDataset || !value.empty())
      by_value[value].push_back(row);
  }
  std::vector<SampleGroup> groups;
  for (auto& [value, rows] : by_value)
    groups.push_back({.dataset = samples.dataset,
                      .by = by,
                      .value = value,
                      .rows = std::move(rows)});
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
  return static_cast<double>(sum) / static_cast<double>(count);
}

std::string group_name(std::string_view dataset, GroupBy by,
                       std::string_view value) {
  std::string name(dataset);
  if (by == GroupBy::kDataset) return name;
  const bool verdict = by == GroupBy::kVerdict;
  return std::string(value) + (verdict ? " answers of " : " of ") + name;
}

std::string_view group_by_name(GroupBy by) {
  switch (by) {
    case GroupBy::kDataset:
      return "dataset";
    case GroupBy::kLanguage:
      return "language";
    case GroupBy::kScript:
      return "script";
    case GroupBy::kVerdict:
      return "verdict";
  }
  return "";
}

}  // namespace lens::analysis::statistics
