#include "analysis/diff/pairing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lens::analysis::diff {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Pair = Pairing::Pair;
using Samples = std::vector<SampleKeyOf>;

TEST(PairSamples, GoByIdWhateverTheOrder) {
  const Samples a = {{.id = "0"}, {.id = "1"}, {.id = "2"}};
  const Samples b = {{.id = "2"}, {.id = "0"}, {.id = "1"}};
  const Pairing pairing = pair_samples("mtvqa", a, b);
  EXPECT_EQ(pairing.dataset, "mtvqa");
  EXPECT_THAT(pairing.pairs, ElementsAre(Pair{0, 1}, Pair{1, 2}, Pair{2, 0}));
  EXPECT_THAT(pairing.only_a, IsEmpty());
  EXPECT_THAT(pairing.only_b, IsEmpty());
}

TEST(PairSamples, NameThoseOfOneRunAlone) {
  const Samples a = {{.id = "0"}, {.id = "1"}}, b = {{.id = "1"}, {.id = "9"}};
  const Pairing pairing = pair_samples("mtvqa", a, b);
  EXPECT_THAT(pairing.pairs, ElementsAre(Pair{1, 0}));
  EXPECT_THAT(pairing.only_a, ElementsAre("0"));
  EXPECT_THAT(pairing.only_b, ElementsAre("9"));
  EXPECT_THAT(pair_samples("x", {}, b).only_b, ElementsAre("1", "9"));
}

TEST(PairSamples, LeaveOutIdsThatStandTwiceInARun) {
  const Samples a = {{.id = "0"}, {.id = "1"}, {.id = "1"}, {.id = "2"}};
  const Samples b = {{.id = "0"}, {.id = "1"}, {.id = "2"},
                     {.id = "2"}, {.id = "3"}, {.id = "3"}};
  const Pairing pairing = pair_samples("mtvqa", a, b);
  EXPECT_THAT(pairing.pairs, ElementsAre(Pair{0, 0}));
  EXPECT_THAT(pairing.doubled, ElementsAre("1", "2", "3"));
  EXPECT_THAT(pairing.only_a, IsEmpty());
  EXPECT_THAT(pairing.only_b, IsEmpty());
}

TEST(PairSamples, ThatFailedAreNamedByTheRunTheyFailedIn) {
  const Samples a = {{.id = "0", .ok = false},
                     {.id = "1"},
                     {.id = "2", .ok = false},
                     {.id = "3", .ok = false}};
  const Samples b = {
      {.id = "0"}, {.id = "1", .ok = false}, {.id = "2", .ok = false}};
  const Pairing pairing = pair_samples("mtvqa", a, b);
  EXPECT_THAT(pairing.pairs, IsEmpty());
  EXPECT_THAT(pairing.failed_a, ElementsAre("0"));
  EXPECT_THAT(pairing.failed_b, ElementsAre("1"));
  EXPECT_THAT(pairing.failed_both, ElementsAre("2"));
  EXPECT_THAT(pairing.only_a, ElementsAre("3"));
}

}  // namespace
}  // namespace lens::analysis::diff
