#include "collective/collective.h"

#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "collective/verdict.h"
#include "tests/collective/promises.h"
#include "tests/collective/thread_collective.h"

namespace lens::collective {
namespace {

constexpr std::int64_t kNoSwitch = 0;

class OneProcess : public ::testing::TestWithParam<Promise> {};
class Threads : public ::testing::TestWithParam<Promise> {};

TEST_P(OneProcess, Keeps) { GetParam().hold(*one_process(), at::kCPU); }

TEST_P(Threads, Keep) {
  for (const int size : {1, 2, 3, 4}) {
    as_ranks(size, [](const std::shared_ptr<Collective>& ranks) {
      GetParam().hold(*ranks, at::kCPU);
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Promises, OneProcess,
                         ::testing::ValuesIn(promises(kNoSwitch)),
                         name_of_promise);
INSTANTIATE_TEST_SUITE_P(Promises, Threads,
                         ::testing::ValuesIn(promises(kNoSwitch)),
                         name_of_promise);

TEST(OneRank, GivesBackWhatItIsGiven) {
  const auto ranks = one_process();
  const at::Tensor values = at::tensor({1.5f, -2.0f});
  EXPECT_TRUE(ranks->ordered_sum(values).is_same(values));
}

// 1 + 1e8 - 1e8 is 0 or 1 in float32, by the order.
TEST(OrderedSum, AddsInTheOrderOfTheRanks) {
  const std::vector<float> parts = {1e8f, 1.0f, -1e8f};
  as_ranks(3, [&](const std::shared_ptr<Collective>& ranks) {
    const at::Tensor part = at::full({2}, parts[ranks->rank()]);
    EXPECT_EQ(ranks->ordered_sum(part)[0].item<float>(), 0.0f);
  });
  const std::vector<float> turned = {1e8f, -1e8f, 1.0f};
  as_ranks(3, [&](const std::shared_ptr<Collective>& ranks) {
    const at::Tensor part = at::full({2}, turned[ranks->rank()]);
    EXPECT_EQ(ranks->ordered_sum(part)[1].item<float>(), 1.0f);
  });
}

TEST(CommonVerdict, IsTheFirstProblemOnAllRanks) {
  as_ranks(3, [](const std::shared_ptr<Collective>& ranks) {
    EXPECT_EQ(common_verdict(*ranks, ""), "");
    const std::string own =
        ranks->rank() == 0 ? "" : "no room " + std::to_string(ranks->rank());
    EXPECT_EQ(common_verdict(*ranks, own),
              ranks->rank() == 1 ? "no room 1" : "rank 1: no room 1");
  });
}

TEST(CommonVerdict, LongProblemsAreCutOff) {
  as_ranks(2, [](const std::shared_ptr<Collective>& ranks) {
    const std::string own(ranks->rank() == 0 ? 10'000 : 0, 'x');
    const std::string all = common_verdict(*ranks, own);
    if (ranks->rank() == 1) {
      EXPECT_EQ(all, "rank 0: " + std::string(399, 'x'));
    }
  });
}

}  // namespace
}  // namespace lens::collective
