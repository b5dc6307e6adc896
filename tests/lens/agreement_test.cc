#include "lens/agreement.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/lens/random_head.h"

namespace lens::readout {
namespace {

TEST(Agreement, NamesTheColumnThatDiffers) {
  at::manual_seed(3);
  const auto backend = reference_backend(random_head(100, 8, at::kFloat), 3);
  const at::Tensor rows = at::randn({2, 3, 8});
  const at::Tensor targets = at::randint(0, 100, {2}, at::kLong);
  const Readout oracle = backend->read(rows, targets);
  Readout other = backend->read(rows, targets);
  EXPECT_EQ(disagreement(other, oracle), "");
  other.get<"kl_final">()[1][0] += 0.01;
  EXPECT_EQ(disagreement(other, oracle), "the values of kl_final differ");
  other = backend->read(rows, targets);
  other.get<"entropy">()[0][0] = std::nan("");
  EXPECT_EQ(disagreement(other, oracle), "the values of entropy differ");
  other = backend->read(rows, targets);
  other.get<"top_id">()[0][0][0] += 1;
  EXPECT_EQ(disagreement(other, oracle), "the values of top_id differ");
}

}  // namespace
}  // namespace lens::readout
