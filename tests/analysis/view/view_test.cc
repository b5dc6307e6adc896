#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "analysis/view/find_samples.h"
#include "analysis/view/sample_map.h"
#include "analysis/view/terminal_text.h"
#include "base/error.h"
#include "cli/query_command.h"
#include "cli/show_command.h"
#include "cli/usage_error.h"
#include "tests/analysis/planted/planted_results.h"
#include "tests/storage/fixtures.h"

namespace lens::analysis::view {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class ViewTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new storage::fixtures::TemporaryFolder;
    planted::Plan plan;
    plan.datasets = {{.name = "mtvqa", .samples = 60},
                     {.name = "latex_ocr", .samples = 30}};
    planted::write_run(folder_->path(), plan);
  }
  static void TearDownTestSuite() { delete folder_; }

  std::string show(cli::ShowOptions options) {
    options.source = folder_->path();
    std::ostringstream out;
    EXPECT_EQ(cli::show_command(options, out), 0);
    return out.str();
  }

  std::string query(cli::QueryOptions options) {
    options.source = folder_->path();
    std::ostringstream out;
    EXPECT_EQ(cli::query_command(options, out), 0);
    return out.str();
  }

  static std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> found;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) found.push_back(line);
    return found;
  }

  std::string first_with_tokens(const std::string& condition) {
    const FoundSamples found = find_samples(source_, condition);
    return found.samples.at(0).dataset + "/" + found.samples.at(0).sample_id;
  }

  static storage::fixtures::TemporaryFolder* folder_;
  const Source source_ = open_source(folder_->path());
};

storage::fixtures::TemporaryFolder* ViewTest::folder_ = nullptr;

TEST_F(ViewTest, AMapShowsTheFilesTokens) {
  const std::string name = first_with_tokens("answer_tokens >= 4 and ok");
  const SampleView view = find_sample(source_, name, "");
  const std::string text = sample_map(view, source_.vocabulary.token_text,
                                      {.layers = {0, 28}, .width = 300});
  std::vector<std::string> rows = lines(text);
  ASSERT_GE(rows.size(), 3u);
  const std::string last = rows[rows.size() - 2], first = rows.back();
  EXPECT_EQ(last.substr(0, 4), "  28");  // the last layer on top
  EXPECT_EQ(first.substr(0, 4), "   0");
  // Every token matches at the last layer.
  EXPECT_EQ(std::count(last.begin(), last.end(), '['),
            view.end_generated - view.first_generated);
  for (std::int64_t t = view.first_generated; t < view.end_generated; ++t) {
    const std::int32_t id = view.block.top1_id(t, 0);
    const std::string top = visible_token(
        source_.vocabulary.token_text[static_cast<std::size_t>(id)]);
    EXPECT_THAT(first, HasSubstr(fit(top, std::min(display_width(top), 10))));
  }
}

TEST_F(ViewTest, EveryLineOfAMapHasTheSameWidthAndFits) {
  for (const FoundSample& sample : find_samples(source_, "ok").samples) {
    const SampleView view =
        find_sample(source_, sample.dataset + "/" + sample.sample_id, "");
    const std::string text =
        sample_map(view, source_.vocabulary.token_text, {.width = 60});
    int width = 0;  // of the rows of a block
    bool in_map = false;
    for (const std::string& line : lines(text)) {
      if (line.empty()) width = 0;
      in_map = in_map || line.starts_with("entropy 0");
      if (!in_map || line.starts_with("entropy") || line.empty()) continue;
      EXPECT_LE(display_width(line), 60) << line;
      if (width > 0) {
        EXPECT_EQ(display_width(line), width) << line;
      }
      width = display_width(line);
    }
  }
}

TEST_F(ViewTest, ColourFollowsTheValue) {
  const std::string name = first_with_tokens("answer_tokens = 3 and ok");
  const SampleView view = find_sample(source_, name, "");
  const auto map = [&](figures::HeatMap::Scale value) {
    return sample_map(
        view, source_.vocabulary.token_text,
        {.value = value, .layers = {28}, .colour = true, .width = 300});
  };
  EXPECT_NE(map(figures::HeatMap::Scale::kEntropy),
            map(figures::HeatMap::Scale::kProbability));
  EXPECT_THAT(map(figures::HeatMap::Scale::kEntropy),
              HasSubstr("\x1b[0;1;4;38;2"));
  EXPECT_THAT(map(figures::HeatMap::Scale::kEntropy),
              Not(HasSubstr("[0;38;2;0;0;0;48;2;208")));
  EXPECT_THAT(map(figures::HeatMap::Scale::kProbability),
              HasSubstr("probability"));
}

TEST_F(ViewTest, AFailedSampleHasItsReasonAndNoMap) {
  const std::string name = first_with_tokens("failed");
  const std::string text = show({.sample = name});
  EXPECT_THAT(text, HasSubstr("failed     "));
  EXPECT_THAT(text, Not(HasSubstr("entropy")));
}

TEST_F(ViewTest, SamplesAreFoundByNameAndDataSet) {
  const SampleView whole = find_sample(source_, "mtvqa/0.0", "");
  EXPECT_EQ(whole.dataset, "mtvqa");
  EXPECT_EQ(find_sample(source_, "0.0", "").record(), whole.record());
  EXPECT_EQ(find_sample(source_, "0", "latex_ocr").dataset, "latex_ocr");
  EXPECT_EQ(whole.block.samples.size(), 1u);  // its rows alone
  EXPECT_THROW(find_sample(source_, "0.0", "latex_ocr"), InputError);
  EXPECT_THROW(find_sample(source_, "99999", ""), InputError);
  EXPECT_THROW(find_sample(source_, "0.0", "textvqa"), InputError);
}

TEST_F(ViewTest, AQueryFindsWhatPlainLoopsFind) {
  const FoundSamples found =
      find_samples(source_, "entropy@20 < 3 and language = RU");
  const auto& results = source_.results;
  std::vector<std::string> expected;
  const auto ids = results.read_all<std::string>("mtvqa", "sample_id");
  const auto languages = results.read_all<std::string>("mtvqa", "language");
  const auto means = results.read_all<float>("mtvqa", "entropy_mean");
  for (std::size_t s = 0; s < ids.size(); ++s)
    if (means[s * 29 + 20] < 3 && languages[s] == "RU")
      expected.push_back(ids[s]);
  std::vector<std::string> names;
  for (const FoundSample& sample : found.samples)
    names.push_back(sample.sample_id);
  EXPECT_EQ(names, expected);
  EXPECT_FALSE(expected.empty());
  EXPECT_EQ(found.searched, 90);
  EXPECT_THAT(found.fields, ElementsAre("entropy@20", "language"));
}

TEST_F(ViewTest, FoundSamplesAreSortedWithMissingValuesLast) {
  for (const bool descending : {false, true}) {
    const FoundSamples found = find_samples(
        source_, "ok or failed", {.sort = "score", .descending = descending});
    ASSERT_EQ(found.samples.size(), 90u);
    EXPECT_EQ(found.fields.back(), "score");
    bool missing = false;
    for (std::size_t i = 1; i < found.samples.size(); ++i) {
      const QueryValue& before = found.samples[i - 1].values.back();
      const QueryValue& value = found.samples[i].values.back();
      missing = missing || !before;
      if (missing) {
        EXPECT_FALSE(value);
      } else if (value) {
        EXPECT_TRUE(descending ? *before >= *value : *before <= *value);
      }
    }
    EXPECT_TRUE(missing);
  }
}

TEST_F(ViewTest, AnswersAreSearchedInTheirOwnRow) {
  const auto answers =
      source_.results.read_all<std::string>("latex_ocr", "answer");
  const auto ids =
      source_.results.read_all<std::string>("latex_ocr", "sample_id");
  std::size_t s = 0;
  while (answers[s].size() < 5 ||
         answers[s].find_first_of("'\\") != std::string::npos)
    ++s;
  const FoundSamples found = find_samples(
      source_, "dataset = latex_ocr and answer = '" + answers[s] + "'");
  std::vector<std::string> names;
  for (const FoundSample& sample : found.samples)
    names.push_back(sample.sample_id);
  EXPECT_THAT(names, testing::Contains(ids[s]));
  EXPECT_LT(names.size(), 10u);
}

TEST_F(ViewTest, QueriesArePrintedForPeopleAndPrograms) {
  const std::string text =
      query({.query = "score >= 0.5 and dataset = mtvqa", .limit = 2});
  EXPECT_EQ(lines(text).size(), 3u);
  EXPECT_THAT(text, HasSubstr("mtvqa/"));
  EXPECT_THAT(text, HasSubstr("  score="));
  EXPECT_THAT(text, HasSubstr(" of 90 samples, 2 shown"));

  const std::string json = query({.query = "score >= 0.5", .json = true});
  for (const std::string& line : lines(json)) {
    const auto object = nlohmann::json::parse(line);
    EXPECT_GE(object.at("score").get<double>(), 0.5);
    EXPECT_TRUE(object.at("dataset").is_string());
  }
  const std::string csv = query({.query = "failed", .csv = true});
  EXPECT_EQ(lines(csv).front(), "\"dataset\",\"sample_id\",\"status\"\r");
  EXPECT_EQ(lines(csv).size(),
            1 + find_samples(source_, "failed").samples.size());
}

TEST_F(ViewTest, WhatCannotBeUnderstoodIsAUsageError) {
  EXPECT_THROW(query({.query = "entropy < 1"}), cli::UsageError);
  EXPECT_THROW(query({.query = "ok", .sort = "nothing"}), cli::UsageError);
  EXPECT_THROW(query({.query = "ok", .json = true, .csv = true}),
               cli::UsageError);
  EXPECT_THROW(show({.sample = "0.0", .value = "rank"}), cli::UsageError);
  EXPECT_THROW(show({.sample = "0.0", .layers = "99"}), InputError);
}

}  // namespace
}  // namespace lens::analysis::view
