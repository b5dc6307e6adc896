#include "model/sites.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros_like.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <stdexcept>

#include "model/qwen/rope.h"
#include "model/qwen/tensors.h"
#include "model/qwen/vl_model.h"
#include "model/qwen2_vl/config.h"
#include "tests/model/expect_close.h"
#include "tests/model/tiny_checkpoint.h"

namespace lens::model::qwen {
namespace {

using Kind = Site::Kind;
constexpr int kLayers = 4;
constexpr int kTokens = 7;

Config tiny_config() { return qwen2_vl::load_config(tiny_checkpoint()); }

TextWeights tiny_weights() {
  return load_text(
      {tiny_checkpoint(), tensor_table(tiny_config()), at::kFloat, at::kCPU},
      tiny_config());
}

// Without a tower: no picture is given to it.
VlModel tiny_model(const TextWeights& weights = tiny_weights()) {
  return {tiny_config(), weights, nullptr};
}

// Not the number of the slot: the two are told apart.
Owners owner(int slot) { return {.first = 40 + 2 * slot, .count = 2}; }

// kTokens of plain text in each of `sequences` slots.
Batch text_batch(int sequences) {
  Batch batch;
  batch.positions.resize(3);
  for (int slot = 0; slot < sequences; ++slot) {
    batch.segments.push_back({slot, 0, kTokens, owner(slot)});
    for (int i = 0; i < kTokens; ++i) {
      batch.ids.push_back(300 + 17 * i + 5 * slot);
      for (auto& axis : batch.positions) axis.push_back(i);
    }
  }
  return batch;
}

// The token after those of text_batch in each slot.
Batch next_batch(int sequences) {
  Batch batch;
  batch.positions.assign(3, std::vector<std::int64_t>(sequences, kTokens));
  for (int slot = 0; slot < sequences; ++slot) {
    batch.ids.push_back(411);
    batch.segments.push_back({slot, kTokens, 1, owner(slot)});
  }
  return batch;
}

struct Outputs {
  at::Tensor prefill;  // [tokens, hidden_size]
  at::Tensor decode;   // [sequences, hidden_size]
};

// A prefill of two sequences and one decode step.
Outputs run(const Model& model, Observer* observer) {
  KvCache cache(model.shape(), 2, kTokens + 1, model.options());
  std::vector<Observer*> observers;
  if (observer) observers.push_back(observer);
  Outputs outputs;
  outputs.prefill = model.forward(text_batch(2), cache, observers);
  outputs.decode = model.forward(next_batch(2), cache, observers);
  return outputs;
}

bool same_bits(const Outputs& a, const Outputs& b) {
  return at::equal(a.prefill, b.prefill) && at::equal(a.decode, b.decode);
}

// Remembers what passes at each site, and what it was asked.
class Recorder : public Observer {
 public:
  bool wants(Site site) const override {
    ++asked_[key(site)];
    return true;
  }
  void visit(Site site, const Rows& rows, at::Tensor& value) override {
    seen_[key(site)].push_back(value.clone());
    rows_[key(site)].push_back(list_rows(rows));
  }

  const std::vector<at::Tensor>& seen(Kind kind, int layer) const {
    static const std::vector<at::Tensor> kNothing;
    const auto found = seen_.find(key({kind, layer}));
    return found == seen_.end() ? kNothing : found->second;
  }
  // Of each call.
  const std::vector<std::vector<Row>>& rows(Kind kind, int layer) const {
    return rows_.at(key({kind, layer}));
  }
  const auto& asked() const { return asked_; }
  std::size_t sites_seen() const { return seen_.size(); }

 private:
  static std::pair<int, int> key(Site site) {
    return {static_cast<int>(site.kind), site.layer};
  }

  mutable std::map<std::pair<int, int>, int> asked_;
  std::map<std::pair<int, int>, std::vector<at::Tensor>> seen_;
  std::map<std::pair<int, int>, std::vector<std::vector<Row>>> rows_;
};

// Puts what `change` makes of the value in its place, at one site.
class Editor : public Observer {
 public:
  using Change = std::function<at::Tensor(const at::Tensor&)>;
  Editor(Site site, Change change) : site_(site), change_(std::move(change)) {}

  bool wants(Site site) const override { return site == site_; }
  void visit(Site, const Rows&, at::Tensor& value) override {
    value = change_(value);
  }

 private:
  Site site_;
  Change change_;
};

class WantsNothing : public Observer {
 public:
  bool wants(Site) const override { return false; }
  void visit(Site, const Rows&, at::Tensor&) override {
    ADD_FAILURE() << "was not asked for";
  }
};

TEST(Sites, EachIsVisitedOnceAPassWithItsShape) {
  const VlModel model = tiny_model();
  const Shape& shape = model.shape();
  Recorder recorder;
  run(model, &recorder);
  const auto expect = [&](Kind kind, int layer, std::int64_t width) {
    const auto& seen = recorder.seen(kind, layer);
    ASSERT_EQ(seen.size(), 2u) << static_cast<int>(kind) << " " << layer;
    EXPECT_EQ(seen[0].sizes(), (std::vector<std::int64_t>{2 * kTokens, width}));
    EXPECT_EQ(seen[1].sizes(), (std::vector<std::int64_t>{2, width}));
  };
  for (int layer = 0; layer < kLayers; ++layer) {
    expect(Kind::kResidual, layer, shape.hidden_size);
    expect(Kind::kAttentionOutput, layer, shape.hidden_size);
    expect(Kind::kMlpHidden, layer, shape.mlp_size);
    expect(Kind::kMlpOutput, layer, shape.hidden_size);
    const auto& last = recorder.seen(Kind::kLastAttention, layer);
    ASSERT_EQ(last.size(), 2u);
    EXPECT_EQ(last[0].sizes(),
              (std::vector<std::int64_t>{2, shape.num_heads, kTokens}));
    EXPECT_EQ(last[1].sizes(),
              (std::vector<std::int64_t>{2, shape.num_heads, kTokens + 1}));
    // One call for each sequence.
    const auto& weights = recorder.seen(Kind::kAttentionWeights, layer);
    ASSERT_EQ(weights.size(), 4u);
    EXPECT_EQ(weights[1].sizes(),
              (std::vector<std::int64_t>{shape.num_heads, kTokens, kTokens}));
    EXPECT_EQ(weights[3].sizes(),
              (std::vector<std::int64_t>{shape.num_heads, 1, kTokens + 1}));
  }
  expect(Kind::kResidual, kLayers, shape.hidden_size);
  expect(Kind::kHeadInput, kLayers, shape.hidden_size);
  EXPECT_EQ(recorder.sites_seen(), 6u * kLayers + 2u);
  for (const auto& [site, times] : recorder.asked()) {
    EXPECT_EQ(times, 2) << "once a pass";
  }
  EXPECT_EQ(recorder.asked().size(), recorder.sites_seen());
}

// The tokens of text_batch and next_batch, as an observer is told of them.
std::vector<Row> rows_of(int slot, std::int64_t from, std::int64_t to) {
  std::vector<Row> rows;
  for (std::int64_t at = from; at < to; ++at) {
    rows.push_back(
        {owner(slot), at, at == kTokens ? 411 : 300 + 17 * at + 5 * slot});
  }
  return rows;
}

std::vector<Row> operator+(std::vector<Row> a, const std::vector<Row>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST(Sites, EachTellsOfEveryRowWhoseItIs) {
  const VlModel model = tiny_model();
  Recorder recorder;
  run(model, &recorder);
  for (const auto& [kind_and_layer, times] : recorder.asked()) {
    const auto& [kind, layer] = kind_and_layer;
    const auto& rows = recorder.rows(static_cast<Kind>(kind), layer);
    if (static_cast<Kind>(kind) == Kind::kAttentionWeights) {
      EXPECT_THAT(rows, ::testing::ElementsAre(
                            rows_of(0, 0, kTokens), rows_of(1, 0, kTokens),
                            rows_of(0, kTokens, kTokens + 1),
                            rows_of(1, kTokens, kTokens + 1)));
      continue;
    }
    if (static_cast<Kind>(kind) == Kind::kLastAttention) {
      EXPECT_THAT(rows,
                  ::testing::ElementsAre(rows_of(0, kTokens - 1, kTokens) +
                                             rows_of(1, kTokens - 1, kTokens),
                                         rows_of(0, kTokens, kTokens + 1) +
                                             rows_of(1, kTokens, kTokens + 1)));
      continue;
    }
    EXPECT_THAT(rows, ::testing::ElementsAre(
                          rows_of(0, 0, kTokens) + rows_of(1, 0, kTokens),
                          rows_of(0, kTokens, kTokens + 1) +
                              rows_of(1, kTokens, kTokens + 1)))
        << kind << " " << layer;
  }
}

// More queries than are shown at a time.
TEST(Sites, AttentionWeightsTellTheRowsOfEachBlock) {
  const VlModel model = tiny_model();
  constexpr int kLong = 300;
  Batch batch;
  batch.positions.resize(3);
  batch.segments = {{.slot = 0, .past = 0, .length = 1, .owners = {0, 1}},
                    {.slot = 1, .past = 0, .length = kLong, .owners = {1, 1}}};
  for (int i = 0; i < 1 + kLong; ++i) {
    batch.ids.push_back(300 + i % 100);
    for (auto& axis : batch.positions) axis.push_back(i == 0 ? 0 : i - 1);
  }
  KvCache cache(model.shape(), 2, kLong, model.options());
  Recorder recorder;
  Observer* const observers[] = {&recorder};
  model.forward(batch, cache, observers);
  std::vector<Row> told;
  for (const auto& rows : recorder.rows(Kind::kAttentionWeights, 0)) {
    EXPECT_LT(rows.size(), static_cast<std::size_t>(kLong));
    told = told + rows;
  }
  EXPECT_EQ(told, recorder.rows(Kind::kResidual, 0)[0]);
  EXPECT_EQ(told.back(), (Row{{1, 1}, kLong - 1, batch.ids.back()}));
}

at::Tensor normed(const at::Tensor& x, const at::Tensor& weight) {
  return weight * x / (x.pow(2).mean(-1, true) + 1e-6).sqrt();
}

// What one layer adds, from its weights and what enters it.
TEST(Sites, ValuesOfALayerAreThoseOfItsWeights) {
  constexpr int kLayer = 1;
  const Config config = tiny_config();
  const TextWeights weights = tiny_weights();
  const DecoderLayerWeights& layer = weights.layers[kLayer];
  Recorder recorder;
  run(tiny_model(weights), &recorder);
  const auto seen = [&](Kind kind, int at_layer) {
    return recorder.seen(kind, at_layer)[0].narrow(0, kTokens, kTokens);
  };
  const at::Tensor entering = seen(Kind::kResidual, kLayer);

  // Attention of the second sequence, head by head.
  const int head_dim = config.text.head_dim();
  const at::Tensor x = normed(entering, layer.input_norm);
  const at::Tensor place = at::arange(kTokens, at::kLong);
  const Rotation rotation = text_rotation(
      place.expand({3, kTokens}), text_frequencies(config.text), config.text);
  const auto heads = [&](const LinearWeights& linear, int count) {
    return at::linear(x, linear.weight, linear.bias)
        .view({kTokens, count, head_dim});
  };
  const at::Tensor q = rotate(heads(layer.q, config.text.num_heads), rotation);
  const at::Tensor k =
      rotate(heads(layer.k, config.text.num_kv_heads), rotation);
  const at::Tensor v = heads(layer.v, config.text.num_kv_heads);
  const at::Tensor& shown = recorder.seen(Kind::kAttentionWeights, kLayer)[1];
  at::Tensor mixed = at::full({kTokens, config.text.num_heads, head_dim}, 0.0);
  const at::Tensor later = place.unsqueeze(0) > place.unsqueeze(1);
  for (int head = 0; head < config.text.num_heads; ++head) {
    const int group = head / (config.text.num_heads / config.text.num_kv_heads);
    const at::Tensor score =
        at::matmul(q.select(1, head), k.select(1, group).t()) /
        std::sqrt(static_cast<double>(head_dim));
    const at::Tensor share = at::softmax(
        score.masked_fill(later, -std::numeric_limits<float>::infinity()), -1);
    expect_close(shown[head], share);
    mixed.select(1, head).copy_(at::matmul(share, v.select(1, group)));
  }
  const at::Tensor attention = at::linear(
      mixed.view({kTokens, config.text.hidden_size}), layer.o.weight);
  expect_close(seen(Kind::kAttentionOutput, kLayer), attention);

  const at::Tensor between = entering + attention;
  const at::Tensor y = normed(between, layer.post_attention_norm);
  const at::Tensor gate = at::linear(y, layer.gate.weight);
  const at::Tensor units =
      gate * at::sigmoid(gate) * at::linear(y, layer.up.weight);
  expect_close(seen(Kind::kMlpHidden, kLayer), units);
  const at::Tensor added = at::linear(units, layer.down.weight);
  expect_close(seen(Kind::kMlpOutput, kLayer), added);
  expect_close(seen(Kind::kResidual, kLayer + 1), between + added);
  expect_close(seen(Kind::kHeadInput, kLayers),
               normed(seen(Kind::kResidual, kLayers), weights.norm));
}

TEST(Sites, LastAttentionIsTheLastRowOfTheWeights) {
  const VlModel model = tiny_model();
  Recorder recorder;
  run(model, &recorder);
  for (int layer = 0; layer < kLayers; ++layer) {
    const auto& weights = recorder.seen(Kind::kAttentionWeights, layer);
    for (int pass = 0; pass < 2; ++pass) {
      const at::Tensor& last = recorder.seen(Kind::kLastAttention, layer)[pass];
      for (int slot = 0; slot < 2; ++slot) {
        const at::Tensor& all = weights[2 * pass + slot];
        expect_close(last[slot], all.select(1, all.size(1) - 1));
      }
    }
  }
}

TEST(Sites, WhoOnlyLooksChangesNoBit) {
  const VlModel model = tiny_model();
  const Outputs plain = run(model, nullptr);
  WantsNothing nothing;
  EXPECT_TRUE(same_bits(run(model, &nothing), plain));
  Recorder everything;
  EXPECT_TRUE(same_bits(run(model, &everything), plain));
}

// The states that a changed site leads to, against a model whose weights say
// the same.
TEST(Sites, MlpUnitsOfZeroAreAModelWithoutThatMatrix) {
  const VlModel model = tiny_model();
  TextWeights without = tiny_weights();
  at::Tensor& down = without.layers[2].down.weight;
  down = at::zeros_like(down);
  const Outputs expected = run(tiny_model(without), nullptr);
  const auto zeros = [](const at::Tensor& value) {
    return at::zeros_like(value);
  };
  for (const Kind kind : {Kind::kMlpHidden, Kind::kMlpOutput}) {
    Editor editor({kind, 2}, zeros);
    EXPECT_TRUE(same_bits(run(model, &editor), expected));
  }
  EXPECT_FALSE(same_bits(run(model, nullptr), expected));
}

TEST(Sites, AttentionThatTakesNothingIsAModelWithoutItsOutput) {
  const VlModel model = tiny_model();
  TextWeights without = tiny_weights();
  at::Tensor& output = without.layers[1].o.weight;
  output = at::zeros_like(output);
  const Outputs expected = run(tiny_model(without), nullptr);
  const auto zeros = [](const at::Tensor& value) {
    return at::zeros_like(value);
  };
  for (const Kind kind : {Kind::kAttentionWeights, Kind::kAttentionOutput}) {
    Editor editor({kind, 1}, zeros);
    EXPECT_TRUE(same_bits(run(model, &editor), expected));
  }
}

// The slow way to the same attention.
TEST(Sites, WeightsPutBackGiveTheSameAttentionToRounding) {
  const VlModel model = tiny_model();
  const Outputs plain = run(model, nullptr);
  Editor editor({Kind::kAttentionWeights, 1},
                [](const at::Tensor& value) { return value.clone(); });
  const Outputs slow = run(model, &editor);
  expect_close(slow.prefill, plain.prefill);
  expect_close(slow.decode, plain.decode);
}

TEST(Sites, ResidualThatIsReplacedIsWhatTheLayerReads) {
  const VlModel model = tiny_model();
  Recorder recorder;
  run(model, &recorder);
  const Outputs plain = run(model, nullptr);
  // What was seen there, put there.
  const at::Tensor last = recorder.seen(Kind::kResidual, kLayers)[0];
  Editor back({Kind::kResidual, kLayers}, [&](const at::Tensor& value) {
    return value.size(0) == last.size(0) ? last : value;
  });
  EXPECT_TRUE(same_bits(run(model, &back), plain));
  Editor zeros({Kind::kResidual, kLayers},
               [](const at::Tensor& value) { return at::zeros_like(value); });
  EXPECT_EQ(run(model, &zeros).prefill.abs().max().item<float>(), 0);
}

TEST(Sites, ReplacementOfAnotherShapeIsRefused) {
  const VlModel model = tiny_model();
  Editor shorter({Kind::kMlpHidden, 0},
                 [](const at::Tensor& value) { return value.narrow(0, 0, 1); });
  EXPECT_THROW(run(model, &shorter), std::logic_error);
  Editor narrow({Kind::kMlpHidden, 0}, [](const at::Tensor& value) {
    return value.to(at::kBFloat16);
  });
  EXPECT_THROW(run(model, &narrow), std::logic_error);
}

TEST(Sites, LaterObserversSeeWhatEarlierOnesPut) {
  const VlModel model = tiny_model();
  Editor editor({Kind::kMlpOutput, 0},
                [](const at::Tensor& value) { return at::zeros_like(value); });
  Recorder recorder;
  KvCache cache(model.shape(), 1, kTokens, model.options());
  Observer* const observers[] = {&editor, &recorder};
  model.forward(text_batch(1), cache, observers);
  EXPECT_EQ(recorder.seen(Kind::kMlpOutput, 0)[0].abs().max().item<float>(), 0);
  EXPECT_GT(recorder.seen(Kind::kMlpOutput, 1)[0].abs().max().item<float>(), 0);
}

}  // namespace
}  // namespace lens::model::qwen
