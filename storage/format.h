#pragma once

#include <cstdint>

namespace lens::storage {

// What the root attributes `format` and `format_version` say (docs/format.md).
// They reach disk: they must not change.
inline constexpr std::int32_t kFormatVersion = 1;
inline constexpr const char* kResultsFormat = "lens-results";
inline constexpr const char* kPartFormat = "lens-part";
inline constexpr const char* kVocabularyFormat = "lens-vocabulary";

}  // namespace lens::storage
