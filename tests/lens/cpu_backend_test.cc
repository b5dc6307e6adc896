#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "base/error.h"
#include "lens/agreement.h"
#include "lens/cpu/backend.h"
#include "lens/cpu/isa.h"
#include "tests/lens/random_head.h"

namespace lens::readout::cpu {
namespace {

void expect_equal(const Readout& a, const Readout& b) {
  for (const table::Column& column : table::kColumns) {
    if (!column.of_states()) continue;
    EXPECT_TRUE(a.column(column).equal(b.column(column))) << column.name;
  }
}

at::Tensor random_rows(const Head& head, std::int64_t tokens,
                       std::int64_t states, float scale) {
  return (scale * at::randn({tokens, states, head.weight.size(1)}))
      .to(head.weight.scalar_type());
}

at::Tensor random_targets(const Head& head, std::int64_t tokens) {
  return at::randint(0, head.weight.size(0), {tokens}, at::kLong);
}

// With every kernel of this machine that takes the head.
void expect_reference(const Head& head, std::int64_t tokens,
                      std::int64_t states, float scale) {
  const at::Tensor rows = random_rows(head, tokens, states, scale);
  const at::Tensor targets = random_targets(head, tokens);
  const Readout oracle = reference_backend(head, 5)->read(rows, targets);
  for (const Kernel* kernel : kernels_here()) {
    if (head.weight.size(1) % kernel->depth_step != 0) continue;
    if (kernel->bfloat16 && head.weight.scalar_type() != at::kBFloat16) {
      continue;
    }
    const Readout readout = backend(head, 5, *kernel)->read(rows, targets);
    EXPECT_EQ(disagreement(readout, oracle), "") << kernel->name;
    EXPECT_EQ(readout.get<"kl_final">()
                  .select(1, states - 1)
                  .abs()
                  .max()
                  .item<float>(),
              0.0f);
  }
}

TEST(CpuBackend, EqualsTheReference) {
  at::manual_seed(1);
  // Tails of ids in panels and in steps of them.
  expect_reference(random_head(20003, 16, at::kFloat), 4, 5, 1);
  expect_reference(random_head(20003, 32, at::kBFloat16), 4, 5, 1);
  expect_reference(random_head(3000, 64, at::kHalf), 4, 5, 1);
  // Peaked; the last state alone; fewer ids than ranks.
  expect_reference(random_head(3001, 96, at::kFloat), 4, 5, 20);
  expect_reference(random_head(3001, 96, at::kBFloat16), 4, 5, 20);
  expect_reference(random_head(3001, 48, at::kFloat), 3, 1, 1);
  expect_reference(random_head(3, 8, at::kFloat), 2, 3, 1);
  // More columns than are added up in one go, and no even number of them.
  expect_reference(random_head(1000, 1536, at::kBFloat16), 2, 29, 0.3);
  expect_reference(random_head(300, 1031, at::kFloat), 2, 29, 0.3);
}

TEST(CpuBackend, ManyTokensAreWrittenInTheirPlaces) {
  at::manual_seed(2);
  expect_reference(random_head(1501, 8, at::kFloat), 700, 5, 1);
  // A group of rows that holds last states and others.
  for (const std::int64_t tokens : {1, 7, 8, 9, 16, 17, 33, 64}) {
    expect_reference(random_head(301, 8, at::kFloat), tokens, 3, 1);
  }
}

// Logits 0, 1, ... of the ids in turn, by a head of one column.
TEST(CpuBackend, TiesKeepTheLowerIdAndLargestLogitsAreFound) {
  Head head = random_head(40000, 1, at::kFloat);
  head.weight = at::arange(40000, at::kFloat).remainder(1000).unsqueeze(-1);
  const Readout readout = best_backend(head, 3)->read(
      at::ones({1, 1, 1}), at::zeros({1}, at::kLong));
  for (int k = 0; k < 3; ++k) {
    EXPECT_EQ(readout.get<"top_id">()[0][0][k].item<int>(), 999 + 1000 * k);
  }
  EXPECT_EQ(readout.get<"target_rank">()[0][0].item<int>(), 1 + 40 * 999);
}

TEST(CpuBackend, AnyNumberOfThreadsGivesEqualBits) {
  at::manual_seed(5);
  const Head head = random_head(9001, 32, at::kBFloat16);
  const at::Tensor rows = random_rows(head, 90, 4, 1);
  const at::Tensor targets = random_targets(head, 90);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const Readout one = best_backend(head, 3)->read(rows, targets);
  at::set_num_threads(40);  // several blocks at once
  const Readout many = best_backend(head, 3)->read(rows, targets);
  at::set_num_threads(threads);
  expect_equal(one, many);
}

TEST(CpuBackend, ATokenIsTheSameBitsWhateverIsBesideIt) {
  at::manual_seed(6);
  const Head head = random_head(5003, 64, at::kBFloat16);
  const at::Tensor rows = random_rows(head, 37, 6, 2);
  const at::Tensor targets = random_targets(head, 37);
  const auto backend = best_backend(head, 4);
  const Readout together = backend->read(rows, targets);
  for (const std::int64_t token : {0, 20, 36}) {
    const Readout alone =
        backend->read(rows.narrow(0, token, 1), targets.narrow(0, token, 1));
    for (const table::Column& column : table::kColumns) {
      if (!column.of_states()) continue;
      EXPECT_TRUE(alone.column(column).equal(
          together.column(column).narrow(0, token, 1)))
          << column.name;
    }
  }
}

TEST(CpuBackend, FarLogitsHaveNoMassAndGiveNoNan) {
  Head head = random_head(2000, 1, at::kFloat);
  head.weight = at::zeros({2000, 1});
  head.weight[7] = 500;
  const Readout readout = best_backend(head, 2)->read(
      at::ones({1, 1, 1}), at::full({1}, 7, at::kLong));
  EXPECT_EQ(readout.get<"entropy">().item<float>(), 0.0f);
  EXPECT_EQ(readout.get<"target_logprob">().item<float>(), 0.0f);
  EXPECT_EQ(readout.get<"target_rank">().item<int>(), 1);
}

TEST(CpuBackend, ANanStaysInItsRowAndIsSeen) {
  at::manual_seed(7);
  const Head head = random_head(1000, 8, at::kFloat);
  at::Tensor rows = random_rows(head, 3, 2, 1);
  const at::Tensor targets = random_targets(head, 3);
  const auto backend = best_backend(head, 3);
  const Readout sound = backend->read(rows, targets);
  rows[1][0][5] = std::nan("");
  const Readout readout = backend->read(rows, targets);
  EXPECT_TRUE(std::isnan(readout.get<"entropy">()[1][0].item<float>()));
  EXPECT_TRUE(std::isnan(readout.get<"kl_final">()[1][0].item<float>()));
  EXPECT_GE(readout.get<"top_id">().min().item<int>(), 0);
  for (const int token : {0, 2}) {
    EXPECT_TRUE(
        readout.get<"entropy">()[token].equal(sound.get<"entropy">()[token]));
  }
}

TEST(FastestBackend, OnTheCpuAgreesWithTheReference) {
  at::manual_seed(4);
  const Head head = random_head(300, 8, at::kFloat);
  const at::Tensor rows = random_rows(head, 2, 3, 1);
  const at::Tensor targets = random_targets(head, 2);
  const Readout readout =
      readout::fastest_backend(head, 3)->read(rows, targets);
  const Readout oracle = reference_backend(head, 3)->read(rows, targets);
  EXPECT_EQ(disagreement(readout, oracle), "");
}

TEST(Isa, TheBestThatFitsIsChosen) {
  const auto& kernels = kernels_here();
  ASSERT_FALSE(kernels.empty());
  EXPECT_EQ(std::string_view(kernels.back()->name), "portable");
  for (const Kernel* each : kernels) {
    const Kernel& chosen = choose_kernel(true, 1536, each->name);
    EXPECT_EQ(std::string_view(chosen.name), each->name);
    // float32 rows want a kernel that reads them.
    EXPECT_FALSE(choose_kernel(false, 1536, each->name).bfloat16);
    EXPECT_EQ(choose_kernel(true, 1537, each->name).depth_step, 1);
  }
  EXPECT_EQ(&choose_kernel(true, 1536, ""), kernels.front());
}

TEST(Isa, OneThatIsNotHereIsRefusedWithThoseThatAre) {
  try {
    choose_kernel(true, 1536, "mmx");
    FAIL() << "mmx was taken";
  } catch (const InputError& error) {
    const std::string line = error.what();
    EXPECT_NE(line.find("LENS_ISA=mmx"), std::string::npos) << line;
    EXPECT_NE(line.find("portable"), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace lens::readout::cpu
