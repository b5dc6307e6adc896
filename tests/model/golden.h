#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "engine/generation.h"
#include "engine/prompt.h"
#include "model/checkpoint/safetensors.h"
#include "tests/model/tiny_checkpoint.h"

namespace lens::model {

// What transformers computed for one prompt on a tiny checkpoint: 0 and 1 on
// that of Qwen2-VL, 2 and 3 on that of Qwen2.5-VL. Made by
// tests/oracle/make_goldens.py.
class Golden {
 public:
  explicit Golden(int number)
      : checkpoint_(number < 2 ? tiny_checkpoint()
                               : tiny_windowed_checkpoint()),
        file_(std::string(LENS_SOURCE_DIR) + "/tests/data/goldens/case" +
              std::to_string(number) + ".safetensors") {}

  // The checkpoint that it is of.
  const std::string& checkpoint() const { return checkpoint_; }

  at::Tensor operator[](const std::string& name) const {
    return file_.tensor(name);
  }

  Grid grid() const {
    const at::Tensor thw = file_.tensor("image_grid_thw");
    const std::int64_t* values = thw.const_data_ptr<std::int64_t>();
    return {static_cast<int>(values[1]), static_cast<int>(values[2])};
  }

  std::vector<std::int64_t> integers(const std::string& name) const {
    const at::Tensor tensor = file_.tensor(name);
    const std::int64_t* values = tensor.const_data_ptr<std::int64_t>();
    return {values, values + tensor.numel()};
  }

  engine::Picture picture() const {
    return {[values = file_.tensor("pixel_values")] { return values; }, grid()};
  }

  engine::Prompt prompt(int picture) const {
    return {.ids = integers("input_ids"), .picture = picture, .wanted = {}};
  }

 private:
  std::string checkpoint_;
  SafetensorsFile file_;
};

}  // namespace lens::model
