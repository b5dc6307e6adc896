#include "planted_results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "storage/reader.h"
#include "storage/verify.h"
#include "tests/storage/fixtures.h"

namespace lens::analysis::planted {
namespace {

using storage::fixtures::TemporaryFolder;
using ::testing::IsEmpty;

TEST(PlantedResults, AreValid) {
  const TemporaryFolder folder;
  const auto file = write_run(folder.path(), {});
  EXPECT_THAT(storage::verify_results(file).problems, IsEmpty());
  const storage::ResultsReader results(file);
  EXPECT_TRUE(results.info().complete);
  EXPECT_EQ(results.dataset("mtvqa").samples, 90);
  EXPECT_GT(results.info().samples_failed, 0);
}

TEST(PlantedResults, APartialFileIsValidToo) {
  const TemporaryFolder folder;
  const auto file =
      write_run(folder.path(), {.unit_samples = 30, .partial = true});
  EXPECT_THAT(storage::verify_results(file).problems, IsEmpty());
  const storage::ResultsReader results(file);
  EXPECT_FALSE(results.info().complete);
  EXPECT_EQ(results.dataset("mtvqa").samples, 60);
}

TEST(PlantedResults, ValuesDoNotDependOnUnits) {
  const Plan plan;
  const DatasetPlan& dataset = plan.datasets[0];
  const auto whole = make_samples(plan, dataset, 0, 9);
  const auto tail = make_samples(plan, dataset, 6, 9);
  EXPECT_EQ(whole.samples[7], tail.samples[1]);
  ASSERT_FALSE(tail.tokens.get<"entropy">().empty());
  EXPECT_EQ(whole.tokens.get<"entropy">().back(),
            tail.tokens.get<"entropy">().back());
}

TEST(PlantedResults, TokensHaveDistinctText) {
  const auto vocabulary = make_vocabulary(2000);
  const std::set<std::string> distinct(vocabulary.token_text.begin(),
                                       vocabulary.token_text.end());
  EXPECT_EQ(distinct.size(), 2000u);
}

// Without spreads and noise every token's entropy halves at the onset.
TEST(PlantedResults, EntropyHalvesAtTheOnset) {
  const Plan plan = {
      .noise_nats = 0, .sample_spread = 0, .token_spread = 0, .seed = 3};
  DatasetPlan dataset = {.name = "mtvqa", .onset = 18};
  dataset.language_onset["RU"] = 22;
  const auto result = make_samples(plan, dataset, 0, 60);
  for (std::size_t s = 0; s < result.samples.size(); ++s) {
    const std::size_t onset = result.samples[s].language == "RU" ? 22 : 18;
    for (auto t = result.token_offset[s]; t < result.token_offset[s + 1]; ++t) {
      const float* row =
          result.tokens.get<"entropy">().data() + t * plan.layers;
      const float middle = (row[0] + row[plan.layers - 1]) / 2;
      EXPECT_GT(row[onset - 1], middle);
      EXPECT_LT(row[onset], middle);
    }
  }
}

}  // namespace
}  // namespace lens::analysis::planted
