#include "analysis/report/figure_csv.h"

#include <fmt/format.h>

#include "analysis/report/markup.h"

namespace lens::analysis {
namespace {

std::string key_of(const Group& group, std::size_t layer) {
  return fmt::format("{},{},{},{}", csv_field(group.dataset),
                     csv_field(group.value.empty() ? "all" : group.value),
                     group.samples, layer);
}

std::string value_at(const std::vector<double>& values, std::size_t layer) {
  return layer < values.size() ? csv_number(values[layer]) : "";
}

}  // namespace

std::string curves_csv(const std::vector<const Group*>& groups,
                       Curve Group::*member) {
  std::string csv = "dataset,group,samples,layer,mean,low,high\n";
  for (const Group* group : groups) {
    const Curve& curve = group->*member;
    for (std::size_t l = 0; l < curve.mean.size(); ++l)
      csv += fmt::format("{},{},{},{}\n", key_of(*group, l),
                         value_at(curve.mean, l), value_at(curve.low, l),
                         value_at(curve.high, l));
  }
  return csv;
}

std::string thin_csv(const std::string& dataset,
                     const std::vector<std::vector<double>>& curves) {
  std::string csv;
  for (std::size_t i = 0; i < curves.size(); ++i)
    for (std::size_t l = 0; l < curves[i].size(); ++l)
      csv += fmt::format("{},sample {},1,{},{},,\n", csv_field(dataset), i + 1,
                         l, static_cast<float>(curves[i][l]));
  return csv;
}

std::string line_csv(const CurveFigure::Line& line) {
  std::string csv;
  for (std::size_t l = 0; l < line.mean.size(); ++l)
    csv += fmt::format(",{},,{},{},{},{}\n", csv_field(line.name), l,
                       value_at(line.mean, l), value_at(line.low, l),
                       value_at(line.high, l));
  return csv;
}

std::string histogram_csv(const std::vector<const Group*>& groups) {
  std::string csv = "dataset,group,samples,layer,tokens\n";
  for (const Group* group : groups) {
    for (std::size_t l = 0; l < group->onset_histogram.size(); ++l)
      csv +=
          fmt::format("{},{}\n", key_of(*group, l), group->onset_histogram[l]);
    csv += fmt::format("{},{},{},none,{}\n", csv_field(group->dataset),
                       csv_field(group->value.empty() ? "all" : group->value),
                       group->samples, group->without_onset);
  }
  return csv;
}

std::string scripts_csv(const std::vector<const Group*>& groups,
                        const std::vector<std::string>& scripts) {
  std::string csv = "dataset,group,samples,layer,script,share\n";
  for (const Group* group : groups)
    for (std::size_t i = 0; i < group->script_share.size(); ++i)
      csv += fmt::format("{},{},{}\n", key_of(*group, i / scripts.size()),
                         csv_field(scripts[i % scripts.size()]),
                         csv_number(group->script_share[i]));
  return csv;
}

std::string early_exit_csv(const std::vector<const Group*>& groups) {
  std::string csv = "dataset,group,samples,layer,share_same_answer\n";
  for (const Group* group : groups)
    for (std::size_t l = 0; l < group->same_answer.size(); ++l)
      csv += fmt::format("{},{}\n", key_of(*group, l),
                         csv_number(group->same_answer[l]));
  return csv;
}

}  // namespace lens::analysis
