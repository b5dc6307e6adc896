#pragma once

#include <ATen/Context.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "model/cuda/gpus.h"

namespace lens {

// Tests of it are skipped, with the reason, where there is no GPU.
class GpuTest : public ::testing::Test {
 protected:
  void SetUp() override {
    try {
      model::cuda::open_gpus();
    } catch (const InputError& problem) {
      GTEST_SKIP() << problem.what();
    }
    at::manual_seed(1);
  }
};

}  // namespace lens
