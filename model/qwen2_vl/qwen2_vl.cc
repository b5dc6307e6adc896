#include "model/qwen2_vl/qwen2_vl.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/stack.h>

#include <string>
#include <utility>

#include "base/error.h"
#include "model/index_tensor.h"
#include "model/qwen2_vl/decoder.h"
#include "model/qwen2_vl/rope.h"
#include "model/qwen2_vl/shares.h"
#include "model/qwen2_vl/vision.h"

namespace lens::model::qwen2_vl {

Qwen2Vl::Qwen2Vl(const Config& config, Weights weights,
                 std::shared_ptr<collective::Collective> ranks)
    : ranks_(ranks ? std::move(ranks) : collective::one_process()),
      config_(config),
      weights_(std::move(weights)),
      share_({ranks_->rank(), ranks_->size()}),
      shape_(shape_of(config, share_)),
      head_({.norm_weight = weights_.text.norm,
             .norm_eps = config.text.rms_norm_eps,
             .weight = weights_.text.lm_head,
             .first_id = share_.of(config.text.vocab_size).begin,
             .ranks = ranks_}),
      frequencies_(
          text_frequencies(config.text).to(weights_.text.embedding.device())) {}

at::TensorOptions Qwen2Vl::options() const {
  return weights_.text.embedding.options();
}

Positions Qwen2Vl::positions(std::span<const std::int64_t> ids,
                             std::span<const Grid> grids) const {
  return mrope_positions(ids, grids, config_);
}

std::vector<at::Tensor> Qwen2Vl::image_features(
    const at::Tensor& patches, std::span<const Grid> grids) const {
  const at::Tensor packed = vision_features(weights_.vision, config_.vision,
                                            patches, grids, ranks_.get());
  std::vector<at::Tensor> features;
  std::int64_t row = 0;
  for (const Grid& grid : grids) {
    const std::int64_t tokens =
        std::int64_t{grid.height} * grid.width / config_.vision.merge_area();
    features.push_back(packed.narrow(0, row, tokens));
    row += tokens;
  }
  return features;
}

// ids [tokens] -> [tokens, hidden_size], a fresh tensor.
at::Tensor Qwen2Vl::look_up(const at::Tensor& ids) const {
  const at::Tensor& table = weights_.text.embedding;
  if (share_.size == 1) return at::embedding(table, ids);
  // One rank has the id; the others add zeros to it, which changes nothing.
  const at::Tensor place = ids - head_.first_id;
  const at::Tensor elsewhere =
      (place < 0).logical_or(place >= table.size(0)).unsqueeze(-1);
  const at::Tensor part =
      at::embedding(table, place.clamp(0, table.size(0) - 1))
          .to(at::kFloat)
          .masked_fill(elsewhere, 0);
  return ranks_->rounded_sum(part, table.scalar_type());
}

// [tokens, hidden_size]: of the ids, with the images' features in their places.
at::Tensor Qwen2Vl::embeddings(const Batch& batch) const {
  const at::Device device = weights_.text.embedding.device();
  // What is put in place below never touches the table.
  at::Tensor embedded = look_up(index_tensor(batch.ids, device));
  if (!batch.features.defined()) return embedded;
  std::vector<std::int64_t> rows;
  for (std::size_t row = 0; row < batch.ids.size(); ++row) {
    if (batch.ids[row] == config_.image_token_id) {
      rows.push_back(static_cast<std::int64_t>(row));
    }
  }
  return embedded.index_copy_(0, index_tensor(rows, device), batch.features);
}

at::Tensor Qwen2Vl::forward(const Batch& batch, KvCache& cache,
                            std::span<Observer* const> observers) const {
  const at::Device device = weights_.text.embedding.device();
  std::vector<at::Tensor> axes;
  for (const auto& axis : batch.positions) {
    axes.push_back(index_tensor(axis, device));
  }
  return decode_pass(weights_.text, config_.text, embeddings(batch),
                     text_rotation(at::stack(axes), frequencies_, config_.text),
                     batch.segments, cache,
                     Visits(observers, shape_.num_layers, batch), ranks_.get());
}

std::unique_ptr<const Model> open(const std::filesystem::path& checkpoint,
                                  at::ScalarType dtype, at::Device device,
                                  const Ranks& ranks) {
  const Config config = Config::load(checkpoint);
  const int size = ranks.share().size;
  if (!can_spread(config, size)) {
    throw InputError(
        "cannot spread this model over " + std::to_string(size) + " ranks",
        "its heads cannot be shared out so",
        "plan the run with another --tensor-parallel");
  }
  auto model = std::make_unique<Qwen2Vl>(
      config, Weights::load(checkpoint, config, dtype, device, ranks),
      ranks.all);
  // The disk may have kept one of them minutes longer; from here on each call
  // has a deadline.
  if (ranks.all) ranks.all->wait_for_all();
  return model;
}

}  // namespace lens::model::qwen2_vl
