#pragma once

#include <nlohmann/json.hpp>

#include "analysis/population.h"
#include "analysis/statistics/study.h"

namespace lens::analysis::statistics {

// Pieces that more than one file of results has. Keys stand in the order
// written; NaN becomes null when it is dumped.

nlohmann::ordered_json value_json(const Interval& interval);
nlohmann::ordered_json value_json(const Curve& curve);
nlohmann::ordered_json value_json(const StudyOptions& options);
// "run" stands where there is more than one.
nlohmann::ordered_json value_json(const Population& population);

}  // namespace lens::analysis::statistics
