#pragma once

#include <string>

namespace lens::model {

// Of Qwen2-VL.
inline std::string tiny_checkpoint() {
  return LENS_SOURCE_DIR "/tests/data/tiny-checkpoint";
}

// Of Qwen2.5-VL, whose windows are two tokens a side.
inline std::string tiny_windowed_checkpoint() {
  return LENS_SOURCE_DIR "/tests/data/tiny-windowed-checkpoint";
}

}  // namespace lens::model
