#include "analysis/diff/diff_json.h"

#include <nlohmann/json.hpp>

#include "analysis/statistics/value_json.h"

namespace lens::analysis::diff {
namespace {

using Json = nlohmann::ordered_json;
using statistics::value_json;

Json run_json(const std::string& file, const storage::ResultsInfo& info) {
  return {{"file", file},
          {"run_id", info.run_id},
          {"model_name", info.model_name},
          {"samples_total", info.samples_total},
          {"samples_ok", info.samples_ok},
          {"samples_failed", info.samples_failed},
          {"complete", info.complete}};
}

Json setting_json(const Setting& setting) {
  return {{"name", setting.name}, {"a", setting.a}, {"b", setting.b}};
}

Json dataset_json(const DatasetDiff& diff) {
  const Pairing& pairing = diff.pairing;
  return {{"dataset", pairing.dataset},
          {"pairs", pairing.pairs.size()},
          {"without_tokens", diff.without_tokens},
          {"changed", diff.changed},
          {"other_pictures", diff.other_pictures},
          {"verdicts",
           {{"right_right", diff.verdicts[0][0]},
            {"right_wrong", diff.verdicts[0][1]},
            {"wrong_right", diff.verdicts[1][0]},
            {"wrong_wrong", diff.verdicts[1][1]}}},
          {"only_a", pairing.only_a},
          {"only_b", pairing.only_b},
          {"failed_a", pairing.failed_a},
          {"failed_b", pairing.failed_b},
          {"failed_both", pairing.failed_both},
          {"doubled", pairing.doubled}};
}

Json estimate_json(const statistics::LayerEstimate& estimate) {
  return {{"value", estimate.value},
          {"interval", value_json(estimate.interval)}};
}

Json number_json(const PairedNumber& number) {
  return {{"a", estimate_json(number.a)},
          {"b", estimate_json(number.b)},
          {"difference", estimate_json(number.difference)}};
}

Json group_json(const PairedGroup& group) {
  Json json = value_json(group.population);
  json.update(Json{{"pictures", group.pictures},
                   {"pairs", group.pairs},
                   {"tokens", group.tokens}});
  json["curves"] = Json::object();
  for (const PairedCurve& curve : group.curves)
    json["curves"][std::string(curve.measure->key)] = {
        {"first_layer", curve.measure->first_layer},
        {"by_script", curve.measure->by_script},
        {"a", value_json(curve.a)},
        {"b", value_json(curve.b)},
        {"difference", value_json(curve.difference)}};
  json.update(
      Json{{"onset_of_mean", number_json(group.onset_of_mean)},
           {"onset_of_tokens", number_json(group.onset_of_tokens)},
           {"depth_of_tokens", number_json(group.depth_of_tokens)},
           {"first_hit_of_tokens", number_json(group.first_hit_of_tokens)},
           {"score", number_json(group.score)}});
  return json;
}

Json test_json(const PairedTest& test, const RunDiff& diff) {
  Json found = Json::array();
  for (const FoundLayer& at : test.found) {
    Json place = {{"layer", at.layer}};
    if (at.script >= 0)
      place["script"] = diff.script_names[static_cast<std::size_t>(at.script)];
    place.update(Json{{"difference", at.difference}, {"p", at.p}});
    found.push_back(std::move(place));
  }
  Json json = {{"dataset", test.population.dataset},
               {"quantity", test.key},
               {"pictures", test.pictures}};
  if (test.measure == nullptr)
    json.update(Json{{"mean_a", test.mean_a}, {"mean_b", test.mean_b}});
  json.update(Json{{"t", test.t},
                   {"flips", test.flips},
                   {"p", test.p},
                   {"p_adjusted", test.p_adjusted},
                   {"significant", test.significant},
                   {"found", std::move(found)},
                   {"sentence", test.sentence}});
  return json;
}

// Ranks below what is kept are null.
Json side_json(const PartingSide& side) {
  if (!side.has_token) return nullptr;
  Json other = Json::array();
  for (const std::int32_t rank : side.other_rank)
    other.push_back(rank > 0 ? Json(rank) : Json(nullptr));
  return {{"token", side.token},       {"is_end", side.is_end},
          {"top", side.top},           {"entropy", side.entropy},
          {"own_rank", side.own_rank}, {"other_rank", std::move(other)}};
}

Json answer_json(const ChangedAnswer& changed) {
  Json json = {{"dataset", changed.dataset},
               {"sample_id", changed.sample_id},
               {"language", changed.language},
               {"position", changed.position},
               {"answer_a", changed.answer_a},
               {"answer_b", changed.answer_b},
               {"score_a", changed.score_a},
               {"score_b", changed.score_b},
               {"opened", nullptr}};
  if (changed.opened)
    json["opened"] = {{"prompt", changed.prompt},
                      {"reference", changed.reference},
                      {"shared", changed.shared},
                      {"parting_layer", changed.parting_layer >= 0
                                            ? Json(changed.parting_layer)
                                            : Json(nullptr)},
                      {"a", side_json(changed.a)},
                      {"b", side_json(changed.b)}};
  return json;
}

template <class Items, class Make>
Json list_of(const Items& items, Make&& make) {
  Json list = Json::array();
  for (const auto& item : items) list.push_back(make(item));
  return list;
}

}  // namespace

std::string diff_json(const RunDiff& diff) {
  Json options = value_json(diff.options.study);
  options["right_score"] = diff.options.right_score;
  Json json = {{"format", "lens-diff"},
               {"format_version", 1},
               {"a", run_json(diff.names[0], diff.infos[0])},
               {"b", run_json(diff.names[1], diff.infos[1])},
               {"settings", list_of(diff.settings, setting_json)},
               {"notes", diff.notes},
               {"options", std::move(options)},
               {"layers", diff.layers},
               {"script_names", diff.script_names}};
  json["datasets"] = list_of(diff.datasets, dataset_json);
  json["groups"] = list_of(diff.groups, group_json);
  json["tests"] = list_of(diff.tests, [&](const PairedTest& test) {
    return test_json(test, diff);
  });
  json["changed"] = list_of(diff.changed, answer_json);
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace lens::analysis::diff
