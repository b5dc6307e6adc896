#include "analysis/statistics/hypotheses.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <map>

#include "tests/analysis/statistics/random_values.h"

namespace lens::analysis::statistics {
namespace {

// Test alone is GoogleTest's inside a test.
using StudyTest = ::lens::analysis::statistics::Test;

constexpr int kLayers = 40;

// 45 pictures with one to five questions each. The onset of a question is its
// picture's plus its own, equally spread; it depends on nothing else. Means
// over few questions spread more, and how many there are goes with the language
// and with right answers.
metrics::SampleTable null_table(std::uint64_t seed) {
  const RandomStream stream(seed, "null pictures");
  std::uint64_t next = 0;
  const auto drawn = [&] { return share(stream, next++); };
  metrics::SampleTable table;
  table.population.dataset = "mtvqa";
  table.layers = kLayers;
  for (std::size_t picture = 0; picture < 45; ++picture) {
    const double shared = 10 + 10 * drawn();
    const int height = 100 + static_cast<int>(400 * drawn());
    for (std::size_t question = 0; question <= picture % 5; ++question) {
      metrics::SampleRow row;
      row.sample = static_cast<std::int64_t>(table.rows.size());
      row.source_row = static_cast<std::int64_t>(picture);
      // Languages with few questions a picture, and with many.
      row.language = std::array{"AR", "AR", "RU", "TH", "TH"}[picture % 5];
      row.ok = true;
      row.image_height = row.image_width = height;
      row.tokens = row.answer_tokens = 1 + static_cast<int>(9 * drawn());
      row.reference_characters = row.tokens;
      row.verdict = drawn() < (picture % 5 < 2 ? 0.3 : 0.85)
                        ? metrics::Verdict::kRight
                        : metrics::Verdict::kWrong;
      row.onset_count.assign(kLayers, 0);
      ++row.onset_count[static_cast<std::size_t>(shared + 10 * drawn())];
      table.rows.push_back(std::move(row));
    }
  }
  return table;
}

// Rate at which each test claims an effect at 5 %, of 1,500.
std::map<std::string, double> false_positives(bool pictures_known) {
  constexpr int kRepetitions = 1500;
  std::map<std::string, double> rates;
  for (std::uint64_t seed = 0; seed < kRepetitions; ++seed) {
    std::vector<metrics::SampleTable> tables = {null_table(seed)};
    if (!pictures_known)
      for (metrics::SampleRow& row : tables[0].rows)
        row.source_row = row.sample;
    const StudyOptions options = {.permutations = 99, .seed = seed};
    const auto samples = samples_by_dataset(tables, options.onset);
    for (const StudyTest& test : test_hypotheses(samples, {}, options))
      rates[test.name()] +=
          (test.p <= 0.05) / static_cast<double>(kRepetitions);
  }
  for (const auto& [name, rate] : rates)
    std::printf("%s: false positives %.1f %%\n", name.c_str(), 100 * rate);
  return rates;
}

// The standard error of a rate is 0.6 %.
TEST(TestHypotheses, ClaimsFiveInAHundredThoughQuestionsOfAPictureAreAlike) {
  const auto rates = false_positives(true);
  ASSERT_EQ(rates.size(), 6u);
  for (const auto& [name, rate] : rates) {
    EXPECT_NEAR(rate, 0.05, 0.015) << name;
  }
}

TEST(TestHypotheses, WouldClaimMoreWereQuestionsTakenAsIndependent) {
  const auto rates = false_positives(false);
  EXPECT_GT(rates.at("onset between languages of mtvqa"), 0.1);
  EXPECT_GT(rates.at("onset and image area of mtvqa"), 0.1);
}

}  // namespace
}  // namespace lens::analysis::statistics
