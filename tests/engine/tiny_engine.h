#pragma once

#include "engine/engine.h"
#include "model/open_model.h"
#include "tests/model/tiny_checkpoint.h"

namespace lens::engine {

inline Engine tiny_engine(at::ScalarType dtype = at::kFloat,
                          Schedule schedule = {}) {
  return {model::open_model(model::tiny_checkpoint(), dtype, at::kCPU),
          schedule};
}

}  // namespace lens::engine
