#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <map>

#include "analysis/diff/paired_group.h"
#include "analysis/diff/paired_test.h"
#include "tests/analysis/statistics/random_values.h"

namespace lens::analysis::diff {
namespace {

using metrics::SampleRow;
using statistics::RandomStream;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::size_t kLayers = 12;
const std::vector<std::string> kScripts = {"Latin", "Han"};

// Draws of one stream, one after the other.
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : stream_(seed, "pairs") {}
  double normal() { return statistics::normal(stream_, next_++); }
  double share() { return statistics::share(stream_, next_++ + (1u << 30)); }

 private:
  RandomStream stream_;
  std::uint64_t next_ = 0;
};

// What of two runs over the same pictures is alike: the picture's part, which
// stands in both. `spread` is each run's own, of a picture and of a question.
struct TwoRuns {
  std::vector<SampleRow> a, b;

  TwoRuns(std::uint64_t seed, std::int64_t pictures) {
    Numbers numbers(seed);
    for (std::int64_t picture = 0; picture < pictures; ++picture) {
      const double shared = numbers.normal();
      const double of_a = numbers.normal(), of_b = numbers.normal();
      for (std::int64_t question = 0; question <= picture % 4; ++question) {
        a.push_back(row(picture, shared + of_a, numbers));
        b.push_back(row(picture, shared + of_b, numbers));
      }
    }
  }

  static SampleRow row(std::int64_t picture, double level, Numbers& numbers) {
    SampleRow row;
    row.source_row = picture;
    row.ok = true;
    row.tokens = 1;
    row.language = picture % 2 == 0 ? "RU" : "JA";
    row.score = numbers.share() < 0.5 ? 1 : 0;
    row.verdict =
        row.score > 0 ? metrics::Verdict::kRight : metrics::Verdict::kWrong;
    for (auto* curve : {&row.entropy, &row.kl_final, &row.log_rank,
                        &row.agreement, &row.script_share}) {
      const bool by_script = curve == &row.script_share;
      for (std::size_t l = 0; l < kLayers * (by_script ? 2 : 1); ++l)
        curve->push_back(static_cast<float>(level + numbers.normal()));
    }
    for (auto* counts : {&row.onset_count, &row.depth_count, &row.drop_count,
                         &row.first_hit_count}) {
      counts->assign(kLayers, 0);
      ++(*counts)[static_cast<std::size_t>(kLayers * numbers.share())];
    }
    return row;
  }

  PairedSamples pairs() const {
    std::vector<PairedSample> all;
    for (std::size_t i = 0; i < a.size(); ++i) all.push_back({&a[i], &b[i]});
    return by_picture({.dataset = "mtvqa"}, std::move(all));
  }

  std::vector<PairedTest> tests(int flips, std::uint64_t seed = 1) const {
    const std::vector<PairedSamples> datasets = {pairs()};
    return test_pairs(datasets, measures_of(datasets, true, true), kScripts,
                      {.permutations = flips, .seed = seed});
  }
};

// The standard error of a rate of 3,000 is 0.4 %.
TEST(TestPairs, ClaimFiveInAHundredWhereTheRunsDoNotDiffer) {
  constexpr int kRepetitions = 3000;
  std::map<std::string, double> rates;
  double any = 0, any_layer = 0;
  for (std::uint64_t seed = 0; seed < kRepetitions; ++seed) {
    bool claimed = false, named = false;
    for (const PairedTest& test : TwoRuns(seed, 24).tests(199, seed)) {
      rates[test.key] += (test.p <= 0.05) / static_cast<double>(kRepetitions);
      claimed = claimed || test.significant;
      named = named || !test.found.empty();
    }
    any += claimed / static_cast<double>(kRepetitions);
    any_layer += named / static_cast<double>(kRepetitions);
  }
  ASSERT_EQ(rates.size(), 7u);
  for (const auto& [key, rate] : rates) {
    std::printf("%s: false positives %.2f %%\n", key.c_str(), 100 * rate);
    EXPECT_NEAR(rate, 0.05, 0.01) << key;
  }
  std::printf("any test %.2f %%, any layer %.2f %%\n", 100 * any,
              100 * any_layer);
  // Corrected: of all tests together.
  EXPECT_LT(any, 0.06);
  EXPECT_LE(any_layer, any);
}

TEST(TestPairs, FindThePlantedLayerAndNothingElse) {
  TwoRuns runs(5, 60);
  for (SampleRow& row : runs.b) row.kl_final[7] += 2;
  for (const PairedTest& test : runs.tests(1999)) {
    EXPECT_EQ(test.significant, test.key == "kl_final") << test.sentence;
    if (test.key != "kl_final") {
      EXPECT_THAT(test.found, IsEmpty());
      EXPECT_THAT(test.sentence, HasSubstr("no difference of"));
      continue;
    }
    ASSERT_EQ(test.found.size(), 1u);
    EXPECT_EQ(test.found[0].layer, 7);
    EXPECT_NEAR(test.found[0].difference, 2, 0.6);
    EXPECT_THAT(test.sentence, HasSubstr("at layer 7: +"));
  }
}

TEST(TestPairs, NameTheScriptOfAPlantedShare) {
  TwoRuns runs(6, 60);
  for (SampleRow& row : runs.b)
    for (const std::size_t layer : {3u, 4u})
      row.script_share[layer * 2 + 1] -= 3;
  for (const PairedTest& test : runs.tests(1999)) {
    if (test.key != "script_share") continue;
    ASSERT_EQ(test.found.size(), 2u);
    EXPECT_THAT(test.sentence, HasSubstr("for Han at layers 3 to 4, most at"));
  }
}

TEST(TestPairs, SayBothLayersWhereTheOnsetMoved) {
  TwoRuns runs(7, 40);
  for (SampleRow& row : runs.a) {
    row.onset_count.assign(kLayers, 0);
    row.onset_count[3] = 1;
  }
  for (SampleRow& row : runs.b) {
    row.onset_count.assign(kLayers, 0);
    row.onset_count[5 + row.source_row % 2] = 1;
  }
  for (const PairedTest& test : runs.tests(1999))
    if (test.key == "onset") {
      EXPECT_TRUE(test.significant);
      EXPECT_THAT(test.sentence,
                  HasSubstr("the onset layer is 3.0 in A and 5.5 in B"));
    }
}

TEST(TestPairs, ARunWithItselfIsNoFinding) {
  TwoRuns runs(8, 30);
  runs.b = runs.a;
  for (const PairedTest& test : runs.tests(199)) {
    EXPECT_FALSE(test.significant);
    EXPECT_EQ(test.p, 1);
    EXPECT_TRUE(std::isnan(test.t));
  }
}

TEST(TestPairs, FewPicturesAreNotTested) {
  EXPECT_THAT(TwoRuns(9, 4).tests(99), IsEmpty());
}

TEST(StudyPairs, ARunWithItselfDiffersByZeroEverywhere) {
  TwoRuns runs(10, 30);
  runs.b = runs.a;
  const std::vector<PairedSamples> datasets = {runs.pairs()};
  const PairedGroup group =
      study_pairs(datasets[0], measures_of(datasets, true, true),
                  {.bootstrap_resamples = 200});
  ASSERT_EQ(group.curves.size(), 5u);
  for (const PairedCurve& curve : group.curves) {
    EXPECT_THAT(curve.difference.mean, Each(0));
    EXPECT_THAT(curve.difference.low, Each(0));
    EXPECT_THAT(curve.difference.high, Each(0));
  }
  EXPECT_EQ(group.onset_of_tokens.difference.value, 0);
  EXPECT_EQ(group.depth_of_tokens.difference.interval.high, 0);
  EXPECT_EQ(group.score.difference.value, 0);
}

// Pictures differ far more than runs do: drawn apart, the band would be wide.
TEST(StudyPairs, ABandOfTheDifferenceDoesNotFeelThePictures) {
  TwoRuns runs(11, 60);
  for (std::size_t i = 0; i < runs.a.size(); ++i) {
    runs.b[i] = runs.a[i];
    for (std::size_t l = 0; l < kLayers; ++l) runs.b[i].entropy[l] += 0.5f;
  }
  const std::vector<PairedSamples> datasets = {runs.pairs()};
  const PairedGroup group =
      study_pairs(datasets[0], measures_of(datasets, true, true),
                  {.bootstrap_resamples = 200});
  const PairedCurve& entropy = group.curves.front();
  EXPECT_NEAR(entropy.difference.mean[4], 0.5, 1e-6);
  EXPECT_NEAR(entropy.difference.low[4], 0.5, 1e-6);
  EXPECT_NEAR(entropy.difference.high[4], 0.5, 1e-6);
  EXPECT_GT(entropy.a.high[4] - entropy.a.low[4], 0.2);
}

TEST(StudyPairs, MeansAreOverPairsAndBelowFivePicturesWithoutBands) {
  TwoRuns runs(12, 2);  // 1 + 2 questions
  const std::vector<PairedSamples> datasets = {runs.pairs()};
  const PairedGroup group =
      study_pairs(datasets[0], measures_of(datasets, true, true), {});
  EXPECT_EQ(group.pictures, 2);
  EXPECT_EQ(group.pairs, 3);
  double sum = 0;
  for (const SampleRow& row : runs.a) sum += row.entropy[2];
  EXPECT_NEAR(group.curves[0].a.mean[2], sum / 3, 1e-9);
  EXPECT_TRUE(std::isnan(group.curves[0].difference.low[2]));
}

TEST(GroupsOf, RightAndWrongAreThoseThatAreSoInBothRuns) {
  TwoRuns runs(13, 12);
  const PairedSamples pairs = runs.pairs();
  for (const PairedSamples& group : groups_of(pairs, GroupBy::kVerdict)) {
    ASSERT_FALSE(group.pairs.empty());
    for (const PairedSample& pair : group.pairs)
      EXPECT_EQ(pair.a->verdict, pair.b->verdict);
  }
  std::vector<std::string> languages;
  for (const PairedSamples& group : groups_of(pairs, GroupBy::kLanguage))
    languages.push_back(group.population.value);
  EXPECT_THAT(languages, ElementsAre("JA", "RU"));
}

TEST(MeasuresOf, LeaveOutWhatTwoVocabulariesOrOneRunDoNotHave) {
  TwoRuns runs(14, 6);
  const std::vector<PairedSamples> datasets = {runs.pairs()};
  const auto keys = [&](bool vocabulary, bool scripts) {
    std::vector<std::string> names;
    for (const CurveMeasure* measure :
         measures_of(datasets, vocabulary, scripts))
      names.emplace_back(measure->key);
    return names;
  };
  EXPECT_THAT(keys(true, true), ElementsAre("entropy", "kl_final", "log_rank",
                                            "agreement", "script_share"));
  EXPECT_THAT(keys(false, true), ElementsAre("agreement", "script_share"));
  EXPECT_THAT(keys(false, false), ElementsAre("agreement"));
  runs.b[3].log_rank.clear();
  EXPECT_THAT(keys(true, false),
              ElementsAre("entropy", "kl_final", "agreement"));
}

}  // namespace
}  // namespace lens::analysis::diff
