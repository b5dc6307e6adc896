#include "collective/nccl_collective.h"

#include <gtest/gtest.h>

#include "tests/collective/promises.h"
#include "tests/gpu.h"

namespace lens::collective {
namespace {

// One rank: more need as many GPUs.
class Nccl : public GpuTest, public ::testing::WithParamInterface<Promise> {
 protected:
  const at::Device device_{at::kCUDA, 0};
};

TEST_P(Nccl, KeepsOnTheDevice) {
  const auto ranks = nccl_collective(one_process(), device_);
  GetParam().hold(*ranks, device_);
}

TEST_P(Nccl, KeepsOnTheHost) {
  const auto ranks = nccl_collective(one_process(), device_);
  GetParam().hold(*ranks, at::kCPU);
}

INSTANTIATE_TEST_SUITE_P(Promises, Nccl,
                         ::testing::ValuesIn(promises(Carriage().whole_bytes)),
                         name_of_promise);

}  // namespace
}  // namespace lens::collective
