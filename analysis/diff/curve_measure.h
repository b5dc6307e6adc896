#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "analysis/metrics/sample_row.h"

namespace lens::analysis::diff {

// A curve by layer that two runs are compared by. One of another column joins
// by a line of curve_measures(); a run whose file lacks the column has empty
// curves, and the measure is then left out.
struct CurveMeasure {
  // In JSON and names of files and random streams: must not change.
  std::string_view key;
  std::string_view title;  // "entropy"
  std::string_view axis;   // "entropy, nats"
  std::string_view unit;   // behind a number: " nats"; may be empty
  // Mean over a sample's tokens, [layer] or, by script, [layer, script].
  std::vector<float> metrics::SampleRow::*curve = nullptr;
  // Whether values over two vocabularies can be held against each other.
  bool of_any_vocabulary = false;
  bool by_script = false;
  // The layer of its first value.
  int first_layer = 0;
  enum class Axis { kFromZero, kShare, kLogarithm } scale = Axis::kFromZero;
};

std::span<const CurveMeasure> curve_measures();

}  // namespace lens::analysis::diff
