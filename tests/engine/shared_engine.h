#pragma once

#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "engine/engine.h"
#include "model/open_model.h"
#include "tests/collective/thread_collective.h"
#include "tests/engine/recording_sink.h"
#include "tests/model/golden.h"
#include "tests/model/tiny_checkpoint.h"

// One question list to a model that one or several ranks hold.
namespace lens::engine {

struct Outcome {
  std::vector<Generation> generations;
  RecordingSink sink;
};

// A model of each family: the first of its two goldens.
inline constexpr int kPlain = 0;
inline constexpr int kWindowed = 2;

// Two pictures, three questions, of which two share a prefix.
inline Outcome ask(int golden, at::ScalarType dtype,
                   const model::Ranks& ranks = {}) {
  const model::Golden first(golden);
  const model::Golden second(golden + 1);
  const Engine engine(
      model::open_model(first.checkpoint(), dtype, at::kCPU, ranks), {});
  const std::vector<Picture> pictures = {first.picture(), second.picture()};
  std::vector<Prompt> prompts = {first.prompt(0), second.prompt(1),
                                 second.prompt(1)};
  prompts[2].ids.erase(prompts[2].ids.end() - 12, prompts[2].ids.end() - 6);
  for (Prompt& prompt : prompts) prompt.wanted.assign(prompt.ids.size(), 1);
  GenerateOptions options;
  options.max_new_tokens = 8;
  options.end_ids = {588, 586};
  options.repetition_penalty = 1.05;
  Outcome outcome;
  outcome.generations =
      engine.generate(pictures, prompts, options, &outcome.sink);
  return outcome;
}

// What each rank gives, of ranks that are threads.
inline std::vector<Outcome> ask_ranks(
    int ranks, int golden, at::ScalarType dtype,
    model::Reading reading = model::Reading::kEach) {
  std::vector<Outcome> outcomes(static_cast<std::size_t>(ranks));
  collective::as_ranks(ranks,
                       [&](const std::shared_ptr<collective::Collective>& own) {
                         outcomes[static_cast<std::size_t>(own->rank())] =
                             ask(golden, dtype, {own, reading});
                       });
  return outcomes;
}

inline void expect_equal_bits(const Outcome& one, const Outcome& other) {
  ASSERT_EQ(one.sink.size(), other.sink.size());
  for (const auto& [key, row] : one.sink.rows()) {
    EXPECT_TRUE(at::equal(one.sink.states(key.first, key.second),
                          other.sink.states(key.first, key.second)));
    const CapturedRow& twin = other.sink.row(key.first, key.second);
    EXPECT_EQ(row.target, twin.target);
    if (!row.own) continue;
    EXPECT_EQ(row.own->logsumexp, twin.own->logsumexp);
    EXPECT_EQ(row.own->target, twin.own->target);
  }
}

}  // namespace lens::engine
