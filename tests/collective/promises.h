#pragma once

#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "collective/collective.h"

namespace lens::collective {

// What any carrier has to do, seen from one rank. Every rank calls `hold`, with
// the device whose memory the values are to be in.
struct Promise {
  std::string name;
  std::function<void(Collective& ranks, at::Device device)> hold;
};

// `whole_bytes` is the carrier's: sums are held to it around the switch.
std::vector<Promise> promises(std::int64_t whole_bytes);

// For INSTANTIATE_TEST_SUITE_P.
inline std::string name_of_promise(
    const ::testing::TestParamInfo<Promise>& info) {
  return info.param.name;
}

}  // namespace lens::collective
