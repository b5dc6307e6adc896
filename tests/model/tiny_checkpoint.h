#pragma once

#include <string>

namespace lens::model {

inline std::string tiny_checkpoint() {
  return LENS_SOURCE_DIR "/tests/data/tiny-checkpoint";
}

}  // namespace lens::model
