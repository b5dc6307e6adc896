#include <gtest/gtest.h>

#include "base/error.h"
#include "input/data/dataset.h"

namespace lens::data {
namespace {

TEST(Prompt, DefaultsAreThoseOfTheContract) {
  EXPECT_EQ(default_prompt(DatasetKind::kLatexOcr),
            "Using LaTeX to perform OCR on the image.");
  EXPECT_EQ(fill_prompt(default_prompt(DatasetKind::kMtvqa), "Wo?"),
            "Wo?\nAnswer the question using a word or phrase in the language "
            "of the question.");
}

TEST(Prompt, QuestionIsPutInOnceAndNeverSearched) {
  EXPECT_EQ(fill_prompt("<{question}|{question}>", "a{question}b"),
            "<a{question}b|a{question}b>");
}

TEST(Prompt, OtherBracesAreLeftAlone) {
  EXPECT_EQ(fill_prompt("{{question} {0} { {question", "Q"),
            "{Q {0} { {question");
  EXPECT_EQ(fill_prompt("", "Q"), "");
}

TEST(Prompt, NamesOfDataSets) {
  EXPECT_EQ(dataset_kind("mtvqa"), DatasetKind::kMtvqa);
  EXPECT_EQ(dataset_kind("latex_ocr"), DatasetKind::kLatexOcr);
  EXPECT_THROW(dataset_kind("MTVQA"), InputError);
  EXPECT_THROW(dataset_kind(""), InputError);
}

TEST(Prompt, SampleIdsAreStable) {
  EXPECT_EQ(sample_id(DatasetKind::kLatexOcr, 12, 0), "12");
  EXPECT_EQ(sample_id(DatasetKind::kMtvqa, 12, 3), "12.3");
}

}  // namespace
}  // namespace lens::data
