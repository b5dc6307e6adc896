#include "model/last_attention.h"

#include <ATen/TensorIndexing.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/stack.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace lens::model {
namespace {

struct Sizes {
  std::int64_t heads;
  std::int64_t kv_heads;
  std::int64_t dim;
};

class LastAttention
    : public ::testing::TestWithParam<std::tuple<Sizes, at::ScalarType>> {
 protected:
  LastAttention() {
    at::manual_seed(15);
    query_ = at::randn({4, sizes().heads, sizes().dim}).to(dtype());
    keys_ = at::randn({6, 40, sizes().kv_heads, sizes().dim}).to(dtype());
  }
  Sizes sizes() const { return std::get<0>(GetParam()); }
  at::ScalarType dtype() const { return std::get<1>(GetParam()); }

  // The definition, in float64.
  at::Tensor expected(std::int64_t row, const Segment& segment) const {
    const std::int64_t total = segment.past + segment.length;
    const std::int64_t group = sizes().heads / sizes().kv_heads;
    std::vector<at::Tensor> heads;
    for (std::int64_t head = 0; head < sizes().heads; ++head) {
      const at::Tensor keys = keys_[segment.slot]
                                  .narrow(0, 0, total)
                                  .select(1, head / group)
                                  .to(at::kDouble);
      const at::Tensor query = query_[row][head].to(at::kDouble);
      heads.push_back(at::softmax(
          at::matmul(keys, query) / std::sqrt(double(sizes().dim)), 0));
    }
    return at::stack(heads);
  }

  // Slots in any order, sequences of any length.
  const std::vector<Segment> segments_ = {
      {3, 0, 1, {}}, {0, 20, 7, {}}, {5, 39, 1, {}}, {1, 0, 9, {}}};
  at::Tensor query_;
  at::Tensor keys_;
};

TEST_P(LastAttention, IsTheSoftmaxOverTheSequence) {
  const at::Tensor found = last_attention(query_, keys_, segments_);
  ASSERT_EQ(found.sizes(), (std::vector<std::int64_t>{4, sizes().heads, 40}));
  EXPECT_EQ(found.scalar_type(), at::kFloat);
  for (std::int64_t row = 0; row < 4; ++row) {
    const Segment& segment = segments_[static_cast<std::size_t>(row)];
    const std::int64_t total = segment.past + segment.length;
    const at::Tensor difference =
        found[row].narrow(1, 0, total).to(at::kDouble) - expected(row, segment);
    EXPECT_LT(difference.abs().max().item<double>(), 1e-6) << row;
    EXPECT_EQ(found[row].narrow(1, total, 40 - total).abs().sum().item<float>(),
              0)
        << row;
    EXPECT_LT((found[row].sum(1) - 1).abs().max().item<float>(), 1e-6F);
  }
}

TEST_P(LastAttention, OfASequenceIsThatOfItAlone) {
  const at::Tensor together = last_attention(query_, keys_, segments_);
  for (std::int64_t row = 0; row < 4; ++row) {
    const Segment& segment = segments_[static_cast<std::size_t>(row)];
    const at::Tensor alone =
        last_attention(query_.narrow(0, row, 1), keys_, std::span(&segment, 1));
    EXPECT_LT((together[row].narrow(1, 0, alone.size(2)) - alone[0])
                  .abs()
                  .max()
                  .item<float>(),
              1e-7F);
  }
}

// As a model on another device has it: by products of the library.
TEST_P(LastAttention, IsTheSameByProductsOfTheLibrary) {
  const at::Tensor in_place = last_attention(query_, keys_, segments_);
  // Halves are not read in place.
  const at::Tensor found =
      last_attention(query_.to(at::kHalf), keys_.to(at::kHalf), segments_);
  EXPECT_LT((found - in_place).abs().max().item<float>(),
            dtype() == at::kFloat ? 5e-3F : 1e-6F);
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, LastAttention,
    ::testing::Combine(::testing::Values(Sizes{12, 2, 128}, Sizes{4, 4, 16},
                                         Sizes{6, 1, 12}, Sizes{2, 2, 5}),
                       ::testing::Values(at::kFloat, at::kBFloat16)));

}  // namespace
}  // namespace lens::model
