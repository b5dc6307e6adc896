#include "engine/wave_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lens::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::int64_t kImage = 9;

Prompt prompt(std::vector<std::int64_t> ids, int picture = -1) {
  return {.ids = std::move(ids), .picture = picture, .wanted = {}};
}

Prompt of_length(std::size_t length, int picture) {
  return prompt(std::vector<std::int64_t>(length, 1), picture);
}

// Where waves end, one after another.
std::vector<std::size_t> wave_ends(const std::vector<Prompt>& prompts,
                                   const WaveLimits& limits) {
  std::vector<std::size_t> ends;
  for (std::size_t begin = 0; begin < prompts.size(); begin = ends.back()) {
    ends.push_back(wave_end(prompts, begin, limits));
  }
  return ends;
}

TEST(WaveEnd, PromptsOfOnePictureAreNotParted) {
  const std::vector<Prompt> prompts = {of_length(4, 0), of_length(4, 0),
                                       of_length(4, 1), of_length(4, 1),
                                       of_length(4, 2)};
  EXPECT_THAT(wave_ends(prompts, {.max_slots = 3, .kv_bytes = 1000}),
              ElementsAre(2, 5));
}

TEST(WaveEnd, PictureWithMorePromptsThanAWaveIsCut) {
  const std::vector<Prompt> prompts(7, of_length(4, 0));
  EXPECT_THAT(wave_ends(prompts, {.max_slots = 3, .kv_bytes = 1000}),
              ElementsAre(3, 6, 7));
}

TEST(WaveEnd, PromptsWithoutAPictureStandAlone) {
  const std::vector<Prompt> prompts(5, of_length(4, -1));
  EXPECT_THAT(wave_ends(prompts, {.max_slots = 2, .kv_bytes = 1000}),
              ElementsAre(2, 4, 5));
}

// Every slot is as long as the longest prompt with its answer.
TEST(WaveEnd, LongPromptCountsForAllSlots) {
  const WaveLimits limits{.max_slots = 10,
                          .max_new_tokens = 2,
                          .token_bytes = 10,
                          .kv_bytes = 3 * (4 + 2) * 10};
  EXPECT_THAT(wave_ends({of_length(4, 0), of_length(4, 1), of_length(4, 2),
                         of_length(4, 3)},
                        limits),
              ElementsAre(3, 4));
  EXPECT_THAT(wave_ends({of_length(4, 0), of_length(5, 1), of_length(4, 2),
                         of_length(4, 3)},
                        limits),
              ElementsAre(2, 4));
}

TEST(WaveEnd, OnePromptAlwaysFits) {
  const std::vector<Prompt> prompts = {of_length(50, 0), of_length(50, 0)};
  EXPECT_THAT(wave_ends(prompts, {.max_slots = 8, .kv_bytes = 1}),
              ElementsAre(1, 2));
}

TEST(FormGroups, PromptsOfOnePictureShareTheirLeadingIds) {
  const std::vector<Prompt> wave = {prompt({5, 9, 9, 6, 1, 2}, 0),
                                    prompt({5, 9, 9, 6, 3}, 0),
                                    prompt({5, 9, 9, 6, 1, 2}, 1)};
  EXPECT_THAT(form_groups(wave, kImage),
              ElementsAre(Group{.prompts = {0, 2}, .prefix = 4},
                          Group{.prompts = {2, 3}, .prefix = 0}));
}

// The states of its last token choose a prompt's answer.
TEST(FormGroups, EachPromptKeepsATokenOfItsOwn) {
  const std::vector<Prompt> wave = {prompt({5, 9, 6, 1}, 0),
                                    prompt({5, 9, 6, 1}, 0),
                                    prompt({5, 9, 6, 1, 2, 3}, 0)};
  EXPECT_THAT(form_groups(wave, kImage),
              ElementsAre(Group{.prompts = {0, 3}, .prefix = 3}));
}

TEST(FormGroups, PrefixThatEndsInThePictureIsNone) {
  const std::vector<Prompt> wave = {prompt({5, 9, 9, 1}, 0),
                                    prompt({5, 9, 4, 1}, 0)};
  EXPECT_THAT(form_groups(wave, kImage),
              ElementsAre(Group{.prompts = {0, 2}, .prefix = 0}));
}

TEST(FormGroups, PromptsWithoutAPictureShareNothing) {
  const std::vector<Prompt> wave = {prompt({1, 2, 3}), prompt({1, 2, 3})};
  EXPECT_THAT(form_groups(wave, kImage),
              ElementsAre(Group{.prompts = {0, 1}, .prefix = 0},
                          Group{.prompts = {1, 2}, .prefix = 0}));
}

TEST(PlanPrefill, SharedPrefixIsComputedOnceAndReadByAll) {
  const std::vector<Prompt> wave = {
      prompt({5, 9, 6, 1, 2}, 0), prompt({5, 9, 6, 3}, 0), prompt({7, 8}, -1)};
  const Prefill plan = plan_prefill(wave, form_groups(wave, kImage));
  EXPECT_THAT(
      plan.prefixes,
      ElementsAre(Stretch{.sequence = 0, .begin = 0, .end = 3, .readers = 2}));
  EXPECT_THAT(plan.suffixes,
              ElementsAre(Stretch{.sequence = 0, .begin = 3, .end = 5},
                          Stretch{.sequence = 1, .begin = 3, .end = 4},
                          Stretch{.sequence = 2, .begin = 0, .end = 2}));
}

TEST(Pack, HoldsItemsUpToTheBound) {
  EXPECT_THAT(pack(std::vector<std::int64_t>{4, 6, 1, 9, 2}, 10),
              ElementsAre(Range{0, 2}, Range{2, 4}, Range{4, 5}));
  EXPECT_THAT(pack(std::vector<std::int64_t>{}, 10), IsEmpty());
}

TEST(Pack, ItemBeyondTheBoundGoesAlone) {
  EXPECT_THAT(pack(std::vector<std::int64_t>{50, 1, 50, 50}, 10),
              ElementsAre(Range{0, 1}, Range{1, 2}, Range{2, 3}, Range{3, 4}));
}

// packed row, prompt, position, target
using Row = std::tuple<std::int64_t, int, std::int64_t, std::int64_t>;

std::vector<Row> rows_of(const Capture& capture) {
  std::vector<Row> rows;
  for (std::size_t i = 0; i < capture.rows.size(); ++i) {
    const CapturedRow& row = capture.rows[i];
    rows.emplace_back(capture.packed[i], row.prompt, row.position, row.target);
  }
  return rows;
}

TEST(PlanPass, TokenIsReadFromTheRowBeforeIt) {
  std::vector<Prompt> wave = {prompt({1, 2, 3}), prompt({4, 5})};
  wave[0].wanted = {1, 0, 1};
  wave[1].wanted = {1, 1};
  const PrefillPass pass =
      plan_pass(wave, plan_prefill(wave, form_groups(wave, kImage)).suffixes);
  EXPECT_THAT(pass.ids, ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(rows_of(pass.wanted),
              ElementsAre(Row{1, 0, 2, 3}, Row{3, 1, 1, 5}));
  EXPECT_THAT(pass.finishing, ElementsAre(0, 1));
  EXPECT_THAT(pass.last_rows, ElementsAre(2, 4));
}

// Within a prefix all readers predict the same token, at its end each its own.
TEST(PlanPass, SharedRowIsCapturedOnceAndTheLastForEachReader) {
  std::vector<Prompt> wave = {prompt({5, 9, 6, 1, 2}, 0),
                              prompt({5, 9, 6, 3}, 0)};
  wave[0].wanted.assign(5, 1);
  wave[1].wanted.assign(4, 1);
  const Prefill plan = plan_prefill(wave, form_groups(wave, kImage));
  const PrefillPass prefix = plan_pass(wave, plan.prefixes);
  EXPECT_THAT(rows_of(prefix.wanted),
              ElementsAre(Row{0, 0, 1, 9}, Row{1, 0, 2, 6}, Row{2, 0, 3, 1},
                          Row{2, 1, 3, 3}));
  EXPECT_THAT(prefix.finishing, IsEmpty());
  const PrefillPass suffix = plan_pass(wave, plan.suffixes);
  EXPECT_THAT(rows_of(suffix.wanted), ElementsAre(Row{0, 0, 4, 2}));
  EXPECT_THAT(suffix.last_rows, ElementsAre(1, 2));
}

}  // namespace
}  // namespace lens::engine
