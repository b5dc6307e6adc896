#include "analysis/diff/divergence.h"

#include <gtest/gtest.h>

namespace lens::analysis::diff {
namespace {

storage::Vocabulary vocabulary(std::vector<std::string> texts) {
  storage::Vocabulary made;
  made.token_text = std::move(texts);
  return made;
}

// 0 is the end of an answer.
const storage::Vocabulary kWords =
    vocabulary({"<end>", "a", "b", "c", "d", "e"});

WrittenAnswer written(std::vector<std::int32_t> tokens) {
  WrittenAnswer answer;
  answer.ended = !tokens.empty() && tokens.back() == 0;
  answer.tokens = std::move(tokens);
  return answer;
}

Divergence between(std::vector<std::int32_t> a, std::vector<std::int32_t> b) {
  return find_divergence(written(std::move(a)), written(std::move(b)),
                         VocabularyPair(kWords, kWords));
}

TEST(FindDivergence, EqualAnswersAreComparedWhole) {
  const Divergence found = between({1, 2, 3, 0}, {1, 2, 3, 0});
  EXPECT_FALSE(found.changed);
  EXPECT_EQ(found.compared, 3);
}

TEST(FindDivergence, TheFirstTokenThatDiffersIsTheLastCompared) {
  const Divergence at_first = between({4, 2, 3, 0}, {1, 2, 3, 0});
  EXPECT_TRUE(at_first.changed);
  EXPECT_EQ(at_first.position, 0);
  EXPECT_EQ(at_first.compared, 1);
  const Divergence in_middle = between({1, 4, 3, 0}, {1, 2, 3, 0});
  EXPECT_EQ(in_middle.position, 1);
  EXPECT_EQ(in_middle.compared, 2);
  const Divergence at_last = between({1, 2, 4, 0}, {1, 2, 3, 0});
  EXPECT_EQ(at_last.position, 2);
  EXPECT_EQ(at_last.compared, 3);
}

TEST(FindDivergence, AnEndThatComesEarlierIsWhereTheyPart) {
  const Divergence found = between({1, 2, 0}, {1, 2, 3, 0});
  EXPECT_TRUE(found.changed);
  EXPECT_EQ(found.position, 2);
  // The end of A is no answer token.
  EXPECT_EQ(found.compared, 2);
}

TEST(FindDivergence, AnAnswerThatWasCutPartsBehindItsLastToken) {
  const Divergence found = between({1, 2}, {1, 2, 3, 0});
  EXPECT_TRUE(found.changed);
  EXPECT_EQ(found.position, 2);
  EXPECT_EQ(found.compared, 2);
}

TEST(FindDivergence, OfAnEmptyAnswerNothingIsCompared) {
  EXPECT_EQ(between({0}, {1, 0}).compared, 0);
  EXPECT_TRUE(between({0}, {1, 0}).changed);
  EXPECT_FALSE(between({0}, {0}).changed);
  EXPECT_EQ(between({0}, {0}).compared, 0);
  EXPECT_FALSE(between({}, {}).changed);
}

TEST(FindDivergence, IdsOfOtherVocabulariesGoByTheirTexts) {
  const storage::Vocabulary other =
      vocabulary({"<end>", "c", "b", "a", "x", "y"});
  const VocabularyPair pair(kWords, other);
  EXPECT_FALSE(pair.same());
  EXPECT_FALSE(
      find_divergence(written({1, 2, 0}), written({3, 2, 0}), pair).changed);
  EXPECT_EQ(
      find_divergence(written({1, 2, 0}), written({3, 1, 0}), pair).position,
      1);
  EXPECT_EQ(pair.in_b(1), 3);
  EXPECT_EQ(pair.in_a(1), 3);
  EXPECT_EQ(pair.in_b(4), -1);
  EXPECT_EQ(pair.in_b(-1), -1);
}

TEST(VocabularyPair, RowsBeyondTheTokenizerMakeNoOtherVocabulary) {
  storage::Vocabulary longer = kWords;
  longer.token_text.push_back("<unused_6>");
  EXPECT_TRUE(VocabularyPair(kWords, longer).same());
  EXPECT_TRUE(VocabularyPair(longer, kWords).same());
  longer.token_text.push_back("word");
  EXPECT_FALSE(VocabularyPair(kWords, longer).same());
}

}  // namespace
}  // namespace lens::analysis::diff
