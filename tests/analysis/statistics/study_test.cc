#include "analysis/statistics/study.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <tuple>

#include "analysis/metrics/run_tables.h"
#include "analysis/source.h"
#include "analysis/statistics/make_study.h"
#include "analysis/statistics/study_json.h"
#include "analysis/statistics/study_text.h"
#include "base/error.h"
#include "tests/analysis/planted/planted_results.h"
#include "tests/storage/fixtures.h"

namespace lens::analysis::statistics {
namespace {

// Test alone is GoogleTest's inside a test.
using StudyTest = ::lens::analysis::statistics::Test;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<metrics::SampleTable> tables_of(const planted::Plan& plan) {
  const storage::fixtures::TemporaryFolder folder;
  const storage::ResultsReader results(planted::write_run(folder.path(), plan));
  std::vector<metrics::SampleTable> tables;
  for (const auto& dataset : results.datasets())
    tables.push_back(metrics::read_sample_table(results, dataset.name));
  return tables;
}

StudyOptions quick() {
  return {.bootstrap_resamples = 200, .permutations = 999};
}

const StudyTest* find(const Study& study, const std::string& name) {
  for (const StudyTest& test : study.tests)
    if (test.name() == name) return &test;
  return nullptr;
}

const Group& group(const Study& study, const Population& population) {
  for (const Group& candidate : study.groups)
    if (candidate.population == population) return candidate;
  throw std::out_of_range(population.key());
}

const Group& group(const Study& study, const std::string& dataset, GroupBy by,
                   const std::string& value) {
  return group(study, {.dataset = dataset, .by = by, .value = value});
}

// Two results files, whose formulas turn at layers 14 and 20.
class TwoRuns : public ::testing::Test {
 protected:
  TwoRuns() {
    planted::Plan plan;
    plan.datasets[0].languages = {"DE", "RU"};  // 15 pictures each
    for (const auto& [name, folder, onset] :
         {std::tuple{"A", &folders_[0], 14.0},
          std::tuple{"B", &folders_[1], 20.0}}) {
      plan.datasets[1].onset = onset;
      planted::write_run(folder->path(), plan);
      runs_.push_back(open_source(folder->path()));
      runs_.back().run = name;
    }
  }

  std::array<storage::fixtures::TemporaryFolder, 2> folders_;
  std::vector<Source> runs_;
};

TEST_F(TwoRuns, StandSideBySideInOneStudy) {
  const Study study = make_study(metrics::read_tables(runs_), quick());
  const auto onset = [&](const std::string& run) {
    return group(study, {.run = run, .dataset = "latex_ocr"})
        .onset_of_mean.value;
  };
  EXPECT_EQ(onset("A"), 14);
  EXPECT_EQ(onset("B"), 20);
  std::vector<std::string> keys;
  for (const Group& found : study.groups)
    keys.push_back(found.population.key());
  EXPECT_EQ(std::set(keys.begin(), keys.end()).size(), keys.size());
  for (const char* run : {"A/", "B/"})
    for (const char* key :
         {"latex_ocr/dataset/", "latex_ocr/verdict/wrong", "mtvqa/dataset/",
          "mtvqa/language/RU", "mtvqa/script/Cyrillic", "mtvqa/verdict/right"})
      EXPECT_THAT(keys, Contains(std::string(run) + key));
  // What is compared and tested is of one run, and says of which.
  EXPECT_EQ(study.comparisons.size(), 6u);
  for (const Comparison& comparison : study.comparisons)
    EXPECT_EQ(comparison.first.run, comparison.second.run);
  EXPECT_NE(find(study, "onset between data sets (run A)"), nullptr);
  EXPECT_NE(find(study, "onset between languages of mtvqa (run B)"), nullptr);
  EXPECT_THAT(study.answers[0].answer, AllOf(HasSubstr("latex_ocr (run A): "),
                                             HasSubstr("latex_ocr (run B): ")));
  const auto json = nlohmann::json::parse(study_json(study));
  EXPECT_EQ(json["groups"].front()["run"], "A");
  EXPECT_EQ(json["groups"].back()["run"], "B");
  EXPECT_EQ(json["tests"].back()["run"], "B");
}

TEST_F(TwoRuns, HaveTheNumbersThatEachHasAlone) {
  const Study both = make_study(metrics::read_tables(runs_), quick());
  runs_[1].run = "";
  const Study alone =
      make_study(metrics::read_tables(std::span(runs_).last(1)), quick());
  ASSERT_EQ(both.groups.size(), 2 * alone.groups.size());
  for (const Group& one : alone.groups) {
    Population beside = one.population;
    beside.run = "B";
    const Group& same = group(both, beside);
    EXPECT_EQ(same.entropy.low, one.entropy.low);
    EXPECT_EQ(same.onset_histogram, one.onset_histogram);
    EXPECT_EQ(same.samples, one.samples);
  }
  for (const StudyTest& test : alone.tests) {
    Population beside = test.populations.front();
    beside.run = "B";
    const StudyTest* same = find(both, test.kind->name(beside));
    ASSERT_NE(same, nullptr);
    EXPECT_EQ(same->p, test.p);
  }
}

TEST_F(TwoRuns, OfOneNameAreRefused) {
  runs_[1].run = "A";
  EXPECT_THROW(metrics::read_tables(runs_), InputError);
}

TEST(Study, FindsThePlantedLayersOfDatasetsAndLanguages) {
  planted::Plan plan;
  plan.datasets[0].samples = 270;
  plan.datasets[0].onset = 18;
  plan.datasets[0].language_onset = {{"RU", 22}};
  plan.datasets[1].onset = 14;
  const Study study = make_study(tables_of(plan), quick());
  EXPECT_EQ(
      group(study, "latex_ocr", GroupBy::kDataset, "").onset_of_mean.value, 14);
  EXPECT_EQ(group(study, "mtvqa", GroupBy::kLanguage, "RU").onset_of_mean.value,
            22);
  EXPECT_EQ(group(study, "mtvqa", GroupBy::kLanguage, "DE").onset_of_mean.value,
            18);
  EXPECT_NEAR(
      group(study, "mtvqa", GroupBy::kLanguage, "RU").onset_of_tokens.value, 22,
      0.5);
  const StudyTest* languages = find(study, "onset between languages of mtvqa");
  ASSERT_NE(languages, nullptr);
  EXPECT_TRUE(languages->significant);
  EXPECT_THAT(languages->sentence,
              AllOf(HasSubstr("differs: from "), HasSubstr("to 22 [")));
  EXPECT_THAT(languages->sentence, HasSubstr("for RU; which group"));
  const StudyTest* datasets = find(study, "onset between data sets");
  ASSERT_NE(datasets, nullptr);
  EXPECT_TRUE(datasets->significant);
  EXPECT_THAT(datasets->sentence,
              AllOf(HasSubstr("14 ["), HasSubstr("later for mtvqa")));
  EXPECT_THAT(study.answers[0].answer, HasSubstr("From layer 14 ["));
  EXPECT_THAT(study.answers[1].answer, HasSubstr("22 ["));
}

TEST(Study, FindsThePlantedSizesAndErrors) {
  planted::Plan plan;
  plan.datasets = {{.name = "latex_ocr",
                    .samples = 200,
                    .onset = 16,
                    .area_effect = 1,
                    .wrong_effect = 2}};
  const Study study = make_study(tables_of(plan), quick());
  const StudyTest* area = find(study, "onset and image area of latex_ocr");
  ASSERT_NE(area, nullptr);
  EXPECT_TRUE(area->significant);
  EXPECT_GT(area->effect, 0.3);
  EXPECT_THAT(area->sentence, HasSubstr("the larger, the later"));
  const StudyTest* verdict =
      find(study, "onset between right and wrong answers of latex_ocr");
  ASSERT_NE(verdict, nullptr);
  EXPECT_TRUE(verdict->significant);
  EXPECT_THAT(verdict->sentence, HasSubstr("later for wrong"));
  const StudyTest* length = find(study, "onset and answer length of latex_ocr");
  ASSERT_NE(length, nullptr);
  EXPECT_FALSE(length->significant);
}

TEST(Study, ClaimsNothingWhereNothingIsPlanted) {
  int claims = 0;
  for (const std::uint64_t seed : {1, 2}) {
    planted::Plan plan;
    plan.seed = seed;
    plan.datasets[0].samples = 180;
    const Study study = make_study(tables_of(plan), quick());
    EXPECT_GE(study.tests.size(), 10u);
    for (const StudyTest& test : study.tests) {
      claims += test.significant;
      EXPECT_THAT(test.sentence, Not(HasSubstr("differs")));
    }
    EXPECT_THAT(find(study, "onset between data sets")->sentence,
                AllOf(HasSubstr("18 ["), HasSubstr("no difference found")));
  }
  EXPECT_EQ(claims, 0);
}

TEST(Study, NamesTheScriptOfTheMiddleLayers) {
  planted::Plan plan;
  plan.datasets[0].samples = 180;
  plan.middle_script = "Han";
  plan.middle_share = 0.7;
  const Study study = make_study(tables_of(plan), quick());
  EXPECT_THAT(study.answers[3].answer, HasSubstr("TH of mtvqa, "));
  EXPECT_THAT(study.answers[3].answer, HasSubstr(": Han "));
}

TEST(Study, SaysFromWhichLayerAnswersWouldBeTheSame) {
  planted::Plan plan = {.noise_nats = 0, .sample_spread = 0, .token_spread = 0};
  plan.datasets[1].onset = 12;  // and on top from 14
  const Study study = make_study(tables_of(plan), quick());
  EXPECT_THAT(study.answers[5].answer,
              AllOf(HasSubstr("latex_ocr: half of "),
                    HasSubstr("the same from layer 14 on, nine of ten from "
                              "layer 14 on; 100 % at layer 14.")));
  EXPECT_THAT(study.answers[4].answer,
              HasSubstr("stays there from layer 14.0"));
}

// Tables in another order, rows in another order, one data set cut in two.
TEST(Study, DoesNotDependOnOrderOrShards) {
  const std::vector<metrics::SampleTable> tables = tables_of({});
  const std::string expected = study_json(make_study(tables, quick()));
  std::vector<metrics::SampleTable> shards = {tables[1], tables[0], tables[1]};
  shards[0].rows.erase(shards[0].rows.begin(), shards[0].rows.begin() + 30);
  shards[2].rows.erase(shards[2].rows.begin() + 30, shards[2].rows.end());
  std::reverse(shards[1].rows.begin(), shards[1].rows.end());
  EXPECT_EQ(study_json(make_study(shards, quick())), expected);
}

TEST(Study, FailedAndEmptySamplesEnterNothing) {
  std::vector<metrics::SampleTable> tables = tables_of({.failed_share = 0.3});
  const std::string expected = study_json(make_study(tables, quick()));
  for (metrics::SampleTable& table : tables)
    std::erase_if(table.rows, [](const metrics::SampleRow& row) {
      return !row.ok || row.tokens == 0;
    });
  EXPECT_EQ(study_json(make_study(tables, quick())), expected);
}

TEST(Study, IsHonestAboutTooFewPictures) {
  planted::Plan plan;
  plan.datasets[0].samples = 12;  // of 4 pictures
  plan.datasets[1].samples = 0;
  plan.failed_share = plan.empty_share = 0;
  const Study study = make_study(tables_of(plan), quick());
  EXPECT_TRUE(study.tests.empty());
  EXPECT_THAT(study.answers[0].answer,
              HasSubstr("too few pictures to say (12 samples of 4 pictures"));
  EXPECT_THAT(study.answers[1].answer, HasSubstr("too few pictures"));
  const Study none = make_study({}, quick());
  EXPECT_THAT(none.answers[0].answer, HasSubstr("no sample"));
  EXPECT_THAT(study_text(none), HasSubstr("no sample"));
}

TEST(Study, QuestionsOfOnePictureAreResampledTogether) {
  const std::vector<metrics::SampleTable> tables =
      tables_of({.picture_spread = 3, .failed_share = 0, .empty_share = 0});
  const auto width = [&](const std::vector<metrics::SampleTable>& of) {
    const Study study = make_study(of, quick());
    const Group& mtvqa = group(study, "mtvqa", GroupBy::kDataset, "");
    EXPECT_EQ(mtvqa.samples, 90);
    return mtvqa.onset_of_tokens.interval.high -
           mtvqa.onset_of_tokens.interval.low;
  };
  const double together = width(tables);
  std::vector<metrics::SampleTable> apart = tables;
  for (metrics::SampleTable& table : apart)
    for (metrics::SampleRow& row : table.rows) row.source_row = row.sample;
  EXPECT_GT(together, 1.4 * width(apart));
  const Study study = make_study(tables, quick());
  EXPECT_EQ(group(study, "mtvqa", GroupBy::kDataset, "").pictures, 30);
  EXPECT_THAT(find(study, "onset between data sets")->group_pictures,
              ElementsAre(90, 30));
}

TEST(Study, OnePictureHasNoInterval) {
  std::vector<metrics::SampleTable> tables = tables_of({});
  metrics::SampleTable& table = tables[0];
  std::erase_if(table.rows,
                [](const metrics::SampleRow& row) { return row.tokens == 0; });
  table.rows.resize(2);
  table.rows[1].source_row = table.rows[0].source_row;
  const Study study = make_study(std::span(tables).first(1), quick());
  EXPECT_TRUE(std::isnan(study.groups[0].onset_of_mean.interval.low));
  EXPECT_TRUE(std::isnan(study.groups[0].entropy.low[0]));
  EXPECT_FALSE(std::isnan(study.groups[0].entropy.mean[0]));
}

TEST(Study, DifferenceOfDatasetsHasABandThatHoldsIt) {
  const Study study = make_study(tables_of({}), quick());
  ASSERT_FALSE(study.comparisons.empty());
  const Comparison& datasets = study.comparisons[0];
  EXPECT_EQ(words_of(datasets.first, datasets.second), "latex_ocr and mtvqa");
  for (std::size_t l = 0; l < 29; ++l) {
    EXPECT_LE(datasets.entropy_difference.low[l],
              datasets.entropy_difference.mean[l]);
    EXPECT_GE(datasets.entropy_difference.high[l],
              datasets.entropy_difference.mean[l]);
  }
}

TEST(Study, JsonHoldsNumbersInFull) {
  const Study study = make_study(tables_of({}), quick());
  const auto json = nlohmann::json::parse(study_json(study));
  EXPECT_EQ(json["format"], "lens-study");
  EXPECT_EQ(json["groups"].size(), study.groups.size());
  EXPECT_EQ(json["groups"][0]["entropy"]["mean"][3].get<double>(),
            study.groups[0].entropy.mean[3]);
}

TEST(Study, TablesOfAnotherRuleAreRefused) {
  const std::vector<metrics::SampleTable> tables = tables_of({});
  StudyOptions options = quick();
  options.onset.fraction = 0.3;
  EXPECT_THROW(make_study(tables, options), InputError);
}

TEST(StudyText, LinesFitTheTerminal) {
  const std::string text = study_text(make_study(tables_of({}), quick()));
  EXPECT_THAT(text, HasSubstr("RU of mtvqa"));
  EXPECT_THAT(text, HasSubstr("At which layer"));
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = text.find('\n', begin);
    EXPECT_LE(end - begin, 100u) << text.substr(begin, end - begin);
    begin = end + 1;
  }
}

}  // namespace
}  // namespace lens::analysis::statistics
