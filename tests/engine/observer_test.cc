#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "engine/engine.h"
#include "model/sites.h"
#include "tests/engine/recording_sink.h"
#include "tests/engine/tiny_engine.h"
#include "tests/model/expect_close.h"
#include "tests/model/golden.h"

// What an observer is told of the rows of packed prompts, and that a change of
// one prompt's rows stays with it.
namespace lens::engine {
namespace {

using Kind = model::Site::Kind;
using model::expect_close;
using model::Golden;
using model::Row;
using model::Rows;
using model::Site;

constexpr int kLayers = 4;
constexpr int kNewTokens = 4;

// Two prompts of one picture that differ near their end, one of another, one
// of text: uneven lengths, in one wave.
struct Prompts {
  Golden first{0};
  Golden second{1};
  std::vector<Picture> pictures = {first.picture(), second.picture()};
  std::vector<Prompt> prompts = {first.prompt(0), second.prompt(1),
                                 second.prompt(1)};

  Prompts() {
    prompts[2].ids[prompts[2].ids.size() - 8] = 401;
    prompts.push_back(
        {.ids = {587, 492, 198, 505}, .picture = -1, .wanted = {}});
    for (Prompt& prompt : prompts) prompt.wanted.assign(prompt.ids.size(), 1);
  }
};

// All prompts run to their last token: a pass then holds the same rows whatever
// an observer changes.
GenerateOptions full_length() {
  GenerateOptions options;
  options.max_new_tokens = kNewTokens;
  return options;
}

// The row `index` of a site's value.
at::Tensor row_of(Site site, const at::Tensor& value, std::size_t index) {
  return value.select(site.kind == Kind::kAttentionWeights ? 1 : 0,
                      static_cast<std::int64_t>(index));
}

// Remembers each row of each site by its prompt and its place there.
class RowRecorder : public model::Observer {
 public:
  using Key = std::tuple<int, int, int, std::int64_t>;

  // As if each prompt had come with the number `first` more than it has.
  explicit RowRecorder(int first = 0) : first_(first) {}

  // The last token of a pass's segment depends on how prompts share it.
  bool wants(Site site) const override {
    return site.kind != Kind::kLastAttention;
  }
  void visit(Site site, const Rows& rows, at::Tensor& value) override {
    const std::vector<Row> list = model::list_rows(rows);
    ASSERT_EQ(
        row_of(site, value, 0).numel() * static_cast<std::int64_t>(list.size()),
        value.numel())
        << "a row without an owner";
    for (std::size_t i = 0; i < list.size(); ++i) {
      for (int n = 0; n < list[i].owners.count; ++n) {
        const Key key{static_cast<int>(site.kind), site.layer,
                      first_ + list[i].owners.first + n, list[i].position};
        EXPECT_FALSE(values_.contains(key)) << "shown twice";
        values_[key] = causal(site, row_of(site, value, i), list[i].position);
        ids_[key] = list[i].id;
      }
    }
  }

  void merge(RowRecorder other) {
    values_.merge(other.values_);
    ids_.merge(other.ids_);
  }
  const std::map<Key, at::Tensor>& values() const { return values_; }
  const std::map<Key, std::int64_t>& ids() const { return ids_; }

 private:
  // Later keys, of which the row takes nothing, are as many as its pass has.
  static at::Tensor causal(Site site, const at::Tensor& row,
                           std::int64_t position) {
    if (site.kind != Kind::kAttentionWeights) return row.clone();
    const std::int64_t keys = row.size(1);
    EXPECT_FALSE(
        row.narrow(1, position + 1, keys - position - 1).any().item<bool>());
    return row.narrow(1, 0, position + 1).clone();
  }

  const int first_;
  std::map<Key, at::Tensor> values_;
  std::map<Key, std::int64_t> ids_;
};

TEST(Observer, RowsOfAPackAreThoseOfEachPromptAlone) {
  const Prompts given;
  const Engine engine = tiny_engine();
  GenerateOptions options = full_length();
  // The first ends before the others: the last moves into its slot.
  options.end_ids = {
      engine.generate(given.pictures, given.prompts, options, nullptr)[0]
          .ids[1]};
  RowRecorder alone;
  std::vector<std::vector<std::int64_t>> sequences;
  for (std::size_t i = 0; i < given.prompts.size(); ++i) {
    RowRecorder one(static_cast<int>(i));
    options.observer = &one;
    const auto results =
        engine.generate(given.pictures, std::span(given.prompts).subspan(i, 1),
                        options, nullptr);
    alone.merge(std::move(one));
    sequences.push_back(given.prompts[i].ids);
    sequences.back().insert(sequences.back().end(), results[0].ids.begin(),
                            results[0].ids.end());
  }
  Schedule small_passes;
  small_passes.max_prefill_tokens = 16;
  Schedule two_slots;
  two_slots.max_slots = 2;
  for (const Schedule& schedule : {Schedule(), small_passes, two_slots}) {
    RowRecorder packed;
    options.observer = &packed;
    const auto results =
        tiny_engine(at::kFloat, schedule)
            .generate(given.pictures, given.prompts, options, nullptr);
    EXPECT_LT(results[0].ids.size(), results[1].ids.size());
    EXPECT_EQ(packed.ids(), alone.ids());
    ASSERT_EQ(packed.values().size(), alone.values().size());
    for (const auto& [key, value] : alone.values()) {
      expect_close(packed.values().at(key), value, 1e-4);
    }
  }
  // Every token but the last, which no pass has read.
  for (const auto& [key, id] : alone.ids()) {
    EXPECT_EQ(id, sequences[std::get<2>(key)][std::get<3>(key)]);
  }
  std::size_t tokens = 0;
  for (const auto& ids : sequences) tokens += ids.size() - 1;
  EXPECT_EQ(alone.ids().size(), tokens * (5 * kLayers + 2));
}

TEST(Observer, RowOfASharedPrefixIsOfAllThatShareIt) {
  const Prompts given;
  const Engine engine = tiny_engine();
  struct Sharing : model::Observer {
    bool wants(Site site) const override {
      return site == Site{Kind::kResidual, 0};
    }
    void visit(Site, const Rows& rows, at::Tensor&) override {
      for (const Row& row : model::list_rows(rows)) {
        if (row.owners.count > 1) {
          EXPECT_EQ(row.owners, (model::Owners{1, 2}));
          ++shared;
        }
      }
    }
    std::int64_t shared = 0;
  } sharing;
  GenerateOptions options = full_length();
  options.observer = &sharing;
  const auto results =
      engine.generate(given.pictures, given.prompts, options, nullptr);
  EXPECT_GT(results[2].shared_length, 0);
  EXPECT_EQ(sharing.shared, results[2].shared_length);
  sharing.shared = 0;
  options.share_prefixes = false;
  const auto apart =
      engine.generate(given.pictures, given.prompts, options, nullptr);
  EXPECT_EQ(apart[2].shared_length, 0);
  EXPECT_EQ(sharing.shared, 0);
  EXPECT_EQ(apart[2].ids, results[2].ids);
}

// Puts zeros at one site in the rows of one prompt.
class Ablates : public model::Observer {
 public:
  Ablates(Site site, int prompt) : site_(site), prompt_(prompt) {}

  bool wants(Site site) const override { return site == site_; }
  void visit(Site site, const Rows& rows, at::Tensor& value) override {
    const std::vector<Row> list = model::list_rows(rows);
    at::Tensor changed;
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (!list[i].owners.has(prompt_)) continue;
      if (!changed.defined()) changed = value.clone();
      row_of(site, changed, i).zero_();
    }
    if (changed.defined()) value = changed;
  }

 private:
  Site site_;
  int prompt_;
};

class AblatedSite : public ::testing::TestWithParam<Site> {};

TEST_P(AblatedSite, OfOnePromptLeavesEveryBitOfTheOthers) {
  constexpr int kChanged = 1;
  const Prompts given;
  const Engine engine = tiny_engine();
  const auto run = [&](std::span<const Prompt> prompts,
                       model::Observer* observer, RecordingSink* sink) {
    GenerateOptions options = full_length();
    options.observer = observer;
    options.share_prefixes = false;
    return engine.generate(given.pictures, prompts, options, sink);
  };
  RecordingSink plain;
  const auto expected = run(given.prompts, nullptr, &plain);
  RecordingSink ablated;
  Ablates observer(GetParam(), kChanged);
  const auto results = run(given.prompts, &observer, &ablated);
  RecordingSink alone;
  Ablates observer_alone(GetParam(), 0);
  const auto result_alone = run(std::span(given.prompts).subspan(kChanged, 1),
                                &observer_alone, &alone);

  ASSERT_EQ(ablated.size(), plain.size());
  for (int prompt = 0; prompt < static_cast<int>(given.prompts.size());
       ++prompt) {
    const auto length =
        static_cast<std::int64_t>(given.prompts[prompt].ids.size());
    const bool changed = prompt == kChanged;
    EXPECT_EQ(results[prompt].ids,
              changed ? result_alone[0].ids : expected[prompt].ids);
    for (std::int64_t at = 1; at < length + kNewTokens; ++at) {
      const at::Tensor states = ablated.states(prompt, at);
      EXPECT_EQ(at::equal(states, plain.states(prompt, at)), !changed)
          << "prompt " << prompt << ", token " << at;
      if (changed) expect_close(states, alone.states(0, at), 1e-4);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, AblatedSite,
    ::testing::Values(Site{Kind::kResidual, 1}, Site{Kind::kHeadInput, kLayers},
                      Site{Kind::kAttentionOutput, 1},
                      Site{Kind::kAttentionWeights, 1},
                      Site{Kind::kMlpHidden, 1}, Site{Kind::kMlpOutput, 1}),
    [](const auto& site) {
      return std::to_string(static_cast<int>(site.param.kind));
    });

}  // namespace
}  // namespace lens::engine
