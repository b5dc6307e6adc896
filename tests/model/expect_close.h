#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>

namespace lens::model {

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

}  // namespace lens::model
