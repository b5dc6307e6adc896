#pragma once

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <string>

namespace lens {

// Empty, or why there is no GPU to test on; afterwards libtorch computes on it
// as the programs do.
inline std::string why_no_gpu() {
  if (!dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL)) {
    return std::string("libtorch has no CUDA half: ") + dlerror();
  }
  const auto& hooks = at::detail::getCUDAHooks();
  if (!hooks.hasCUDA() || hooks.deviceCount() == 0) {
    return "the driver shows no GPU to this process";
  }
  hooks.init();
  at::globalContext().setAllowTF32CuBLAS(false);
  at::globalContext().setAllowBF16ReductionCuBLAS(false);
  return "";
}

// Tests of it are skipped, with the reason, where there is no GPU.
class GpuTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string reason = why_no_gpu();
    if (!reason.empty()) GTEST_SKIP() << reason;
    at::manual_seed(1);
  }
};

}  // namespace lens
