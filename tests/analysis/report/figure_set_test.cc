#include "analysis/report/figure_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "analysis/statistics/make_study.h"

namespace lens::analysis::report {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr int kLayers = 3;

statistics::Curve curve(double value, double below, double above) {
  statistics::Curve made;
  made.mean.assign(kLayers, value);
  made.low.assign(kLayers, value - below);
  made.high.assign(kLayers, value + above);
  return made;
}

statistics::Group make_group(const Population& population, double entropy) {
  statistics::Group group;
  group.population = population;
  group.samples = 20;
  group.tokens = 60;
  group.entropy = curve(entropy, 0.3, 0.6);
  group.kl_final = group.log_rank = curve(2, 0.5, 0.5);
  group.agreement = curve(0.5, 0.1, 0.1);
  group.same_answer = curve(0.25, 0.1, 0.1);
  group.script_share.assign(2 * kLayers, 0.5);
  group.onset_of_mean.value = 2;
  group.onset_histogram = {0, 10, 50};
  return group;
}

statistics::Study make_study() {
  statistics::Study study;
  study.layers = kLayers;
  study.script_names = {"Latin", "Han"};
  study.groups = {
      make_group({.dataset = "latex_ocr"}, 5),
      make_group({.dataset = "mtvqa"}, 4),
      make_group({.dataset = "mtvqa", .by = GroupBy::kLanguage, .value = "AR"},
                 3),
      make_group({.dataset = "mtvqa", .by = GroupBy::kLanguage, .value = "RU"},
                 3.5),
      make_group(
          {.dataset = "mtvqa", .by = GroupBy::kVerdict, .value = "right"},
          3.5)};
  study.comparisons = {{.first = {.dataset = "latex_ocr"},
                        .second = {.dataset = "mtvqa"},
                        .entropy_difference = curve(-1, 0.25, 0.5)}};
  return study;
}

std::vector<std::string> ids(const std::vector<ReportFigure>& figures) {
  std::vector<std::string> names;
  for (const ReportFigure& figure : figures) names.push_back(figure.id);
  return names;
}

const ReportFigure& named(const std::vector<ReportFigure>& figures,
                          const std::string& id) {
  for (const ReportFigure& figure : figures)
    if (figure.id == id) return figure;
  throw std::runtime_error("no figure " + id);
}

TEST(MakeFigures, DrawsWhatTheStudyHas) {
  const auto figures = make_figures(make_study(), {}, 8);
  const std::vector<std::string> names = ids(figures);
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(),
            names.size());
  for (const char* id :
       {"entropy-latex_ocr", "entropy-mtvqa", "comparison", "onset",
        "early-exit", "rank", "kl", "scripts", "entropy-by-language-mtvqa",
        "onset-by-language-mtvqa", "scripts-by-language-mtvqa"})
    EXPECT_THAT(names, Contains(id));
  // One language or one verdict is nothing to compare.
  EXPECT_THAT(names, Not(Contains("entropy-by-language-latex_ocr")));
  EXPECT_THAT(names, Not(Contains("comparison-by-verdict-mtvqa")));
}

TEST(MakeFigures, DrawsTheDifferenceAsTheStudyHasIt) {
  const auto figures = make_figures(make_study(), {}, 8);
  const std::string& csv = named(figures, "comparison").csv;
  EXPECT_THAT(csv, HasSubstr("mtvqa minus latex_ocr,0,-1,-1.25,-0.5"));
  EXPECT_THAT(csv, HasSubstr("latex_ocr (20 samples),0,5"));
}

TEST(MakeFigures, ComparesRightAndWrongAnswersOfADataSet) {
  statistics::Study study = make_study();
  study.groups.push_back(make_group(
      {.dataset = "mtvqa", .by = GroupBy::kVerdict, .value = "wrong"}, 4));
  study.comparisons.push_back({.first = study.groups[4].population,
                               .second = study.groups[5].population,
                               .entropy_difference = curve(0.5, 0.1, 0.1)});
  const auto figures = make_figures(study, {}, 8);
  EXPECT_THAT(named(figures, "comparison-by-verdict-mtvqa").csv,
              HasSubstr("wrong minus right,0,0.5,0.4,0.6"));
}

TEST(MakeFigures, DrawsAttentionWhereItIsKept) {
  EXPECT_THAT(ids(make_figures(make_study(), {}, 8)),
              Not(Contains(HasSubstr("attention"))));
  statistics::Study study = make_study();
  study.groups.push_back(make_group(
      {.dataset = "mtvqa", .by = GroupBy::kVerdict, .value = "wrong"}, 4));
  // Of one data set of the two, and of its verdicts.
  for (statistics::Group& group : study.groups)
    if (group.population.dataset == "mtvqa" &&
        group.population.by != GroupBy::kLanguage)
      group.image_attention = curve(0.25, 0.125, 0.125);
  const auto figures = make_figures(study, {}, 8);
  EXPECT_THAT(named(figures, "attention").csv,
              AllOf(HasSubstr("mtvqa"), HasSubstr(",0.25,"),
                    Not(HasSubstr("latex_ocr"))));
  EXPECT_THAT(named(figures, "attention").caption, HasSubstr("no evidence"));
  EXPECT_THAT(named(figures, "attention-by-verdict-mtvqa").csv,
              AllOf(HasSubstr("right"), HasSubstr("wrong")));
  EXPECT_THAT(ids(figures), Not(Contains("attention-by-language-mtvqa")));
}

TEST(MakeFigures, DrawsTwoRunsSideBySide) {
  statistics::Study study = make_study();
  study.comparisons.clear();
  const std::vector<statistics::Group> groups = std::move(study.groups);
  study.groups.clear();
  for (const char* run : {"A", "B"})
    for (statistics::Group group : groups) {
      group.population.run = run;
      study.groups.push_back(group);
    }
  const auto figures = make_figures(study, {}, 8);
  EXPECT_THAT(ids(figures), Contains("entropy-A-mtvqa"));
  EXPECT_THAT(ids(figures), Contains("entropy-by-language-B-mtvqa"));
  EXPECT_THAT(named(figures, "agreement").csv,
              AllOf(HasSubstr("line,mtvqa (run A) (20 samples),0,0.5"),
                    HasSubstr("line,mtvqa (run B) (20 samples),0,0.5")));
  EXPECT_THAT(named(figures, "entropy-by-language-B-mtvqa").csv,
              HasSubstr("line,RU (20 samples),0,3.5"));
}

TEST(MakeFigures, ComparesNothingWithOneDataSet) {
  statistics::Study study = make_study();
  study.comparisons.clear();
  EXPECT_THAT(ids(make_figures(study, {}, 8)), Not(Contains("comparison")));
}

TEST(MakeFigures, DrawsNothingOfNothing) {
  EXPECT_TRUE(make_figures({}, {}, 8).empty());
}

TEST(MakeFigures, SaysHowManySingleSamplesStandBehind) {
  metrics::SampleTable table;
  table.population.dataset = "mtvqa";
  table.layers = kLayers;
  for (int i = 0; i < 100; ++i) {
    metrics::SampleRow row;
    row.entropy = {5, 4, 3};
    table.rows.push_back(row);
  }
  statistics::Study study = make_study();
  study.groups[1].samples = 100;
  const auto figures = make_figures(study, std::vector{table}, 8);
  EXPECT_THAT(named(figures, "entropy-mtvqa").caption,
              HasSubstr("60 samples, spread evenly"));
}

}  // namespace
}  // namespace lens::analysis::report
