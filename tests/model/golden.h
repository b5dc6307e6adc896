#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/engine.h"
#include "model/checkpoint/safetensors.h"
#include "model/open_model.h"

namespace lens::model {

inline std::string tiny_checkpoint() {
  return LENS_SOURCE_DIR "/tests/data/tiny-checkpoint";
}

// What transformers computed for one prompt on the tiny checkpoint; made by
// tests/oracle/make_goldens.py.
class Golden {
 public:
  explicit Golden(int number)
      : file_(std::string(LENS_SOURCE_DIR) + "/tests/data/goldens/case" +
              std::to_string(number) + ".safetensors") {}

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
  SafetensorsFile file_;
};

// float32 on the CPU against transformers' float32: only the order of sums may
// differ.
inline void expect_close(const at::Tensor& actual, const at::Tensor& expected,
                         double relative = 1e-5) {
  ASSERT_EQ(actual.scalar_type(), expected.scalar_type());
  ASSERT_EQ(actual.sizes(), expected.sizes());
  const double scale = expected.abs().max().item<double>();
  const double error = (actual - expected).abs().max().item<double>();
  EXPECT_LE(error, relative * scale);
}

inline engine::Engine tiny_engine(at::ScalarType dtype = at::kFloat,
                                  engine::Schedule schedule = {}) {
  return {open_model(tiny_checkpoint(), dtype, at::kCPU), schedule};
}

}  // namespace lens::model
