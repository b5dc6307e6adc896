#include "analysis/metrics/token_spans.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lens::analysis::metrics {
namespace {

using ::testing::ElementsAre;
using Offsets = std::vector<std::int64_t>;
using Roles = std::vector<std::uint8_t>;

constexpr std::uint8_t kImage = 1, kAnswer = 3, kEnd = 4;

TEST(AnswerSpans, JoinSamplesUpToTheBlock) {
  const Offsets offset = {0, 3, 6, 9};
  const Roles role(9, kAnswer);
  EXPECT_THAT(answer_spans(offset, role, 6),
              ElementsAre(TokenSpan{0, 2, 0, 6}, TokenSpan{2, 3, 6, 9}));
}

TEST(AnswerSpans, OneLongSampleIsASpanOfItsOwn) {
  const Offsets offset = {0, 2, 50};
  const Roles role(50, kAnswer);
  EXPECT_THAT(answer_spans(offset, role, 10),
              ElementsAre(TokenSpan{0, 1, 0, 2}, TokenSpan{1, 2, 2, 50}));
}

TEST(AnswerSpans, LeaveOutManyImageRows) {
  Roles role(1000, kImage);
  role.insert(role.end(), {kAnswer, kEnd});
  role.insert(role.end(), 1000, kImage);
  role.insert(role.end(), {kAnswer, kEnd});
  const Offsets offset = {0, 1002, 2004};
  EXPECT_THAT(
      answer_spans(offset, role, 4096),
      ElementsAre(TokenSpan{0, 1, 1000, 1002}, TokenSpan{1, 2, 2002, 2004}));
}

TEST(AnswerSpans, SamplesWithoutRowsAreInASpanToo) {
  const Offsets offset = {0, 0, 2, 2, 2};
  const Roles role = {kAnswer, kEnd};
  EXPECT_THAT(answer_spans(offset, role, 4096),
              ElementsAre(TokenSpan{0, 4, 0, 2}));
  EXPECT_THAT(answer_spans(Offsets{0, 0}, Roles{}, 10),
              ElementsAre(TokenSpan{0, 1, 0, 0}));
  EXPECT_TRUE(answer_spans(Offsets{0}, Roles{}, 10).empty());
}

}  // namespace
}  // namespace lens::analysis::metrics
