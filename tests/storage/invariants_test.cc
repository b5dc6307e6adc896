#include "storage/invariants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "fixtures.h"

namespace lens::storage {
namespace {

// Problems of a good unit after `change`. Sample 0 owns answer rows from row 0.
std::vector<std::string> problems_after(
    const std::function<void(UnitResult&)>& change, ValueRules rules) {
  UnitResult result = fixtures::make_result(fixtures::make_manifest(), 0);
  change(result);
  ValueChecker checker("part", rules);
  checker.check(result);
  return checker.problems();
}

std::vector<std::string> problems_after(
    const std::function<void(UnitResult&)>& change) {
  return problems_after(change,
                        value_rules(fixtures::kVocabulary, false, "float32"));
}

TEST(Invariants, GoodUnitHasNoProblem) {
  EXPECT_THAT(problems_after([](UnitResult&) {}), testing::IsEmpty());
}

TEST(Invariants, AttentionIsOfAnswersAlone) {
  const auto problems = [](const std::function<void(UnitResult&)>& change) {
    UnitResult result =
        fixtures::make_result(fixtures::make_manifest({.attention = true}), 0);
    change(result);
    ValueChecker checker("part",
                         value_rules(fixtures::kVocabulary, false, "float32"));
    checker.check(result);
    return checker.problems();
  };
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(problems([](UnitResult&) {}), testing::IsEmpty());
  EXPECT_THAT(problems([](UnitResult& r) {
                r.tokens.get<"image_attention_max">()[1] = kNan;
              }),
              testing::ElementsAre(testing::HasSubstr("is not finite")));
  EXPECT_THAT(problems([](UnitResult& r) {
                r.tokens.get<"image_attention">()[1] = 1.1F;
              }),
              testing::ElementsAre(testing::HasSubstr("is out of range")));
  EXPECT_THAT(problems([](UnitResult& r) {
                r.tokens.get<"token_role">()[0] =
                    static_cast<std::uint8_t>(TokenRole::kQuestion);
                for (int l = 0; l < fixtures::kLayers - 1; ++l) {
                  r.tokens.get<"image_attention">()[l] = kNan;
                  r.tokens.get<"image_attention_entropy">()[l] = kNan;
                }
              }),
              testing::Contains(testing::HasSubstr(
                  "image_attention_max says something of a prompt's token")));
}

TEST(Invariants, EachViolationIsNamed) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::size_t last = fixtures::kLayers - 1;
  struct Case {
    const char* expected;
    std::function<void(UnitResult&)> change;
  };
  const std::vector<Case> cases = {
      {"entropy is not finite",
       [](UnitResult& r) { r.tokens.get<"entropy">()[1] = kNan; }},
      {"entropy is out",
       [](UnitResult& r) { r.tokens.get<"entropy">()[1] = 5.9f; }},
      {"entropy is out",
       [](UnitResult& r) { r.tokens.get<"entropy">()[1] = -0.1f; }},
      {"kl_final is not finite",
       [](UnitResult& r) { r.tokens.get<"kl_final">()[0] = kInfinity; }},
      {"kl_final is out",
       [](UnitResult& r) { r.tokens.get<"kl_final">()[0] = -0.1f; }},
      {"target_logprob is not finite",
       [](UnitResult& r) { r.tokens.get<"target_logprob">()[0] = -kInfinity; }},
      {"varentropy is not finite",
       [](UnitResult& r) { r.tokens.get<"varentropy">()[1] = kNan; }},
      {"varentropy is out",
       [](UnitResult& r) { r.tokens.get<"varentropy">()[1] = -0.1f; }},
      {"kl_final of the last",
       [&](UnitResult& r) { r.tokens.get<"kl_final">()[last] = 0.1f; }},
      {"target_logprob",
       [](UnitResult& r) { r.tokens.get<"target_logprob">()[0] = 0.1f; }},
      {"target_rank",
       [](UnitResult& r) { r.tokens.get<"target_rank">()[0] = 0; }},
      {"target_rank",
       [](UnitResult& r) { r.tokens.get<"target_rank">()[0] = 301; }},
      {"top_id", [](UnitResult& r) { r.tokens.get<"top_id">()[0] = 300; }},
      {"rises along rank",
       [](UnitResult& r) { r.tokens.get<"top_logprob">()[1] = -0.4f; }},
      {"sum to 1",
       [](UnitResult& r) { r.tokens.get<"script_share">()[0] = 0; }},
      {"script_share is out",
       [](UnitResult& r) { r.tokens.get<"script_share">()[0] = 2; }},
      {"token_id", [](UnitResult& r) { r.tokens.get<"token_id">()[0] = -1; }},
      {"token_position",
       [](UnitResult& r) { r.tokens.get<"token_position">()[0] = -1; }},
      {"not the emitted",
       [&](UnitResult& r) {
         r.tokens.get<"top_id">()[last * 3] =
             (r.tokens.get<"token_id">()[0] + 1) % 300;
       }},
      {"not the mean",
       [](UnitResult& r) { r.samples[0].entropy_mean[0] += 1; }},
      {"answer rows but",
       [](UnitResult& r) { r.samples[0].answer_tokens += 1; }},
      {"without answer tokens",
       [](UnitResult& r) { r.samples[2].entropy_mean[0] = 1; }},
      {"twice or out of order",
       [](UnitResult& r) { r.samples[1].source_row = 0; }},
      {"without a reason", [](UnitResult& r) { r.samples[3].failure.clear(); }},
      {"is ok but has",
       [](UnitResult& r) { r.samples[0].failure.assign(1, 'x'); }},
      {"failed but has a score", [](UnitResult& r) { r.samples[3].score = 1; }},
      {"score is not finite",
       [](UnitResult& r) { r.samples[0].score = kInfinity; }},
      {"score is out", [](UnitResult& r) { r.samples[0].score = 1.1f; }},
      {"no sample_id", [](UnitResult& r) { r.samples[0].sample_id.clear(); }},
      {"negative", [](UnitResult& r) { r.samples[0].grid_width = -1; }},
  };
  for (const Case& one : cases) {
    EXPECT_THAT(problems_after(one.change),
                testing::Contains(testing::HasSubstr(one.expected)))
        << one.expected;
  }
}

TEST(Invariants, NearTieOfTheLastStateIsAllowed) {
  const auto tie = [](UnitResult& r) {
    const std::size_t last = fixtures::kLayers - 1;
    r.tokens.get<"top_id">()[last * 3] =
        (r.tokens.get<"token_id">()[0] + 1) % 300;
    r.tokens.get<"target_logprob">()[last] =
        r.tokens.get<"top_logprob">()[last * 3] - 0.1f;
  };
  EXPECT_THAT(problems_after(tie), testing::SizeIs(1));
  EXPECT_THAT(problems_after(tie, value_rules(300, false, "bfloat16")),
              testing::IsEmpty());
  EXPECT_THAT(problems_after(tie, value_rules(300, true, "float32")),
              testing::IsEmpty());
}

TEST(Invariants, ManyProblemsAreCounted) {
  const auto problems = problems_after([](UnitResult& r) {
    r.tokens.get<"top_id">().assign(r.tokens.get<"top_id">().size(), -1);
    r.tokens.get<"kl_final">().assign(r.tokens.get<"kl_final">().size(), -1);
  });
  EXPECT_EQ(problems.size(), ValueChecker::kMaxProblems + 1);
  EXPECT_THAT(problems.back(), testing::HasSubstr("more problems"));
}

TEST(Invariants, MeanWithoutRowsOfTheAnswerMustBeFinite) {
  const auto problems = problems_after([](UnitResult& r) {
    r.tokens.get<"token_role">().assign(
        r.tokens.get<"token_role">().size(),
        static_cast<std::uint8_t>(TokenRole::kImage));
    r.samples[0].entropy_mean[1] = std::numeric_limits<float>::quiet_NaN();
  });
  EXPECT_THAT(problems, testing::ElementsAre(testing::AllOf(
                            testing::HasSubstr("sample 0"),
                            testing::HasSubstr("entropy_mean is not finite"))));
}

TEST(Invariants, GoodUnitHasNoBadSample) {
  const UnitResult unit = fixtures::make_result(fixtures::make_manifest(), 0);
  EXPECT_THAT(
      bad_samples(unit, value_rules(fixtures::kVocabulary, false, "float32")),
      testing::IsEmpty());
}

// Also where others before it broke more rules than a list of problems keeps.
TEST(Invariants, EachSampleWithNanIsNamedAndNoOther) {
  UnitResult unit = fixtures::make_result(
      fixtures::make_manifest({.samples_per_unit = 8}), 0);
  const auto spoil = [&](std::size_t sample) {
    const auto layers = static_cast<std::size_t>(unit.tokens.widths.layers);
    for (auto t = unit.token_offset[sample]; t < unit.token_offset[sample + 1];
         ++t) {
      const auto begin = static_cast<std::size_t>(t) * layers;
      for (std::size_t l = begin; l < begin + layers; ++l) {
        unit.tokens.get<"entropy">()[l] = unit.tokens.get<"kl_final">()[l] =
            unit.tokens.get<"target_logprob">()[l] =
                std::numeric_limits<float>::quiet_NaN();
      }
    }
  };
  spoil(1);
  spoil(5);
  const auto bad =
      bad_samples(unit, value_rules(fixtures::kVocabulary, false, "float32"));
  ASSERT_EQ(bad.size(), 2u);
  for (const std::size_t sample : {1, 5}) {
    EXPECT_EQ(bad.at(unit.samples[sample].sample_id),
              "token 0: entropy is not finite (NaN or infinite)");
  }
}

}  // namespace
}  // namespace lens::storage
