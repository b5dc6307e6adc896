#include "engine/token_choice.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/mv.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace lens::engine {
namespace {

using ::testing::ElementsAre;

model::Head whole(const at::Tensor& weight) {
  model::Head head;
  head.weight = weight;
  return head;
}

// One row of states, no ids that have occurred.
ChosenTokens choose(const at::Tensor& head, const at::Tensor& state,
                    double penalty = 1.0, const SeenIds& seen = {}) {
  const SeenIds* const rows[] = {&seen};
  return TokenChoice(whole(head), penalty).choose(state.unsqueeze(0), rows);
}

// A head whose logits for the state [1] are these.
at::Tensor head_of(const std::vector<float>& logits) {
  return at::tensor(logits, at::kFloat).unsqueeze(-1);
}

const at::Tensor kOne = at::ones({1}, at::kFloat);

TEST(TokenChoice, LargestLogitIsTakenOfEachRow) {
  const at::Tensor head = at::tensor({1.f, 0.f, 0.f, 1.f}).view({2, 2});
  const at::Tensor states = at::tensor({3.f, 1.f, 2.f, 5.f}).view({2, 2});
  const SeenIds none;
  const SeenIds* const seen[] = {&none, &none};
  const ChosenTokens chosen =
      TokenChoice(whole(head), 1.0).choose(states, seen);
  EXPECT_THAT(chosen.ids, ElementsAre(0, 1));
  EXPECT_THAT(chosen.logit, ElementsAre(3.f, 5.f));
  EXPECT_NEAR(chosen.logsumexp[0], std::log(std::exp(3.) + std::exp(1.)), 1e-6);
}

TEST(TokenChoice, LowestIdWinsWhereLogitsTie) {
  const at::Tensor head = head_of({1, 7, 3, 7, 7});
  EXPECT_THAT(choose(head, kOne).ids, ElementsAre(1));
  EXPECT_THAT(choose(head.to(at::kBFloat16), kOne.to(at::kBFloat16)).ids,
              ElementsAre(1));
}

// 16.5 + 1/64 and 16.5 are one value in bfloat16.
TEST(TokenChoice, Bfloat16TiesAreJudgedByTheExactLogit) {
  const at::Tensor state = at::ones({2}, at::kBFloat16);
  at::Tensor head = at::zeros({40, 2}, at::kBFloat16);
  head[3] = at::tensor({16.5, 0.}).to(at::kBFloat16);
  head[8] = at::tensor({16.5, 1. / 64}).to(at::kBFloat16);
  const ChosenTokens chosen = choose(head, state);
  EXPECT_THAT(chosen.ids, ElementsAre(8));
  EXPECT_THAT(chosen.logit, ElementsAre(16.5f + 1.f / 64));
}

TEST(TokenChoice, PenaltyMultipliesBelowZeroAndDividesAbove) {
  const SeenIds seen = {1, 3};
  const at::Tensor head = head_of({1.0f, 1.9f, -8.0f, -2.0f});
  EXPECT_THAT(choose(head, kOne, 2.0, seen).ids, ElementsAre(0));
  EXPECT_THAT(choose(head, kOne, 1.5, seen).ids, ElementsAre(1));
  const at::Tensor negative = head_of({-3.0f, -2.0f, -8.0f, -2.0f});
  EXPECT_THAT(choose(negative, kOne, 1.4, seen).ids, ElementsAre(1));
  EXPECT_THAT(choose(negative, kOne, 1.6, seen).ids, ElementsAre(0));
}

TEST(TokenChoice, PenaltyDoesNotReachWhatIsSaidOfTheLogits) {
  const at::Tensor head = head_of({1.0f, 9.0f});
  const ChosenTokens plain = choose(head, kOne);
  const ChosenTokens penalised = choose(head, kOne, 1.5, {1});
  EXPECT_THAT(penalised.ids, ElementsAre(1));
  EXPECT_EQ(penalised.logit, plain.logit);
  EXPECT_EQ(penalised.logsumexp, plain.logsumexp);
}

TEST(TokenChoice, RowWithoutNumbersHasNoLogsumexp) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    const at::Tensor head = head_of({1, 2, 3}).to(dtype);
    for (const double broken : {std::nan(""), HUGE_VAL}) {
      const ChosenTokens chosen = choose(head, at::full({1}, broken).to(dtype));
      EXPECT_FALSE(std::isfinite(chosen.logsumexp[0]));
      EXPECT_EQ(chosen.ids.size(), 1u);
    }
  }
}

// A row of the head in bfloat16 whose product with `state` is near `logit`.
at::Tensor row_for(const at::Tensor& state, double logit) {
  const at::Tensor wide = state.to(at::kDouble);
  return (wide * (logit / wide.dot(wide).item<double>())).to(at::kBFloat16);
}

double exact_logit(const at::Tensor& row, const at::Tensor& state) {
  return row.to(at::kDouble).dot(state.to(at::kDouble)).item<double>();
}

// Two tokens whose penalised logits nearly tie, and whose order the rounding to
// bfloat16 hides: what is compared is the exact logit, penalised.
TEST(TokenChoice, NearTiesUnderAPenaltyAreJudgedByThePenalisedExactLogit) {
  constexpr double kPenalty = 2.0;
  constexpr std::int64_t kSeen = 7;
  constexpr std::int64_t kFresh = 3;
  at::manual_seed(4);
  const at::Tensor state = at::randn({64}).to(at::kBFloat16);
  int tried = 0;
  for (double logit = 200; logit < 250 && tried < 5; logit += 0.07) {
    const at::Tensor seen_row = row_for(state, logit);
    const double exact = exact_logit(seen_row, state);
    const double rounded =
        at::scalar_tensor(exact, at::kFloat).to(at::kBFloat16).item<double>();
    // By how much the raw correction of the rounding is too large.
    const double excess = (exact - rounded) * (1 - 1 / kPenalty);
    if (excess < 0.15) continue;
    const at::Tensor fresh_row = row_for(state, exact / kPenalty + excess / 2);
    const double other = exact_logit(fresh_row, state);
    if (other < exact / kPenalty + excess / 4 ||
        other > exact / kPenalty + excess * 3 / 4) {
      continue;
    }
    ++tried;
    at::Tensor head = at::zeros({600, 64}, at::kBFloat16);
    head[kSeen] = seen_row;
    head[kFresh] = fresh_row;
    EXPECT_THAT(choose(head, state, kPenalty, {kSeen}).ids, ElementsAre(kFresh))
        << exact << " and " << other;
  }
  EXPECT_GT(tried, 0);
}

}  // namespace
}  // namespace lens::engine
