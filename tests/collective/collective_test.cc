#include "collective/collective.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "tests/collective/thread_collective.h"

namespace lens::collective {
namespace {

TEST(OneProcess, GivesBackWhatItIsGiven) {
  const auto ranks = one_process();
  EXPECT_EQ(ranks->rank(), 0);
  EXPECT_EQ(ranks->size(), 1);
  const at::Tensor values = at::tensor({1.5f, -2.0f});
  ranks->broadcast(values);
  EXPECT_TRUE(at::equal(values, at::tensor({1.5f, -2.0f})));
  EXPECT_TRUE(ranks->ordered_sum(values).is_same(values));
  EXPECT_TRUE(at::equal(ranks->gather(values), values.unsqueeze(0)));
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

TEST(Broadcast, GivesEveryRankTheFirstOnesValues) {
  as_ranks(3, [](const std::shared_ptr<Collective>& ranks) {
    const at::Tensor values = at::full({3}, ranks->rank() + 7, at::kLong);
    ranks->broadcast(values);
    EXPECT_EQ(values[2].item<std::int64_t>(), 7);
    const at::Tensor all =
        ranks->gather(at::full({1}, ranks->rank(), at::kLong));
    ASSERT_EQ(all.sizes(), (std::vector<std::int64_t>{3, 1}));
    EXPECT_EQ(all[2][0].item<std::int64_t>(), 2);
  });
}

}  // namespace
}  // namespace lens::collective
