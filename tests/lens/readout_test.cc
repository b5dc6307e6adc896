#include "lens/readout.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>

#include "lens/deferred.h"
#include "model/qwen/steps.h"
#include "tests/engine/tiny_engine.h"
#include "tests/model/expect_close.h"
#include "tests/model/golden.h"

namespace lens::readout {
namespace {

// A head whose logits are the state itself, so that rows of logits can be
// written down. State N only: inner states would be normed.
Head identity_head(std::int64_t vocab) {
  Head head;
  head.norm_weight = at::ones({vocab});
  head.weight = at::eye(vocab);
  head.script_class = at::arange(vocab, at::kLong).remainder(3);
  head.scripts = 3;
  return head;
}

Readout read_logits(const at::Tensor& logits, std::int64_t target,
                    int top_k = 3) {
  const auto backend = reference_backend(identity_head(logits.size(0)), top_k);
  return backend->read(logits.view({1, 1, -1}),
                       at::full({1}, target, at::kLong));
}

TEST(Readout, UniformLogitsGiveLnVocab) {
  const Readout readout = read_logits(at::full({5000}, 7.0f), 3);
  EXPECT_NEAR(readout.get<"entropy">().item<float>(), std::log(5000.0), 1e-5);
  EXPECT_NEAR(readout.get<"target_logprob">().item<float>(), -std::log(5000.0),
              1e-5);
  EXPECT_EQ(readout.get<"target_rank">().item<int>(), 1);
  // Ties: the lowest ids, in order.
  EXPECT_EQ(readout.get<"top_id">().flatten()[0].item<int>(), 0);
  EXPECT_EQ(readout.get<"top_id">().flatten()[2].item<int>(), 2);
}

TEST(Readout, OneHotGivesZeroEntropyWithoutNaN) {
  at::Tensor logits = at::full({3000}, -1e4f);
  logits[1234] = 1e4f;
  const Readout readout = read_logits(logits, 1234);
  EXPECT_EQ(readout.get<"entropy">().item<float>(), 0.0f);
  EXPECT_EQ(readout.get<"target_logprob">().item<float>(), 0.0f);
  EXPECT_EQ(readout.get<"top_id">().flatten()[0].item<int>(), 1234);
  EXPECT_NEAR(readout.get<"script_share">().flatten()[1234 % 3].item<float>(),
              1, 1e-6);
}

TEST(Readout, RankCountsOnlyLargerLogits) {
  at::Tensor logits = at::zeros({2000});
  logits[5] = 3.0f;
  logits[1500] = 2.0f;
  logits[1999] = 1.0f;
  EXPECT_EQ(read_logits(logits, 1999).get<"target_rank">().item<int>(), 3);
  EXPECT_EQ(read_logits(logits, 17).get<"target_rank">().item<int>(), 4);
}

// By the definitions, in float64 over full logits.
void expect_definitions(const Head& head, const at::Tensor& states,
                        const at::Tensor& targets, const Readout& readout,
                        int top_k, double tolerance) {
  const std::int64_t last = states.size(1) - 1;
  for (std::int64_t t = 0; t < states.size(0); ++t) {
    at::Tensor final_log;
    for (std::int64_t s = last; s >= 0; --s) {
      at::Tensor row = states[t][s];
      if (s < last) {
        row = model::qwen::rms_norm(row.to(at::kFloat),
                                    head.norm_weight.to(at::kFloat),
                                    head.norm_eps)
                  .to(states.scalar_type());
      }
      const at::Tensor logits =
          at::linear(row.to(at::kDouble), head.weight.to(at::kDouble));
      const at::Tensor log_p = at::log_softmax(logits, -1);
      if (s == last) final_log = log_p;
      const at::Tensor p = log_p.exp();
      const std::int64_t target = targets[t].item<std::int64_t>();
      const auto at_ts = [&](const at::Tensor& column) {
        return column[t][s].item<double>();
      };
      EXPECT_NEAR(at_ts(readout.get<"entropy">()),
                  -(p * log_p).sum().item<double>(), tolerance);
      const at::Tensor centred = log_p - (p * log_p).sum();
      EXPECT_NEAR(at_ts(readout.get<"varentropy">()),
                  (p * centred * centred).sum().item<double>(), tolerance);
      EXPECT_NEAR(at_ts(readout.get<"kl_final">()),
                  (final_log.exp() * (final_log - log_p)).sum().item<double>(),
                  tolerance);
      EXPECT_NEAR(at_ts(readout.get<"target_logprob">()),
                  log_p[target].item<double>(), tolerance);
      EXPECT_EQ(readout.get<"target_rank">()[t][s].item<int>(),
                1 + (logits > logits[target]).sum().item<int>());
      const auto [value, id] = log_p.topk(top_k);
      for (int k = 0; k < top_k; ++k) {
        EXPECT_EQ(readout.get<"top_id">()[t][s][k].item<int>(),
                  id[k].item<std::int64_t>());
        EXPECT_NEAR(readout.get<"top_logprob">()[t][s][k].item<double>(),
                    value[k].item<double>(), tolerance);
      }
      for (int c = 0; c < head.scripts; ++c) {
        EXPECT_NEAR(
            readout.get<"script_share">()[t][s][c].item<double>(),
            p.masked_select(head.script_class == c).sum().item<double>(),
            tolerance);
      }
    }
  }
}

Head random_head(std::int64_t vocab, std::int64_t hidden,
                 at::ScalarType dtype) {
  Head head;
  head.norm_weight = (1 + 0.2 * at::randn({hidden})).to(dtype);
  head.weight = (0.3 * at::randn({vocab, hidden})).to(dtype);
  head.script_class = at::randint(0, 5, {vocab}, at::kLong);
  head.scripts = 5;
  return head;
}

class ReadoutRandom : public ::testing::TestWithParam<at::ScalarType> {};

// 3001 and 151,936 are no multiples of the chunk: the tail counts, too.
TEST_P(ReadoutRandom, EqualsTheDefinitions) {
  at::manual_seed(1);
  const Head head = random_head(3001, 48, GetParam());
  const at::Tensor states = at::randn({4, 5, 48}).to(GetParam());
  const at::Tensor targets = at::randint(0, 3001, {4}, at::kLong);
  const Readout readout = reference_backend(head, 5)->read(states, targets);
  expect_definitions(head, states, targets, readout, 5, 2e-5);
}

INSTANTIATE_TEST_SUITE_P(Dtypes, ReadoutRandom,
                         ::testing::Values(at::kFloat, at::kBFloat16));

TEST(Readout, BlocksOfTokensDoNotChangeAnything) {
  at::manual_seed(2);
  const Head head = random_head(20001, 16, at::kFloat);
  // More rows than are read together.
  const at::Tensor states = at::randn({700, 5, 16});
  const at::Tensor targets = at::randint(0, 20001, {700}, at::kLong);
  const auto backend = reference_backend(head, 5);
  const Readout all = backend->read(states, targets);
  ASSERT_EQ(all.get<"entropy">().size(0), 700);
  for (const std::int64_t t : {0, 408, 409, 410, 699}) {
    const Readout one =
        backend->read(states.narrow(0, t, 1), targets.narrow(0, t, 1));
    model::expect_close(all.get<"entropy">().narrow(0, t, 1),
                        one.get<"entropy">());
    model::expect_close(all.get<"kl_final">().narrow(0, t, 1),
                        one.get<"kl_final">(), 1e-4);
    EXPECT_TRUE(all.get<"top_id">().narrow(0, t, 1).equal(one.get<"top_id">()));
  }
}

TEST(Readout, DivergenceOfTheLastStateIsExactlyZero) {
  at::manual_seed(3);
  const Head head = random_head(5003, 32, at::kFloat);
  const at::Tensor states = 3 * at::randn({6, 4, 32});
  const Readout readout =
      reference_backend(head, 2)->read(states, at::zeros({6}, at::kLong));
  EXPECT_EQ(readout.get<"kl_final">().select(1, 3).abs().max().item<float>(),
            0.0f);
  EXPECT_GT(readout.get<"kl_final">().select(1, 0).min().item<float>(), 0.0f);
}

Head tiny_head(const engine::Engine& engine) {
  Head head;
  head.norm_weight = engine.model().head().norm_weight;
  head.norm_eps = engine.model().head().norm_eps;
  head.weight = engine.model().head().weight;
  head.script_class = at::zeros({head.weight.size(0)}, at::kLong);
  head.scripts = 1;
  return head;
}

class ReadoutGolden : public ::testing::TestWithParam<int> {};

TEST_P(ReadoutGolden, EqualsTransformersThroughTheWholeEngine) {
  const model::Golden golden(GetParam());
  const engine::Engine engine = engine::tiny_engine();
  const auto backend = reference_backend(tiny_head(engine), 5);
  DeferredLens lens(backend.get(), {.flush_tokens = 3, .kept_states = {0, 4}});
  const std::vector<engine::Picture> pictures = {golden.picture()};
  const std::vector<engine::Prompt> prompts = {golden.prompt(0)};
  engine::GenerateOptions options;
  options.max_new_tokens = 8;
  options.end_ids = {588, 586};
  engine.generate(pictures, prompts, options, &lens);
  const LensRows rows = lens.finish();

  const auto column = [&](const std::vector<float>& values) {
    return at::tensor(values).view({8, 5});
  };
  ASSERT_EQ(rows.captured.size(), 8u);
  EXPECT_LE((column(rows.tokens.get<"entropy">()) - golden["entropy"])
                .abs()
                .max()
                .item<float>(),
            1e-4);
  EXPECT_LE((column(rows.tokens.get<"kl_final">()) - golden["kl_final"])
                .abs()
                .max()
                .item<float>(),
            1e-4);
  EXPECT_LE(
      (column(rows.tokens.get<"target_logprob">()) - golden["target_logprob"])
          .abs()
          .max()
          .item<float>(),
      1e-4);
  const std::vector<std::int64_t> ranks(
      rows.tokens.get<"target_rank">().begin(),
      rows.tokens.get<"target_rank">().end());
  EXPECT_EQ(ranks, golden.integers("target_rank"));
  const std::vector<std::int64_t> tops(rows.tokens.get<"top_id">().begin(),
                                       rows.tokens.get<"top_id">().end());
  EXPECT_EQ(tops, golden.integers("top_id"));
  ASSERT_EQ(rows.tokens.get<"hidden">().size(), 8u * 2u * 64u);
  EXPECT_NEAR(rows.tokens.get<"hidden">()[64],
              golden["step_states"][0][4][0].item<float>(), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Cases, ReadoutGolden, ::testing::Values(0, 1));

// The two mistakes that lens tools make with the last state.
TEST(DeferredLens, ALastStateThatIsNotTheLogitsIsRefused) {
  const model::Golden golden(0);
  const engine::Engine engine = engine::tiny_engine();
  const std::vector<engine::Picture> pictures = {golden.picture()};
  const std::vector<engine::Prompt> prompts = {golden.prompt(0)};
  engine::GenerateOptions options;
  options.max_new_tokens = 2;
  Head wrong = tiny_head(engine);
  wrong.weight = wrong.weight * 1.01;
  const auto backend = reference_backend(wrong, 5);
  DeferredLens lens(backend.get(), {});
  engine.generate(pictures, prompts, options, &lens);
  EXPECT_THROW(lens.finish(), LensMismatch);
}

}  // namespace
}  // namespace lens::readout
