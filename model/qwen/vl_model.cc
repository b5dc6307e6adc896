#include "model/qwen/vl_model.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/stack.h>

#include <string>
#include <utility>

#include "base/error.h"
#include "model/index_tensor.h"
#include "model/qwen/decoder.h"
#include "model/qwen/rope.h"
#include "model/qwen/shares.h"
#include "model/qwen/tensors.h"

namespace lens::model::qwen {

VlModel::VlModel(const Config& config, TextWeights text,
                 std::unique_ptr<const Tower> tower,
                 std::shared_ptr<collective::Collective> ranks)
    : ranks_(ranks ? std::move(ranks) : collective::one_process()),
      config_(config),
      text_(std::move(text)),
      tower_(std::move(tower)),
      share_({ranks_->rank(), ranks_->size()}),
      shape_(shape_of(config, share_)),
      head_({.norm_weight = text_.norm,
             .norm_eps = config.text.rms_norm_eps,
             .weight = text_.lm_head,
             .first_id = share_.of(config.text.vocab_size).begin,
             .ranks = ranks_}),
      frequencies_(text_frequencies(config.text).to(text_.embedding.device())) {
}

at::TensorOptions VlModel::options() const { return text_.embedding.options(); }

Positions VlModel::positions(std::span<const std::int64_t> ids,
                             std::span<const Grid> grids) const {
  return mrope_positions(ids, grids, config_);
}

std::vector<at::Tensor> VlModel::image_features(
    const at::Tensor& patches, std::span<const Grid> grids) const {
  const at::Tensor packed = tower_->features(patches, grids, ranks_.get());
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
at::Tensor VlModel::look_up(const at::Tensor& ids) const {
  const at::Tensor& table = text_.embedding;
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
at::Tensor VlModel::embeddings(const Batch& batch) const {
  const at::Device device = text_.embedding.device();
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

at::Tensor VlModel::forward(const Batch& batch, KvCache& cache,
                            std::span<Observer* const> observers) const {
  const at::Device device = text_.embedding.device();
  std::vector<at::Tensor> axes;
  for (const auto& axis : batch.positions) {
    axes.push_back(index_tensor(axis, device));
  }
  return decode_pass(text_, config_.text, embeddings(batch),
                     text_rotation(at::stack(axes), frequencies_, config_.text),
                     batch.segments, cache,
                     Visits(observers, shape_.num_layers, batch), ranks_.get());
}

std::unique_ptr<const Model> open(const std::filesystem::path& checkpoint,
                                  const Config& config,
                                  const LoadTower& load_tower,
                                  at::ScalarType dtype, at::Device device,
                                  const Ranks& ranks) {
  const int size = ranks.share().size;
  if (!can_spread(config, size)) {
    throw InputError(
        "cannot spread this model over " + std::to_string(size) + " ranks",
        "its heads cannot be shared out so",
        "plan the run with another --tensor-parallel");
  }
  const Loader load(checkpoint, tensor_table(config), dtype, device,
                    cuts(config, ranks.share()), ranks);
  // Ranks that hand tensors on ask for them in one order: tower, then decoder.
  std::unique_ptr<const Tower> tower = load_tower(load);
  auto model = std::make_unique<VlModel>(config, load_text(load, config),
                                         std::move(tower), ranks.all);
  // The disk may have kept one of them minutes longer; from here on each call
  // has a deadline.
  if (ranks.all) ranks.all->wait_for_all();
  return model;
}

}  // namespace lens::model::qwen
