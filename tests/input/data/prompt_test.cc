#include <gtest/gtest.h>

#include "base/error.h"
#include "input/data/dataset.h"

namespace lens::data {
namespace {

TEST(Prompt, DefaultsAreThoseOfTheContract) {
  EXPECT_EQ(preset("latex_ocr").prompt,
            "Using LaTeX to perform OCR on the image.");
  EXPECT_EQ(fill_prompt(preset("mtvqa").prompt, "Wo?"),
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
  EXPECT_EQ(preset("mtvqa").columns.question, "qa_pairs");
  EXPECT_EQ(preset("latex_ocr").columns.answer, "text");
  EXPECT_THROW(preset("MTVQA"), InputError);
  EXPECT_THROW(preset(""), InputError);
}

TEST(Prompt, SampleIdsAreStable) {
  EXPECT_EQ(sample_id(preset("latex_ocr"), "12", 0), "12");
  EXPECT_EQ(sample_id(preset("mtvqa"), "12", 3), "12.3");
}

}  // namespace
}  // namespace lens::data
