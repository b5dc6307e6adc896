#include "cli/memory_fit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace lens::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class MemoryFitTest : public testing::Test {
 protected:
  MemoryFitTest() {
    machine_.memory_bytes = 32'000'000'000;
    checkpoint_.folder = "/models/Qwen2-VL-7B-Instruct";
    checkpoint_.parameters = 8'000'000'000;
    checkpoint_.spreads = {
        {1, 8'000'000'000}, {2, 4'050'000'000}, {4, 2'100'000'000}};
    checkpoint_.dtype = "bfloat16";
    config_.device = "cpu";
    config_.dtype = "bfloat16";
  }

  std::string refusal(int workers) const {
    try {
      require_memory(checkpoint_, config_, workers, machine_);
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  }

  Machine machine_;
  Checkpoint checkpoint_;
  storage::RunConfig config_;
};

TEST_F(MemoryFitTest, WeightsOfTheCheckpointsDtypeAreSharedByWorkers) {
  EXPECT_EQ(refusal(1), "");
  EXPECT_EQ(refusal(8), "");
}

TEST_F(MemoryFitTest, ConvertedWeightsAreEachWorkersOwn) {
  config_.dtype = "float32";
  EXPECT_EQ(refusal(1), "");
  EXPECT_THAT(refusal(2),
              AllOf(HasSubstr("/models/Qwen2-VL-7B-Instruct"),
                    HasSubstr("32.0 GB in float32 in each of 2 workers"),
                    HasSubstr("this machine has 32.0 GB"),
                    HasSubstr("--dtype bfloat16, or fewer --workers")));
}

TEST_F(MemoryFitTest, NarrowerDtypeIsOfferedWhereItHelps) {
  config_.dtype = checkpoint_.dtype = "float32";
  checkpoint_.parameters = 9'000'000'000;
  EXPECT_THAT(refusal(1), HasSubstr("or --dtype bfloat16"));
  checkpoint_.parameters = 73'000'000'000;
  EXPECT_THAT(refusal(1),
              AllOf(HasSubstr("292.0 GB"), Not(HasSubstr("--dtype bfloat16"))));
}

TEST_F(MemoryFitTest, SmallestGpuDecidesForRunsOnGpus) {
  config_.device = "cuda";
  EXPECT_EQ(refusal(1), "") << "that there is no GPU is told elsewhere";
  machine_.gpu.gpus = {{"A", 80'000'000'000}, {"B", 10'000'000'000}};
  EXPECT_THAT(refusal(2), HasSubstr("a GPU here has 10.0 GB"));
  machine_.gpu.gpus.pop_back();
  EXPECT_EQ(refusal(1), "");
}

TEST_F(MemoryFitTest, GpuHoldsTheShareOfOneRank) {
  config_.device = "cuda";
  machine_.gpu.gpus.assign(4, {"A", 10'000'000'000});
  EXPECT_THAT(refusal(1), HasSubstr("or --tensor-parallel 2"));
  config_.tensor_parallel = 2;
  EXPECT_EQ(refusal(2), "");
  machine_.gpu.gpus.assign(4, {"A", 6'000'000'000});
  EXPECT_THAT(refusal(2), AllOf(HasSubstr("8.1 GB in bfloat16 on each of 2 "
                                          "ranks, a GPU here has 6.0 GB"),
                                HasSubstr("or --tensor-parallel 4")));
}

TEST_F(MemoryFitTest, CpusHoldTheSharesOfAllRanks) {
  config_.tensor_parallel = 4;
  EXPECT_EQ(refusal(1), "");
  config_.dtype = "float32";
  EXPECT_THAT(refusal(1), AllOf(HasSubstr("33.6 GB in float32 in 4 ranks"),
                                Not(HasSubstr("--tensor-parallel"))));
}

TEST_F(MemoryFitTest, LeastSpreadLeavesRoomBesideTheWeights) {
  const auto least = [&](std::int64_t bytes) {
    const auto spread = least_spread(checkpoint_.spreads, "bfloat16", bytes);
    return spread ? spread->ranks : 0;
  };
  EXPECT_EQ(least(19'200'000'000), 1);
  EXPECT_EQ(least(19'100'000'000), 2);
  EXPECT_EQ(least(9'000'000'000), 4);
  EXPECT_EQ(least(4'200'000'000), 0) << "the weights alone fill it";
}

}  // namespace
}  // namespace lens::cli
