#include "lens/chunked.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "lens/agreement.h"
#include "tests/lens/random_head.h"

namespace lens::readout {
namespace {

// Keeps the list in order; so many ids have been offered before.
void offer(float logit, std::int64_t id, float* value, std::int64_t* ids,
           int count) {
  std::int64_t held = std::min<std::int64_t>(id, count);
  if (held == count && !(logit > value[count - 1])) return;
  if (held == count) --held;
  for (; held > 0 && value[held - 1] < logit; --held) {
    value[held] = value[held - 1];
    ids[held] = ids[held - 1];
  }
  value[held] = logit;
  ids[held] = id;
}

// What a reducer promises, id by id.
void reduce_on_host(const ChunkReduce& args) {
  for (std::int64_t row = 0; row < args.rows; ++row) {
    const std::int64_t token = row / args.states;
    const float* own = args.logits + row * args.length;
    const float* last =
        args.logits + ((token + 1) * args.states - 1) * args.length;
    RowState& state = args.state[row];
    double* script = args.script + row * args.scripts;
    if (args.begin == 0) {
      state = RowState();
      std::fill_n(script, args.scripts, 0.0);
    }
    for (std::int64_t i = 0; i < args.length; ++i) {
      const float before = state.sums.max;
      const double mass = state.sums.take(own[i], last[i]);
      const double factor = shrink<double>(before, state.sums.max);
      for (int c = 0; c < args.scripts; ++c) script[c] *= factor;
      script[args.script_class[args.begin + i]] += mass;
      state.larger += own[i] > args.target_logit[row] &&
                      args.begin + i != args.target[token];
      offer(own[i], args.begin + i, args.top_value + row * args.top_k,
            args.top_id + row * args.top_k, args.top_k);
    }
  }
}

void expect_reference(const Head& head, std::int64_t tokens,
                      std::int64_t states, float scale) {
  const at::Tensor rows =
      (scale * at::randn({tokens, states, head.weight.size(1)}))
          .to(head.weight.scalar_type());
  const at::Tensor targets =
      at::randint(0, head.weight.size(0), {tokens}, at::kLong);
  const Readout oracle = reference_backend(head, 5)->read(rows, targets);
  for (const auto& backend :
       {chunked_backend(head, 5, reduce_on_host), cpu_backend(head, 5)}) {
    const Readout readout = backend->read(rows, targets);
    EXPECT_EQ(disagreement(readout, oracle), "");
    EXPECT_EQ(readout.get<"kl_final">()
                  .select(1, states - 1)
                  .abs()
                  .max()
                  .item<float>(),
              0.0f);
  }
}

TEST(Chunked, EqualsTheReference) {
  at::manual_seed(1);
  // More than one chunk, and tails that are no multiple of four.
  expect_reference(random_head(20003, 16, at::kFloat), 4, 5, 1);
  expect_reference(random_head(20003, 16, at::kBFloat16), 4, 5, 1);
  // Peaked; the last state alone; fewer ids than ranks.
  expect_reference(random_head(3001, 48, at::kFloat), 4, 5, 20);
  expect_reference(random_head(3001, 48, at::kFloat), 3, 1, 1);
  expect_reference(random_head(3, 8, at::kFloat), 2, 3, 1);
}

TEST(Chunked, BlocksOfTokensAreWrittenInTheirPlaces) {
  at::manual_seed(2);
  expect_reference(random_head(1501, 8, at::kFloat), 700, 5, 1);
}

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

// Logits 0, 1, ... of the ids in turn, by a head of one column.
TEST(CpuBackend, TiesKeepTheLowerIdAndLargestLogitsAreFound) {
  Head head = random_head(40000, 1, at::kFloat);
  head.weight = at::arange(40000, at::kFloat).remainder(1000).unsqueeze(-1);
  const Readout readout = cpu_backend(head, 3)->read(at::ones({1, 1, 1}),
                                                     at::zeros({1}, at::kLong));
  for (int k = 0; k < 3; ++k) {
    EXPECT_EQ(readout.get<"top_id">()[0][0][k].item<int>(), 999 + 1000 * k);
  }
  EXPECT_EQ(readout.get<"target_rank">()[0][0].item<int>(), 1 + 40 * 999);
}

TEST(CpuBackend, AnyNumberOfThreadsGivesEqualBits) {
  at::manual_seed(5);
  const Head head = random_head(9001, 16, at::kBFloat16);
  const at::Tensor rows = at::randn({9, 4, 16}).to(at::kBFloat16);
  const at::Tensor targets = at::randint(0, 9001, {9}, at::kLong);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const Readout one = cpu_backend(head, 3)->read(rows, targets);
  at::set_num_threads(4);
  const Readout four = cpu_backend(head, 3)->read(rows, targets);
  at::set_num_threads(threads);
  EXPECT_TRUE(one.get<"entropy">().equal(four.get<"entropy">()));
  EXPECT_TRUE(one.get<"script_share">().equal(four.get<"script_share">()));
}

TEST(CpuBackend, FarLogitsHaveNoMassAndGiveNoNan) {
  Head head = random_head(2000, 1, at::kFloat);
  head.weight = at::zeros({2000, 1});
  head.weight[7] = 500;
  const Readout readout = cpu_backend(head, 2)->read(
      at::ones({1, 1, 1}), at::full({1}, 7, at::kLong));
  EXPECT_EQ(readout.get<"entropy">().item<float>(), 0.0f);
  EXPECT_EQ(readout.get<"target_logprob">().item<float>(), 0.0f);
  EXPECT_EQ(readout.get<"target_rank">().item<int>(), 1);
}

TEST(FastestBackend, OnTheCpuAgreesWithTheReference) {
  at::manual_seed(4);
  const Head head = random_head(300, 8, at::kFloat);
  const at::Tensor rows = at::randn({2, 3, 8});
  const at::Tensor targets = at::randint(0, 300, {2}, at::kLong);
  const Readout readout = fastest_backend(head, 3)->read(rows, targets);
  const Readout oracle = reference_backend(head, 3)->read(rows, targets);
  EXPECT_EQ(disagreement(readout, oracle), "");
}

}  // namespace
}  // namespace lens::readout
