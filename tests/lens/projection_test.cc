#include "lens/projection.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lens::readout {
namespace {

// Remembers what it was asked and multiplies a state by its number.
class ByNumber final : public Projection {
 public:
  at::Tensor apply(const at::Tensor& states, int first) const override {
    at::Tensor scaled = states.clone();
    for (std::int64_t layer = 0; layer < states.size(1); ++layer) {
      scaled.select(1, layer).mul_(static_cast<double>(first + layer));
    }
    return scaled;
  }
};

TEST(HeadRows, EachStateIsProjectedByItsNumberAndTheLastIsNot) {
  at::manual_seed(1);
  const at::Tensor states = at::randn({3, 4, 8});
  const at::Tensor rows = head_rows(ByNumber(), states);
  ASSERT_EQ(rows.sizes(), (std::vector<std::int64_t>{12, 8}));
  for (std::int64_t token = 0; token < 3; ++token) {
    for (std::int64_t state = 0; state < 4; ++state) {
      const double factor = state == 3 ? 1 : static_cast<double>(state);
      EXPECT_TRUE(
          at::equal(rows[token * 4 + state], states[token][state] * factor));
    }
  }
}

TEST(FinalNorm, RowsHaveTheRootMeanSquareOfTheWeight) {
  at::manual_seed(2);
  const at::Tensor states = 7 * at::randn({5, 3, 64});
  const at::Tensor normed =
      final_norm(2 * at::ones({64}), 1e-6)->apply(states, 0);
  const at::Tensor size = normed.pow(2).mean(-1).sqrt();
  EXPECT_LE((size - 2).abs().max().item<float>(), 1e-5f);
  const at::Tensor ratio = normed / states;
  EXPECT_LE((ratio - ratio.mean(-1, true)).abs().max().item<float>(), 1e-4f)
      << "the direction stays";
}

TEST(HeadRows, AreRoundedOnceToTheDtypeOfTheStates) {
  at::manual_seed(3);
  const at::Tensor states = at::randn({2, 3, 16}).to(at::kBFloat16);
  const auto norm = final_norm(at::ones({16}).to(at::kBFloat16), 1e-6);
  const at::Tensor rows = head_rows(*norm, states);
  EXPECT_EQ(rows.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(at::equal(
      rows, head_rows(*norm, states.to(at::kFloat)).to(at::kBFloat16)))
      << "norm and weight are float32 on the way";
}

}  // namespace
}  // namespace lens::readout
