#include "analysis/statistics/study_json.h"

#include <nlohmann/json.hpp>

#include "analysis/statistics/value_json.h"

namespace lens::analysis::statistics {
namespace {

// Keys in the order written here; NaN becomes null.
using Json = nlohmann::ordered_json;

Json json_of(const LayerEstimate& estimate) {
  return {{"value", estimate.value},
          {"interval", value_json(estimate.interval)},
          {"count", estimate.count}};
}

Json json_of(const Group& group) {
  Json json = value_json(group.population);
  json.update(
      Json{{"pictures", group.pictures},
           {"samples", group.samples},
           {"tokens", group.tokens},
           {"entropy", value_json(group.entropy)},
           {"kl_final", value_json(group.kl_final)},
           {"log_rank", value_json(group.log_rank)},
           {"agreement", value_json(group.agreement)},
           {"same_answer", value_json(group.same_answer)},
           {"script_share", group.script_share},
           {"onset_of_mean", json_of(group.onset_of_mean)},
           {"onset_of_tokens", json_of(group.onset_of_tokens)},
           {"steepest_of_mean", json_of(group.steepest_of_mean)},
           {"steepest_of_tokens", json_of(group.steepest_of_tokens)},
           {"depth_of_tokens", json_of(group.depth_of_tokens)},
           {"first_hit_of_tokens", json_of(group.first_hit_of_tokens)},
           {"change_point_of_mean", json_of(group.change_point_of_mean)},
           {"onset_histogram", group.onset_histogram},
           {"depth_histogram", group.depth_histogram},
           {"without_onset", group.without_onset}});
  if (!group.image_attention.mean.empty())
    json["image_attention"] = value_json(group.image_attention);
  return json;
}

// "dataset" is "" where it is between data sets.
Json json_of(const Comparison& comparison) {
  const Population& first = comparison.first;
  Json json = {{"name", words_of(first, comparison.second)}};
  if (!first.run.empty()) json["run"] = first.run;
  json.update(
      Json{{"dataset", first.by == GroupBy::kDataset ? "" : first.dataset},
           {"by", key_of(first.by)},
           {"first", first.name()},
           {"second", comparison.second.name()},
           {"entropy_difference", value_json(comparison.entropy_difference)}});
  return json;
}

Json json_of(const Test& test) {
  Json json = {{"name", test.name()}, {"quantity", kTestedQuantity}};
  const std::string& run = test.populations.front().run;
  if (!run.empty()) json["run"] = run;
  json["groups"] = Json::array();
  for (const Population& population : test.populations)
    json["groups"].push_back(population.name());
  json.update(Json{{"group_pictures", test.group_pictures},
                   {"group_means", test.group_means},
                   {"statistic_name", test.method().statistic},
                   {"statistic", test.statistic},
                   {"effect_name", test.method().effect},
                   {"effect", test.effect},
                   {"permutations", test.permutations},
                   {"p", test.p},
                   {"p_adjusted", test.p_adjusted},
                   {"significant", test.significant},
                   {"sentence", test.sentence}});
  return json;
}

Json json_of(const Study::Answer& answer) {
  return {{"question", answer.question}, {"answer", answer.answer}};
}

template <class Item>
Json list_of(const std::vector<Item>& items) {
  Json list = Json::array();
  for (const Item& item : items) list.push_back(json_of(item));
  return list;
}

}  // namespace

std::string study_json(const Study& study) {
  const Json json = {{"format", "lens-study"},
                     {"format_version", 1},
                     {"options", value_json(study.options)},
                     {"layers", study.layers},
                     {"script_names", study.script_names},
                     {"groups", list_of(study.groups)},
                     {"comparisons", list_of(study.comparisons)},
                     {"tests", list_of(study.tests)},
                     {"answers", list_of(study.answers)}};
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace lens::analysis::statistics
