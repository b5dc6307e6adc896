#include "cli/spread.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace lens::cli {
namespace {

using testing::HasSubstr;

class SpreadTest : public testing::Test {
 protected:
  SpreadTest() {
    checkpoint_.num_heads = 12;
    checkpoint_.num_kv_heads = 2;
    for (const int ranks : {1, 2, 4, 6, 12})
      checkpoint_.spreads.push_back({ranks, 12'000'000'000 / ranks});
    config_.device = "cuda";
    config_.dtype = "bfloat16";
    machine_.memory_bytes = 64'000'000'000;
  }

  int resolved(std::optional<int> asked,
               const storage::Manifest* previous = nullptr) const {
    PlanRequest request;
    request.tensor_parallel = asked;
    return resolve_tensor_parallel(request, machine_, checkpoint_, config_,
                                   previous);
  }
  std::string refusal(std::optional<int> asked) const {
    try {
      resolved(asked);
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  }
  std::string gpu_refusal(int workers, int ranks) {
    config_.tensor_parallel = ranks;
    try {
      require_gpus(config_, workers, machine_);
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  }
  void give_gpus(std::size_t count, std::int64_t bytes) {
    machine_.gpu.gpus.assign(count, {"GPU", bytes});
  }

  Machine machine_;
  Checkpoint checkpoint_;
  storage::RunConfig config_;
};

TEST_F(SpreadTest, NumberThatCannotBeNamesThoseThatCan) {
  EXPECT_EQ(resolved(6), 6);
  EXPECT_EQ(refusal(3),
            "cannot spread this model over 3 ranks (its 12 heads and 2 key "
            "heads cannot be shared out); 1, 2, 4, 6 and 12 work");
  checkpoint_.spreads.resize(1);
  EXPECT_THAT(refusal(2), HasSubstr("; 1 works"));
}

TEST_F(SpreadTest, AutoIsTheLeastThatFits) {
  give_gpus(2, 80'000'000'000);
  EXPECT_EQ(resolved({}), 1);
  give_gpus(2, 16'000'000'000);
  EXPECT_EQ(resolved({}), 2);
  // Six billion values are 12 GB, and a fifth of that has to be left.
  give_gpus(2, 13'000'000'000);
  EXPECT_EQ(resolved({}), 4);
  machine_.gpu.gpus.push_back({"small", 5'000'000'000});
  EXPECT_EQ(resolved({}), 6) << "the smallest GPU decides";
  config_.device = "cpu";
  EXPECT_EQ(resolved({}), 1);
}

TEST_F(SpreadTest, AutoThatFindsNoneSaysWhatWasMissing) {
  give_gpus(2, 2'000'000'000);
  EXPECT_THAT(refusal({}), HasSubstr("each of 12 ranks, the most that can "
                                     "share this model, needs 2.4 GB in "
                                     "bfloat16, a GPU here has 2.0 GB"));
  machine_.gpu = {.gpus = {}, .problem = "no driver"};
  EXPECT_THAT(refusal({}), HasSubstr("no driver); give a number"));
}

TEST_F(SpreadTest, AutoOnResumeIsWhatTheManifestSays) {
  give_gpus(1, 80'000'000'000);
  storage::Manifest previous;
  previous.config.tensor_parallel = 4;
  EXPECT_EQ(resolved({}, &previous), 4);
  EXPECT_EQ(resolved(2, &previous), 2);
}

TEST_F(SpreadTest, EachRankNeedsAGpuOfItsOwn) {
  give_gpus(4, 80'000'000'000);
  EXPECT_EQ(gpu_refusal(2, 2), "");
  EXPECT_EQ(gpu_refusal(8, 1), "") << "whole models may share a GPU";
  EXPECT_EQ(gpu_refusal(3, 2),
            "cannot start 3 workers of 2 ranks here (each rank needs a GPU of "
            "its own, this machine has 4); give --workers 2 or less");
  EXPECT_THAT(gpu_refusal(1, 6), HasSubstr("take more machines"));
  config_.device = "cpu";
  EXPECT_EQ(gpu_refusal(3, 2), "");
}

}  // namespace
}  // namespace lens::cli
