#include "analysis/diff/run_diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "analysis/diff/diff_figures.h"
#include "analysis/diff/diff_json.h"
#include "analysis/diff/diff_page.h"
#include "analysis/diff/diff_text.h"
#include "base/error.h"
#include "tests/analysis/planted/planted_results.h"
#include "tests/storage/fixtures.h"

namespace lens::analysis::diff {
namespace {

using planted::DatasetPlan;
using planted::Plan;
using storage::UnitResult;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr int kLayers = 9;

Plan small_plan() {
  Plan plan;
  plan.datasets = {{.name = "mtvqa", .samples = 60, .onset = 5},
                   {.name = "latex_ocr", .samples = 30, .onset = 5}};
  plan.layers = kLayers;
  plan.vocabulary = 400;
  plan.middle_begin = 2;
  plan.middle_end = 4;
  return plan;
}

class RunDiffTest : public ::testing::Test {
 protected:
  RunDiff compare(const Plan& a, const Plan& b) {
    return make_diff(
        written("a", a), written("b", b),
        {.study = {.bootstrap_resamples = 100, .permutations = 999}});
  }

  const Source& written(const std::string& name, const Plan& plan) {
    sources_.push_back(std::make_unique<Source>(
        open_source(planted::write_run(folder_.path() / name, plan))));
    return *sources_.back();
  }

  storage::fixtures::TemporaryFolder folder_;
  std::vector<std::unique_ptr<Source>> sources_;
};

const PairedGroup& whole(const RunDiff& diff, const std::string& dataset) {
  for (const PairedGroup& group : diff.groups)
    if (group.population == Population{.dataset = dataset}) return group;
  throw InputError("no group of " + dataset, "", "");
}

const DatasetDiff& of(const RunDiff& diff, const std::string& dataset) {
  for (const DatasetDiff& each : diff.datasets)
    if (each.pairing.dataset == dataset) return each;
  throw InputError("no data set " + dataset, "", "");
}

// Where the tokens of a sample begin that is ok and has at least `tokens`.
std::size_t long_sample(const UnitResult& result, std::int32_t tokens) {
  for (std::size_t s = 0; s < result.samples.size(); ++s)
    if (result.samples[s].answer_tokens >= tokens) return s;
  throw InputError("no long sample", "", "");
}

TEST_F(RunDiffTest, ARunWithItselfFindsNothing) {
  const RunDiff diff = compare(small_plan(), small_plan());
  EXPECT_THAT(diff.settings, IsEmpty());
  EXPECT_THAT(diff.changed, IsEmpty());
  ASSERT_THAT(diff.tests, SizeIs(14));
  for (const PairedTest& test : diff.tests) {
    EXPECT_FALSE(test.significant) << test.sentence;
    EXPECT_EQ(test.p, 1);
  }
  ASSERT_FALSE(diff.groups.empty());
  for (const PairedGroup& group : diff.groups)
    for (const PairedCurve& curve : group.curves)
      EXPECT_THAT(curve.difference.mean, Each(0));
  const std::string text = diff_text(diff, {});
  EXPECT_THAT(text,
              AllOf(HasSubstr("configuration are the same"),
                    HasSubstr("mtvqa: 0 of"), Not(HasSubstr(" differs ("))));
  EXPECT_THAT(diff_page(diff, diff_figures(diff)),
              HasSubstr("No difference found."));
}

TEST_F(RunDiffTest, ThePlantedLayerIsFoundAndNothingElse) {
  Plan planted = small_plan();
  planted.edit = [](const DatasetPlan& dataset, UnitResult& result) {
    if (dataset.name != "mtvqa") return;
    auto& kl = result.tokens.get<"kl_final">();
    // Of either sign elsewhere, so that nothing is exactly equal.
    for (std::size_t i = 0; i < kl.size(); ++i)
      if (i % kLayers == 3)
        kl[i] += 0.5f;
      else if (i % kLayers != kLayers - 1)
        kl[i] += 0.01f * static_cast<float>(i * 2654435761u % 201) / 200;
  };
  Plan plain = small_plan();
  plain.edit = [](const DatasetPlan& dataset, UnitResult& result) {
    if (dataset.name != "mtvqa") return;
    auto& kl = result.tokens.get<"kl_final">();
    for (std::size_t i = 0; i < kl.size(); ++i)
      if (i % kLayers != kLayers - 1)
        kl[i] += 0.01f * static_cast<float>(i * 40503u % 201) / 200;
  };
  const RunDiff diff = compare(plain, planted);
  for (const PairedTest& test : diff.tests) {
    const bool is_planted =
        test.key == "kl_final" && test.population.dataset == "mtvqa";
    EXPECT_EQ(test.significant, is_planted) << test.sentence;
    if (!is_planted) continue;
    ASSERT_THAT(test.found, SizeIs(1));
    EXPECT_EQ(test.found[0].layer, 3);
    EXPECT_NEAR(test.found[0].difference, 0.5, 0.01);
  }
  EXPECT_THAT(diff_text(diff, {}),
              HasSubstr("mtvqa: distance to the final distribution differs"));
}

TEST_F(RunDiffTest, SamplesOfOneRunAloneAndFailedOnesAreNamed) {
  Plan shorter = small_plan();
  shorter.failed_share = 0;
  Plan longer = shorter;
  shorter.datasets[0].samples = 54;
  shorter.edit = [](const DatasetPlan& dataset, UnitResult& result) {
    if (dataset.name != "mtvqa") return;
    result.samples[0].sample_id = "other";
  };
  longer.failed_share = 0.2;
  const RunDiff diff = compare(shorter, longer);
  const Pairing& pairing = of(diff, "mtvqa").pairing;
  EXPECT_THAT(pairing.only_a, ElementsAre("other"));
  EXPECT_THAT(pairing.only_b, AllOf(SizeIs(7), Contains("0.0")));
  EXPECT_THAT(pairing.failed_b, Not(IsEmpty()));
  EXPECT_THAT(diff.notes, AllOf(Contains("mtvqa: 1 in A alone."),
                                Contains("mtvqa: 7 in B alone.")));
  EXPECT_EQ(pairing.pairs.size() + pairing.failed_b.size() + 1, 54u);
  EXPECT_THAT(diff_page(diff, {}), HasSubstr("<td>in B alone</td>"));
}

TEST_F(RunDiffTest, IdsThatStandTwiceAreSaidAndLeftOut) {
  Plan doubled = small_plan();
  doubled.edit = [](const DatasetPlan& dataset, UnitResult& result) {
    if (dataset.name == "mtvqa")
      result.samples[1].sample_id = result.samples[0].sample_id;
  };
  const RunDiff diff = compare(doubled, small_plan());
  EXPECT_THAT(of(diff, "mtvqa").pairing.doubled, ElementsAre("0.0"));
  EXPECT_THAT(of(diff, "mtvqa").pairing.only_b, ElementsAre("0.1"));
  EXPECT_THAT(diff.notes, Contains(HasSubstr("stands more than once")));
}

// What was run in another order is the same run, sample by sample.
TEST_F(RunDiffTest, TheOrderOfSamplesChangesNothing) {
  Plan turned = small_plan();
  turned.edit = [](const DatasetPlan& dataset, UnitResult& result) {
    if (dataset.name != "latex_ocr") return;
    UnitResult back;
    back.tokens = table::TokenRows(result.tokens.widths);
    for (std::size_t s = result.samples.size(); s-- > 0;) {
      back.samples.push_back(result.samples[s]);
      back.samples.back().source_row =
          static_cast<std::int64_t>(back.samples.size()) - 1;
      for (std::int64_t t = result.token_offset[s];
           t < result.token_offset[s + 1]; ++t)
        back.tokens.append(result.tokens, static_cast<std::size_t>(t));
      back.token_offset.push_back(
          static_cast<std::int64_t>(back.tokens.size()));
    }
    result = std::move(back);
  };
  const RunDiff diff = compare(small_plan(), turned);
  EXPECT_THAT(diff.changed, IsEmpty());
  for (const PairedCurve& curve : whole(diff, "latex_ocr").curves)
    EXPECT_THAT(curve.difference.mean, Each(0));
}

TEST_F(RunDiffTest, ADataSetOfOneRunAloneIsSaid) {
  Plan one = small_plan();
  one.datasets.pop_back();
  const RunDiff diff = compare(small_plan(), one);
  EXPECT_THAT(diff.notes,
              Contains("latex_ocr is in run A alone, with 30 samples."));
  EXPECT_THAT(diff.tests, SizeIs(7));
  Plan other = small_plan();
  other.datasets.erase(other.datasets.begin());
  EXPECT_THROW(compare(one, other), InputError);
}

TEST_F(RunDiffTest, AChangedAnswerIsOpenedWhereItParts) {
  std::size_t sample = 0;
  Plan changed = small_plan();
  changed.datasets.resize(1);
  const Plan plain = changed;
  changed.edit = [&sample](const DatasetPlan&, UnitResult& result) {
    sample = long_sample(result, 4);
    const auto at = static_cast<std::size_t>(result.token_offset[sample]) + 2;
    // Another token, on top from layer 6 on, where the old one had been.
    std::int32_t& id = result.tokens.get<"token_id">()[at];
    const std::int32_t old = id;
    id = old == 20 ? 40 : 20;
    auto& top = result.tokens.get<"top_id">();
    const std::size_t ranks =
        top.size() / result.tokens.get<"entropy">().size();
    for (std::size_t l = 0; l < kLayers; ++l)
      for (std::size_t r = 0; r < ranks; ++r) {
        std::int32_t& place = top[(at * kLayers + l) * ranks + r];
        if (place == id)
          place = old;  // each id stands once
        else if (place == old && l >= 6)
          place = id;
        else if (place == old)
          place = 399;
      }
    result.samples[sample].answer = "<script>alert(1)</script>";
  };
  const RunDiff diff = compare(plain, changed);
  ASSERT_THAT(diff.changed, SizeIs(1));
  const ChangedAnswer& found = diff.changed[0];
  EXPECT_EQ(found.position, 2);
  EXPECT_TRUE(found.opened);
  EXPECT_EQ(found.answer_b, "<script>alert(1)</script>");
  EXPECT_NE(found.a.token, found.b.token);
  ASSERT_THAT(found.a.own_rank, SizeIs(kLayers));
  EXPECT_LE(found.parting_layer, 6);
  EXPECT_GE(found.parting_layer, 0);
  EXPECT_EQ(of(diff, "mtvqa").changed, 1);
  // Two tokens and the third, in which they part, are compared of that sample.
  const PairedGroup& group = whole(diff, "mtvqa");
  std::int64_t all = 0;
  for (const auto& row :
       metrics::read_sample_table(sources_[0]->results, "mtvqa").rows)
    all += row.tokens;
  EXPECT_EQ(group.tokens,
            all - (metrics::read_sample_table(sources_[0]->results, "mtvqa")
                       .rows[sample]
                       .tokens -
                   3));
  const std::string page = diff_page(diff, diff_figures(diff));
  EXPECT_THAT(page, AllOf(HasSubstr("&lt;script&gt;alert(1)"),
                          Not(HasSubstr("<script"))));
  EXPECT_THAT(diff_text(diff, {}),
              AllOf(HasSubstr("from token 3 on"), HasSubstr("B wrote")));
}

TEST_F(RunDiffTest, WhatDiffersInTheRunsStandsFirst) {
  Plan fewer = small_plan();
  fewer.ranks = 3;
  const RunDiff diff = compare(small_plan(), fewer);
  ASSERT_THAT(diff.settings, SizeIs(1));
  EXPECT_EQ(diff.settings[0], (Setting{"top_k", "5", "3"}));
  EXPECT_THAT(diff_text(diff, {}), HasSubstr("top_k"));
  EXPECT_THAT(diff_page(diff, {}), HasSubstr("<th scope=\"row\">top_k</th>"));
}

TEST_F(RunDiffTest, RunsOfOtherNumbersOfLayersAreRefused) {
  Plan deeper = small_plan();
  deeper.layers = kLayers + 1;
  try {
    compare(small_plan(), deeper);
    FAIL() << "compared";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("A has 9 states and B 10"),
                                    Not(HasSubstr("\n"))));
  }
}

TEST_F(RunDiffTest, OtherVocabulariesLeaveSharesAndLayersToCompare) {
  Plan other = small_plan();
  other.other_vocabulary = planted::make_vocabulary(400);
  other.other_vocabulary.token_text[300] = "unheard of";
  const RunDiff diff = compare(small_plan(), other);
  std::vector<std::string> keys;
  for (const PairedTest& test : diff.tests)
    if (test.population.dataset == "mtvqa") keys.push_back(test.key);
  EXPECT_THAT(keys, ElementsAre("agreement", "script_share", "onset", "depth"));
  EXPECT_THAT(diff.notes, Contains(HasSubstr("other vocabularies")));
}

TEST_F(RunDiffTest, JsonHoldsWhatTheDocumentSays) {
  Plan other = small_plan();
  other.seed = 2;
  const RunDiff diff = compare(small_plan(), other);
  const auto json = nlohmann::json::parse(diff_json(diff));
  EXPECT_EQ(json["format"], "lens-diff");
  EXPECT_EQ(json["format_version"], 1);
  EXPECT_EQ(json["layers"], kLayers);
  EXPECT_EQ(json["options"]["permutations"], 999);
  EXPECT_EQ(json["options"]["right_score"], 0.9);
  EXPECT_EQ(json["a"]["model_name"], "planted");
  const auto& group = json["groups"][0];
  EXPECT_EQ(group["dataset"], "latex_ocr");
  for (const char* key :
       {"entropy", "kl_final", "log_rank", "agreement", "script_share"})
    for (const char* side : {"a", "b", "difference"})
      for (const char* curve : {"mean", "low", "high"})
        EXPECT_FALSE(group["curves"][key][side][curve].empty()) << key;
  EXPECT_EQ(group["curves"]["entropy"]["a"]["mean"].size(), kLayers);
  for (const char* key : {"onset_of_mean", "onset_of_tokens", "depth_of_tokens",
                          "first_hit_of_tokens", "score"})
    EXPECT_TRUE(group[key]["difference"]["interval"].is_array()) << key;
  for (const char* key :
       {"pairs", "only_a", "only_b", "failed_a", "failed_b", "failed_both",
        "doubled", "changed", "without_tokens", "verdicts", "other_pictures"})
    EXPECT_TRUE(json["datasets"][0].contains(key)) << key;
  for (const auto& test : json["tests"])
    for (const char* key :
         {"dataset", "quantity", "pictures", "t", "flips", "p", "p_adjusted",
          "significant", "found", "sentence"})
      EXPECT_TRUE(test.contains(key)) << key;
  ASSERT_FALSE(json["changed"].empty());
  std::size_t opened = 0;
  for (const auto& changed : json["changed"]) {
    if (changed["opened"].is_null()) continue;
    ++opened;
    for (const char* key : {"prompt", "reference", "shared", "parting_layer"})
      EXPECT_TRUE(changed["opened"].contains(key)) << key;
    if (changed["opened"]["a"].is_null()) continue;
    for (const char* key :
         {"token", "is_end", "top", "entropy", "own_rank", "other_rank"})
      EXPECT_TRUE(changed["opened"]["a"].contains(key)) << key;
  }
  EXPECT_EQ(opened, std::min<std::size_t>(40, json["changed"].size()));
}

TEST_F(RunDiffTest, EachCurveHasAFigureWithItsDifference) {
  Plan other = small_plan();
  other.seed = 2;
  const RunDiff diff = compare(small_plan(), other);
  std::vector<std::string> ids;
  for (const report::ReportFigure& figure : diff_figures(diff)) {
    ids.push_back(figure.id);
    EXPECT_THAT(figure.svg, HasSubstr("<svg"));
    if (figure.id == "entropy-mtvqa") {
      EXPECT_THAT(figure.csv, AllOf(HasSubstr("line,A,0,"),
                                    HasSubstr("difference,B minus A,8,")));
    }
  }
  EXPECT_THAT(ids, AllOf(Contains("entropy-mtvqa"), Contains("log_rank-mtvqa"),
                         Contains("entropy-by-language-mtvqa"),
                         Contains(HasSubstr("script_share-"))));
}

}  // namespace
}  // namespace lens::analysis::diff
