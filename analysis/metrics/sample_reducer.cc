#include "analysis/metrics/sample_reducer.h"

#include <algorithm>
#include <cmath>

#include "storage/unit_result.h"

namespace lens::analysis::metrics {
namespace {

void add(std::span<const float> values, std::vector<double>& sums) {
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += values[i];
}

std::vector<float> divided(const std::vector<double>& sums, std::int32_t by) {
  std::vector<float> means(sums.size());
  for (std::size_t i = 0; i < sums.size(); ++i)
    means[i] = static_cast<float>(sums[i] / by);
  return means;
}

void count(int layer, std::vector<std::int32_t>& counts) {
  if (layer != kNoLayer) ++counts[static_cast<std::size_t>(layer)];
}

// Answers move from rank V to rank 1: most ranks are small.
double log_of(std::int32_t rank) {
  static const std::vector<double> kSmall = [] {
    std::vector<double> values(1024, 0.0);
    for (std::size_t i = 1; i < values.size(); ++i)
      values[i] = std::log(static_cast<double>(i));
    return values;
  }();
  const auto index = static_cast<std::size_t>(std::max(rank, 1));
  return index < kSmall.size() ? kSmall[index]
                               : std::log(static_cast<double>(index));
}

}  // namespace

SampleReducer::SampleReducer(int layers, int ranks, int scripts,
                             const OnsetRule& onset)
    : layers_(static_cast<std::size_t>(layers)),
      ranks_(static_cast<std::size_t>(ranks)),
      scripts_(static_cast<std::size_t>(scripts)),
      onset_(onset),
      top_(layers_) {}

table::ColumnSet SampleReducer::columns() {
  return table::columns_named<"token_id", "entropy", "kl_final",
                              "target_logprob", "target_rank", "top_id",
                              "script_share", "image_attention">();
}

void SampleReducer::reduce(const TokenBlock& block,
                           std::span<const std::uint8_t> role, SampleRow& row,
                           std::int32_t most_tokens) {
  for (auto* sums : {&entropy_, &kl_final_, &target_logprob_, &log_rank_})
    sums->assign(layers_, 0.0);
  script_share_.assign(layers_ * scripts_, 0.0);
  const bool looks = !block.tokens.get<"image_attention">().empty();
  image_attention_.assign(looks ? layers_ - 1 : 0, 0.0);
  hits_.assign(layers_, 0);
  same_.assign(layers_, 1);
  for (auto* counts : {&row.onset_count, &row.drop_count, &row.depth_count,
                       &row.first_hit_count})
    counts->assign(layers_, 0);
  for (std::int64_t t = row.token_begin; t < row.token_end; ++t) {
    const auto kind =
        static_cast<storage::TokenRole>(role[static_cast<std::size_t>(t)]);
    const bool answer = kind == storage::TokenRole::kAnswer;
    if (!answer && kind != storage::TokenRole::kEndOfAnswer) continue;
    if (answer && row.tokens == most_tokens) break;
    const auto index = static_cast<std::size_t>(t - block.row_begin);
    take_top(block.tokens, index);
    // The end token counts here: a layer that goes on talking has given another
    // answer. No mean takes it.
    follow_answer(block.tokens.get<"token_id">()[index]);
    if (answer) add_answer_token(block.tokens, index, row);
  }
  write_means(row);
}

void SampleReducer::take_top(const table::TokenRows& tokens,
                             std::size_t index) {
  const auto ids = tokens.row<"top_id">(index);
  for (std::size_t l = 0; l < layers_; ++l) top_[l] = ids[l * ranks_];
}

void SampleReducer::follow_answer(std::int32_t token) {
  for (std::size_t l = 0; l < layers_; ++l)
    if (top_[l] != token) same_[l] = 0;
}

void SampleReducer::add_answer_token(const table::TokenRows& tokens,
                                     std::size_t index, SampleRow& row) {
  const auto entropy = tokens.row<"entropy">(index);
  add(entropy, entropy_);
  add(tokens.row<"kl_final">(index), kl_final_);
  add(tokens.row<"target_logprob">(index), target_logprob_);
  add(tokens.row<"script_share">(index), script_share_);
  if (!image_attention_.empty())
    add(tokens.row<"image_attention">(index), image_attention_);
  const auto rank = tokens.row<"target_rank">(index);
  const std::int32_t token = tokens.get<"token_id">()[index];
  for (std::size_t l = 0; l < layers_; ++l) {
    log_rank_[l] += log_of(rank[l]);
    hits_[l] += top_[l] == token;
  }
  ++row.tokens;
  count(entropy_onset(entropy, onset_), row.onset_count);
  count(steepest_drop(entropy), row.drop_count);
  count(prediction_depth(top_), row.depth_count);
  count(first_hit(top_, token), row.first_hit_count);
}

void SampleReducer::write_means(SampleRow& row) const {
  if (row.tokens == 0) return;
  row.entropy = divided(entropy_, row.tokens);
  row.kl_final = divided(kl_final_, row.tokens);
  row.target_logprob = divided(target_logprob_, row.tokens);
  row.log_rank = divided(log_rank_, row.tokens);
  row.script_share = divided(script_share_, row.tokens);
  row.image_attention = divided(image_attention_, row.tokens);
  row.agreement.resize(layers_);
  for (std::size_t l = 0; l < layers_; ++l)
    row.agreement[l] =
        static_cast<float>(static_cast<double>(hits_[l]) / row.tokens);
  settle(row);
}

void SampleReducer::settle(SampleRow& row) const {
  row.same_answer = same_;
  std::size_t layer = layers_;
  while (layer > 0 && same_[layer - 1] != 0) --layer;
  row.settled = layer == layers_ ? kNoLayer : static_cast<int>(layer);
}

}  // namespace lens::analysis::metrics
