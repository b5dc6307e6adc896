#pragma once

#include <span>
#include <string>
#include <vector>

#include "analysis/diff/paired_test.h"

namespace lens::analysis::diff {

// "mtvqa: entropy differs at layers 12 to 14 (p < 0.001), most at 12: +0.31
// nats." A test that finds nothing claims nothing.
std::string test_sentence(const PairedTest& test,
                          std::span<const std::string> script_names);

// "12", "12 to 14 and 20"; rising.
std::string layer_list(std::span<const int> layers);

// "+0.31", "-2", "0".
std::string signed_number(double value);

}  // namespace lens::analysis::diff
