#include "model/qwen/shares.h"

#include <string>
#include <utility>

#include "model/qwen/tensors.h"

namespace lens::model::qwen {
namespace {

// The key heads that the rank's query heads read.
Range key_heads(const TextConfig& text, const Share& share) {
  const std::int64_t heads = text.num_kv_heads;
  if (heads % share.size == 0) return share.of(heads);
  // Fewer than ranks: neighbours hold the same one.
  const std::int64_t head = heads * share.rank / share.size;
  return {head, head + 1};
}

// Values `width` each: the places of those that the range counts.
Range widened(const Range& range, std::int64_t width) {
  return {range.begin * width, range.end * width};
}

// A linear layer whose outputs are shared out.
void cut_outputs(const std::string& name, std::vector<Range> ranges, bool bias,
                 Cuts& cuts) {
  if (bias) cuts[name + ".bias"] = {0, ranges};
  cuts[name + ".weight"] = {0, std::move(ranges)};
}

// One whose inputs are. The bias stays whole: it is added to the sum.
void cut_inputs(const std::string& name, const Range& range, Cuts& cuts) {
  cuts[name + ".weight"] = {1, {range}};
}

void cut_tower(const TowerConfig& tower, const Share& share, Cuts& cuts) {
  const Range heads = widened(share.of(tower.num_heads), tower.head_dim());
  const Range units = share.of(tower.mlp_dim);
  const auto of_part = [&](std::int64_t part) {
    const std::int64_t first = part * tower.embed_dim;
    return Range{first + heads.begin, first + heads.end};
  };
  for (int i = 0; i < tower.depth; ++i) {
    const std::string block = "visual.blocks." + std::to_string(i) + ".";
    // q of all heads, then k, then v.
    cut_outputs(block + "attn.qkv", {of_part(0), of_part(1), of_part(2)}, true,
                cuts);
    cut_inputs(block + "attn.proj", heads, cuts);
    for (const std::string& maker : tower.layers.unit_makers) {
      cut_outputs(block + maker, {units}, true, cuts);
    }
    cut_inputs(block + tower.layers.unit_reader, units, cuts);
  }
  const Range merged = share.of(tower.merged_dim());
  cut_outputs("visual.merger.mlp.0", {merged}, true, cuts);
  cut_inputs("visual.merger.mlp.2", merged, cuts);
}

void cut_layer(const TextConfig& text, int index, const Share& share,
               Cuts& cuts) {
  const std::string layer = "model.layers." + std::to_string(index) + ".";
  const std::string attention = layer + "self_attn.";
  const Range heads = widened(share.of(text.num_heads), text.head_dim());
  const Range keys = widened(key_heads(text, share), text.head_dim());
  const Range units = share.of(text.intermediate_size);
  cut_outputs(attention + "q_proj", {heads}, true, cuts);
  cut_outputs(attention + "k_proj", {keys}, true, cuts);
  cut_outputs(attention + "v_proj", {keys}, true, cuts);
  cut_inputs(attention + "o_proj", heads, cuts);
  cut_outputs(layer + "mlp.gate_proj", {units}, false, cuts);
  cut_outputs(layer + "mlp.up_proj", {units}, false, cuts);
  cut_inputs(layer + "mlp.down_proj", units, cuts);
}

// Values of the weights that a rank holds.
std::int64_t values_of(const TensorTable& table, const Cuts& cuts) {
  std::int64_t values = 0;
  for (const auto& [name, shape] : table.shapes) {
    if (table.tied && name == table.head) continue;
    TensorShape own = shape;
    const auto cut = cuts.find(name);
    if (cut != cuts.end()) own[cut->second.dimension] = cut->second.size();
    values += value_count(own);
  }
  return values;
}

}  // namespace

bool can_spread(const Config& config, int ranks) {
  const TextConfig& text = config.text;
  return ranks >= 1 && text.num_heads % ranks == 0 &&
         (text.num_kv_heads % ranks == 0 || ranks % text.num_kv_heads == 0) &&
         ranks <= text.intermediate_size && ranks <= text.vocab_size &&
         ranks <= config.vision.mlp_dim;
}

std::vector<Spread> spreads(const Config& config) {
  const TensorTable table = tensor_table(config);
  std::vector<Spread> possible;
  for (int ranks = 1; ranks <= config.text.num_heads; ++ranks) {
    if (!can_spread(config, ranks)) continue;
    // Where sizes differ the last one has the larger.
    possible.push_back(
        {ranks, values_of(table, cuts(config, {ranks - 1, ranks}))});
  }
  return possible;
}

Cuts cuts(const Config& config, const Share& share) {
  Cuts cuts;
  if (share.size == 1) return cuts;
  cut_tower(config.vision, share, cuts);
  for (int i = 0; i < config.text.num_layers; ++i) {
    cut_layer(config.text, i, share, cuts);
  }
  const Range ids = share.of(config.text.vocab_size);
  cuts[kEmbeddingTensor] = {0, {ids}};
  cuts[kHeadTensor] = {0, {ids}};
  return cuts;
}

Shape shape_of(const Config& config, const Share& share) {
  Shape shape = config.shape();
  shape.mlp_size =
      static_cast<int>(share.of(config.text.intermediate_size).size());
  shape.num_heads /= share.size;
  shape.num_kv_heads = static_cast<int>(key_heads(config.text, share).size());
  return shape;
}

}  // namespace lens::model::qwen
