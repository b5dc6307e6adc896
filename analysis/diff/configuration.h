#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "analysis/source.h"

namespace lens::analysis::diff {

// One thing that two runs have otherwise: "dtype", "prompts.mtvqa".
struct Setting {
  std::string name, a, b;  // "" for what a run does not have
  bool operator==(const Setting&) const = default;
};

// What differs in model, tokenizer, software, configuration and, where both
// manifests are known, the files of the data sets. Empty where nothing does.
// Sizes of what came out are no part of it.
std::vector<Setting> differing_settings(const Source& a, const Source& b);

}  // namespace lens::analysis::diff
