#include "engine/engine.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/mv.h>
#include <ATen/ops/stack.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "tests/engine/recording_sink.h"
#include "tests/engine/tiny_engine.h"
#include "tests/model/expect_close.h"
#include "tests/model/golden.h"

namespace lens::engine {
namespace {

using model::expect_close;
using model::Golden;

GenerateOptions golden_options() {
  GenerateOptions options;
  options.max_new_tokens = 8;
  options.end_ids = {588, 586};
  return options;
}

class EngineGolden : public ::testing::TestWithParam<int> {};

TEST_P(EngineGolden, StatesAndAnswerEqualTransformers) {
  const Golden golden(GetParam());
  const Engine engine(
      model::open_model(golden.checkpoint(), at::kFloat, at::kCPU), {});
  const std::vector<Picture> pictures = {golden.picture()};
  std::vector<Prompt> prompts = {golden.prompt(0)};
  prompts[0].wanted.assign(prompts[0].ids.size(), 1);
  RecordingSink sink;
  const auto results =
      engine.generate(pictures, prompts, golden_options(), &sink);
  EXPECT_EQ(results[0].ids, golden.integers("generated_ids"));

  const auto length = static_cast<std::int64_t>(prompts[0].ids.size());
  const at::Tensor prefill = golden["hidden_states"];  // [state, token, hidden]
  for (std::int64_t position = 1; position <= length; ++position) {
    expect_close(sink.states(0, position), prefill.select(1, position - 1));
  }
  const at::Tensor steps = golden["step_states"];  // [step, state, hidden]
  for (std::int64_t step = 0; step < steps.size(0); ++step) {
    expect_close(sink.states(0, length + step), steps[step]);
    EXPECT_EQ(sink.row(0, length + step).target, results[0].ids[step]);
    EXPECT_NEAR(sink.row(0, length + step).own->target,
                golden["step_logits"][step].max().item<float>(), 1e-4);
  }
  EXPECT_EQ(sink.size(), static_cast<std::size_t>(length - 1 + steps.size(0)));
}

INSTANTIATE_TEST_SUITE_P(Cases, EngineGolden, ::testing::Values(0, 1, 2, 3));

// Both goldens in one wave, several prompts a picture, uneven lengths.
TEST(Engine, BatchedAnswersEqualTransformers) {
  const Golden first(0);
  const Golden second(1);
  const Engine engine = tiny_engine();
  const std::vector<Picture> pictures = {first.picture(), second.picture()};
  Prompt shorter = second.prompt(1);
  shorter.ids.erase(shorter.ids.end() - 12, shorter.ids.end() - 6);
  const std::vector<Prompt> prompts = {first.prompt(0), second.prompt(1),
                                       shorter, second.prompt(1)};
  RecordingSink sink;
  const auto results =
      engine.generate(pictures, prompts, golden_options(), &sink);
  EXPECT_EQ(results[0].ids, first.integers("generated_ids"));
  EXPECT_EQ(results[1].ids, second.integers("generated_ids"));
  EXPECT_EQ(results[3].ids, second.integers("generated_ids"));
  EXPECT_EQ(results[1].shared_with, 1);
  EXPECT_EQ(results[2].shared_with, 1);
  EXPECT_GT(results[2].shared_length, 0);
  const at::Tensor steps = second["step_states"];
  const auto length = static_cast<std::int64_t>(prompts[3].ids.size());
  for (std::int64_t step = 0; step < steps.size(0); ++step) {
    expect_close(sink.states(3, length + step), steps[step]);
  }
}

// The last of the wave moves into the slot that the first one leaves.
TEST(Engine, SequenceWithoutNumbersEndsAndTheOthersDoNotNotice) {
  const Golden first(0);
  const Golden second(1);
  const Engine engine = tiny_engine();
  for (const bool longer_first : {true, false}) {
    const Golden& broken = longer_first ? second : first;
    const Golden& sound = longer_first ? first : second;
    Picture nothing = broken.picture();
    nothing.patches = [patches = nothing.patches] {
      return at::full_like(patches(), std::nan(""));
    };
    const std::vector<Picture> pictures = {nothing, sound.picture()};
    const std::vector<Prompt> prompts = {broken.prompt(0), sound.prompt(1),
                                         sound.prompt(1)};
    RecordingSink sink;
    const auto results =
        engine.generate(pictures, prompts, golden_options(), &sink);
    EXPECT_FALSE(results[0].finite);
    EXPECT_EQ(results[0].ids.size(), 1u);
    for (const int other : {1, 2}) {
      EXPECT_TRUE(results[other].finite);
      EXPECT_EQ(results[other].ids, sound.integers("generated_ids"));
    }
  }
}

TEST(Engine, SharedPrefixRowsAreCapturedOnceAndTheRestForEach) {
  const Golden golden(1);
  const Engine engine = tiny_engine();
  const std::vector<Picture> pictures = {golden.picture()};
  Prompt one = golden.prompt(0);
  Prompt two = golden.prompt(0);
  two.ids[two.ids.size() - 10] = 300;
  one.wanted.assign(one.ids.size(), 1);
  two.wanted = one.wanted;
  const std::vector<Prompt> prompts = {one, two};
  RecordingSink sink;
  const auto results =
      engine.generate(pictures, prompts, golden_options(), &sink);
  const std::int64_t shared = results[1].shared_length;
  EXPECT_EQ(shared, static_cast<std::int64_t>(two.ids.size()) - 10);
  EXPECT_TRUE(sink.has(0, shared - 1));
  EXPECT_FALSE(sink.has(1, shared - 1));
  // Read from the last shared state, but each predicts its own token.
  EXPECT_EQ(sink.row(0, shared).target, one.ids[shared]);
  EXPECT_EQ(sink.row(1, shared).target, 300);
  EXPECT_TRUE(sink.has(1, static_cast<std::int64_t>(two.ids.size()) - 1));
}

// The schedule decides how work is packed, never what is computed.
TEST(Engine, AnswersDoNotDependOnTheSchedule) {
  const Golden first(0);
  const Golden second(1);
  const std::vector<Picture> pictures = {first.picture(), second.picture()};
  Prompt other = second.prompt(1);
  other.ids[other.ids.size() - 8] = 401;
  const std::vector<Prompt> prompts = {first.prompt(0), second.prompt(1),
                                       other};
  const auto answers = [&](Schedule schedule) {
    const Engine engine = tiny_engine(at::kFloat, schedule);
    std::vector<std::vector<std::int64_t>> ids;
    for (const Generation& result :
         engine.generate(pictures, prompts, golden_options(), nullptr)) {
      ids.push_back(result.ids);
    }
    return ids;
  };
  const auto expected = answers({});
  Schedule one_by_one;
  one_by_one.max_slots = 1;
  EXPECT_EQ(answers(one_by_one), expected);
  Schedule small_passes;
  small_passes.max_prefill_tokens = 16;
  small_passes.max_vision_patches = 1;
  EXPECT_EQ(answers(small_passes), expected);
  Schedule little_cache;
  little_cache.kv_bytes = 1;
  EXPECT_EQ(answers(little_cache), expected);
}

TEST(Engine, EndTokenStopsASequenceAndIsItsLastId) {
  const Golden golden(0);
  const Engine engine = tiny_engine();
  const std::vector<Picture> pictures = {golden.picture()};
  const std::vector<Prompt> prompts = {golden.prompt(0)};
  const std::vector<std::int64_t> full = golden.integers("generated_ids");
  GenerateOptions options = golden_options();
  options.end_ids = {full[3]};
  const auto results = engine.generate(pictures, prompts, options, nullptr);
  EXPECT_TRUE(results[0].ended);
  EXPECT_EQ(results[0].ids,
            std::vector<std::int64_t>(full.begin(), full.begin() + 4));
}

TEST(Engine, RepetitionPenaltyChangesTheChoiceButNotTheRows) {
  const Golden golden(1);
  const Engine engine = tiny_engine();
  const std::vector<Picture> pictures = {golden.picture()};
  const std::vector<Prompt> prompts = {golden.prompt(0)};
  GenerateOptions options = golden_options();
  options.repetition_penalty = 1.8;
  RecordingSink sink;
  const auto results = engine.generate(pictures, prompts, options, &sink);
  EXPECT_NE(results[0].ids, golden.integers("generated_ids"));
  const auto length = static_cast<std::int64_t>(prompts[0].ids.size());
  const std::int64_t chosen = sink.row(0, length).target;
  EXPECT_NEAR(sink.row(0, length).own->target,
              golden["prefill_logits"][chosen].item<float>(), 1e-4);
}

// RepetitionPenaltyLogitsProcessor: score * penalty below zero, else divided.
TEST(Engine, PenaltyIsAppliedAsTransformersDoes) {
  const Golden golden(1);
  const Engine engine = tiny_engine();
  const std::vector<Picture> pictures = {golden.picture()};
  const std::vector<Prompt> prompts = {golden.prompt(0)};
  const at::Tensor logits = golden["prefill_logits"];
  for (const double penalty : {0.7, 1.05, 1.3, 3.0}) {
    at::Tensor scores = logits.clone();
    for (const std::int64_t id : prompts[0].ids) {
      const float score = logits[id].item<float>();
      const auto by = static_cast<float>(penalty);
      scores[id] = score < 0 ? score * by : score / by;
    }
    GenerateOptions options = golden_options();
    options.max_new_tokens = 1;
    options.repetition_penalty = penalty;
    const auto results = engine.generate(pictures, prompts, options, nullptr);
    EXPECT_EQ(results[0].ids[0], scores.argmax().item<std::int64_t>());
  }
}

TEST(Engine, Bfloat16StaysNearFloat32) {
  const Golden golden(0);
  const Engine engine = tiny_engine(at::kBFloat16);
  const std::vector<Picture> pictures = {golden.picture()};
  const std::vector<Prompt> prompts = {golden.prompt(0)};
  RecordingSink sink;
  engine.generate(pictures, prompts, golden_options(), &sink);
  const auto length = static_cast<std::int64_t>(prompts[0].ids.size());
  expect_close(sink.states(0, length).to(at::kFloat), golden["step_states"][0],
               0.05);
}

// Doubles what one layer's MLP adds.
class DoublesMlp : public model::Observer {
 public:
  explicit DoublesMlp(int layer) : layer_(layer) {}
  bool wants(model::Site site) const override {
    return site == model::Site{model::Site::Kind::kMlpOutput, layer_};
  }
  void visit(model::Site, const model::Rows&, at::Tensor& value) override {
    value = 2 * value;
  }

 private:
  int layer_;
};

TEST(Engine, RowsHoldWhatAnObserverHasChanged) {
  const Golden golden(0);
  const Engine engine = tiny_engine();
  const std::vector<Picture> pictures = {golden.picture()};
  const std::vector<Prompt> prompts = {golden.prompt(0)};
  const auto length = static_cast<std::int64_t>(prompts[0].ids.size());
  GenerateOptions options = golden_options();
  options.max_new_tokens = 2;
  DoublesMlp observer(1);
  options.observer = &observer;
  RecordingSink sink;
  const auto results = engine.generate(pictures, prompts, options, &sink);
  const at::Tensor plain = golden["step_states"][0];  // [state, hidden]
  const at::Tensor changed = sink.states(0, length);
  expect_close(changed[1], plain[1]);
  for (const int state : {2, 3, 4}) {
    EXPECT_FALSE(at::allclose(changed[state], plain[state], 1e-3)) << state;
  }
  // The token was chosen by the changed states.
  const at::Tensor logits =
      at::mv(engine.model().head().weight, changed.select(0, 4));
  EXPECT_EQ(results[0].ids[0], logits.argmax().item<std::int64_t>());
  EXPECT_NEAR(sink.row(0, length).own->target, logits.max().item<float>(),
              1e-4);
}

TEST(Engine, CancelStopsBetweenPasses) {
  const Golden golden(0);
  const Engine engine = tiny_engine();
  const std::vector<Picture> pictures = {golden.picture()};
  const std::vector<Prompt> prompts = {golden.prompt(0)};
  GenerateOptions options = golden_options();
  int asked = 0;
  options.cancelled = [&] { return ++asked > 3; };
  EXPECT_THROW(engine.generate(pictures, prompts, options, nullptr), Cancelled);
}

TEST(Engine, PromptWithoutAnImageIsPlainText) {
  const Engine engine = tiny_engine();
  const std::vector<Prompt> prompts = {
      {.ids = {587, 492, 198, 505}, .picture = -1, .wanted = {}}};
  const auto results = engine.generate({}, prompts, golden_options(), nullptr);
  EXPECT_FALSE(results[0].ids.empty());
}

}  // namespace
}  // namespace lens::engine
