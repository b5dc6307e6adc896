#include "analysis/statistics/value_json.h"

namespace lens::analysis::statistics {

using Json = nlohmann::ordered_json;

Json value_json(const Interval& interval) {
  return Json::array({interval.low, interval.high});
}

Json value_json(const Curve& curve) {
  return {{"mean", curve.mean}, {"low", curve.low}, {"high", curve.high}};
}

Json value_json(const StudyOptions& options) {
  return {{"onset_fraction", options.onset.fraction},
          {"onset_least_range_nats", options.onset.least_range_nats},
          {"bootstrap_resamples", options.bootstrap_resamples},
          {"permutations", options.permutations},
          {"confidence", options.confidence},
          {"significance", options.significance},
          {"seed", options.seed},
          {"least_group", options.least_group}};
}

Json value_json(const Population& population) {
  Json json = Json::object();
  if (!population.run.empty()) json["run"] = population.run;
  json["dataset"] = population.dataset;
  json["by"] = key_of(population.by);
  json["value"] = population.value;
  return json;
}

}  // namespace lens::analysis::statistics
