#include "tests/collective/promises.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <set>
#include <stdexcept>

namespace lens::collective {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

// What the rank has, which every other can know: numbers of all sizes, among
// them such that a sum depends on the order.
std::vector<float> part_of(int rank, std::int64_t count) {
  std::mt19937 random(static_cast<unsigned>(rank * 7919 + count));
  std::uniform_real_distribution<float> digits(-1, 1);
  std::uniform_int_distribution<int> exponent(-40, 40);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) {
    value = std::ldexp(digits(random), exponent(random));
  }
  const float special[] = {-0.0f, std::numeric_limits<float>::denorm_min(),
                           1e8f, std::numeric_limits<float>::infinity()};
  for (std::size_t i = 0; i < std::size(special) && i + 1 < values.size(); ++i)
    values[i] = special[i];
  return values;
}

std::vector<float> sum_of(int ranks, std::int64_t count) {
  std::vector<float> sum = part_of(0, count);
  for (int rank = 1; rank < ranks; ++rank) {
    const std::vector<float> part = part_of(rank, count);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += part[i];
  }
  return sum;
}

at::Tensor there(const std::vector<float>& values, at::Device device) {
  return at::tensor(values).to(device);
}

bool same_bytes(const at::Tensor& got, const std::vector<float>& wanted) {
  const at::Tensor here = got.cpu().contiguous();
  if (here.nbytes() != wanted.size() * sizeof(float)) return false;
  // Nothing may lie nowhere, which memcmp does not take.
  return wanted.empty() ||
         std::memcmp(here.const_data_ptr(), wanted.data(), here.nbytes()) == 0;
}

void ranks_are_numbered(Collective& ranks, at::Device device) {
  const at::Tensor all =
      ranks.gather(at::full({1}, ranks.rank(), at::kLong).to(device));
  EXPECT_TRUE(at::equal(all.cpu().view(-1), at::arange(ranks.size())));
}

void broadcast_fills_in_place(Collective& ranks, at::Device device) {
  for (const auto dtype :
       {at::kByte, at::kLong, at::kBFloat16, at::kFloat, at::kBool}) {
    for (const std::int64_t count : {0, 1, 3, 5000}) {
      const at::Tensor wanted = at::arange(count).remainder(5).to(dtype);
      const at::Tensor values = ranks.rank() == 0
                                    ? wanted.to(device)
                                    : at::full({count}, 1, dtype).to(device);
      ranks.broadcast(values);
      EXPECT_TRUE(at::equal(values.cpu(), wanted)) << dtype << " " << count;
    }
  }
}

void awaited_work_comes(Collective& ranks, at::Device device) {
  const at::Tensor values =
      at::full({3}, ranks.rank() + 7, at::kLong).to(device);
  ranks.await(values);
  EXPECT_TRUE(at::equal(values.cpu(), at::full({3}, 7, at::kLong)));
}

void gather_keeps_the_order(Collective& ranks, at::Device device) {
  for (const auto dtype : {at::kByte, at::kBFloat16, at::kLong, at::kBool}) {
    const at::Tensor all =
        ranks.gather(at::full({2, 3}, ranks.rank() % 2, dtype).to(device));
    ASSERT_EQ(all.sizes(), (std::vector<std::int64_t>{ranks.size(), 2, 3}));
    ASSERT_EQ(all.scalar_type(), dtype);
    for (int rank = 0; rank < ranks.size(); ++rank) {
      EXPECT_TRUE(at::equal(all.select(0, rank).cpu(),
                            at::full({2, 3}, rank % 2, dtype)));
    }
  }
  const std::int64_t many = 70'001;
  const at::Tensor all =
      ranks.gather(there(part_of(ranks.rank(), many), device));
  for (int rank = 0; rank < ranks.size(); ++rank) {
    EXPECT_TRUE(same_bytes(all.select(0, rank), part_of(rank, many)));
  }
}

// Around the size from which a carrier sends slices, with tails that the ranks
// do not divide, and fewer values than ranks.
void sum_has_the_bytes_of_a_loop(Collective& ranks, at::Device device,
                                 std::int64_t whole_bytes) {
  const std::int64_t whole = whole_bytes / std::int64_t{sizeof(float)};
  std::set<std::int64_t> counts = {0, 1, 2, 3, 4, 5, 1000, 1001, 100'003};
  for (std::int64_t count = whole - 1; count <= whole + 5; ++count) {
    if (count > 0) counts.insert(count);
  }
  for (const std::int64_t count : counts) {
    const at::Tensor sum =
        ranks.ordered_sum(there(part_of(ranks.rank(), count), device));
    const std::vector<float> exact = sum_of(ranks.size(), count);
    EXPECT_TRUE(same_bytes(sum, exact)) << count;
    // Rounded once, and not before the last part is in it.
    const at::Tensor rounded = ranks.rounded_sum(
        there(part_of(ranks.rank(), count), device), at::kBFloat16);
    EXPECT_TRUE(at::equal(rounded.cpu().view(at::kShort),
                          at::tensor(exact).to(at::kBFloat16).view(at::kShort)))
        << count;
  }
}

void parts_may_lie_apart(Collective& ranks, at::Device device) {
  for (const std::int64_t half : {6, 20'000}) {
    const std::vector<float> own = part_of(ranks.rank(), 2 * half);
    const at::Tensor turned = there(own, device).view({2, half}).t();
    const at::Tensor sum = ranks.ordered_sum(turned);
    ASSERT_EQ(sum.sizes(), turned.sizes());
    EXPECT_TRUE(same_bytes(sum.t(), sum_of(ranks.size(), 2 * half)));
    const at::Tensor all = ranks.gather(turned);
    for (int rank = 0; rank < ranks.size(); ++rank) {
      EXPECT_TRUE(same_bytes(all.select(0, rank).t(), part_of(rank, 2 * half)));
    }
  }
}

void parts_stay_as_they_were(Collective& ranks, at::Device device) {
  for (const std::int64_t count : {5, 40'001}) {
    const std::vector<float> own = part_of(ranks.rank(), count);
    const at::Tensor part = there(own, device);
    ranks.ordered_sum(part);
    ranks.gather(part);
    EXPECT_TRUE(same_bytes(part, own));
  }
}

void narrow_sums_are_refused(Collective& ranks, at::Device device) {
  const at::Tensor part = at::full({4}, 1, at::kBFloat16).to(device);
  EXPECT_THAT([&] { ranks.ordered_sum(part); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("float32")));
  // Nobody has sent anything: the ranks can go on.
  ranks_are_numbered(ranks, device);
}

void gaps_cannot_be_filled(Collective& ranks, at::Device device) {
  const at::Tensor apart = at::full({4, 2}, 1.0f).to(device).select(1, 0);
  EXPECT_THAT([&] { ranks.broadcast(apart); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("contiguous")));
  ranks_are_numbered(ranks, device);
}

void calls_follow_each_other(Collective& ranks, at::Device device) {
  for (int call = 0; call < 200; ++call) {
    const at::Tensor own = at::full({1}, ranks.rank() + call, at::kLong);
    EXPECT_EQ(ranks.gather(own.to(device)).cpu().sum().item<std::int64_t>(),
              ranks.size() * call + ranks.size() * (ranks.size() - 1) / 2);
    const at::Tensor first = own.to(device);
    ranks.broadcast(first);
    EXPECT_EQ(first.item<std::int64_t>(), call);
    EXPECT_EQ(ranks.ordered_sum(at::full({1}, 1.0f).to(device)).item<float>(),
              static_cast<float>(ranks.size()));
  }
}

}  // namespace

std::vector<Promise> promises(std::int64_t whole_bytes) {
  return {
      {"RanksAreNumbered", ranks_are_numbered},
      {"BroadcastFillsInPlace", broadcast_fills_in_place},
      {"AwaitedWorkComes", awaited_work_comes},
      {"GatherKeepsTheOrder", gather_keeps_the_order},
      {"SumHasTheBytesOfALoop",
       [whole_bytes](Collective& ranks, at::Device device) {
         sum_has_the_bytes_of_a_loop(ranks, device, whole_bytes);
       }},
      {"PartsMayLieApart", parts_may_lie_apart},
      {"PartsStayAsTheyWere", parts_stay_as_they_were},
      {"NarrowSumsAreRefused", narrow_sums_are_refused},
      {"GapsCannotBeFilled", gaps_cannot_be_filled},
      {"CallsFollowEachOther", calls_follow_each_other},
  };
}

}  // namespace lens::collective
