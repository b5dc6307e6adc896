#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "collective/collective.h"
#include "model/model.h"
#include "model/qwen/config.h"
#include "model/qwen/tower.h"
#include "model/qwen/weights.h"
#include "model/ranks.h"
#include "model/share.h"

namespace lens::model::qwen {

// A vision tower and the decoder behind the interface of all families.
class VlModel final : public Model {
 public:
  //   text, tower  all weights, or the share of this rank among `ranks`, who
  //                then make the same calls at the same time
  //   ranks        nullptr: this process alone
  VlModel(const Config& config, TextWeights text,
          std::unique_ptr<const Tower> tower,
          std::shared_ptr<collective::Collective> ranks = nullptr);

  const Shape& shape() const override { return shape_; }
  const Head& head() const override { return head_; }
  at::TensorOptions options() const override;

  Positions positions(std::span<const std::int64_t> ids,
                      std::span<const Grid> grids) const override;
  std::vector<at::Tensor> image_features(
      const at::Tensor& patches, std::span<const Grid> grids) const override;
  at::Tensor forward(const Batch& batch, KvCache& cache,
                     std::span<Observer* const> observers) const override;

 private:
  at::Tensor embeddings(const Batch& batch) const;
  at::Tensor look_up(const at::Tensor& ids) const;

  // constant after construction
  const std::shared_ptr<collective::Collective> ranks_;  // never nullptr
  const Config config_;
  const TextWeights text_;
  const std::unique_ptr<const Tower> tower_;
  const Share share_;
  const Shape shape_;
  const Head head_;
  // Made and brought to the device once, not for each token.
  const at::Tensor frequencies_;  // [head_dim / 2] float32
};

// The tower of a family.
using LoadTower =
    std::function<std::unique_ptr<const Tower>(const Loader& load)>;

// As open_model(), of a family whose config is read.
std::unique_ptr<const Model> open(const std::filesystem::path& checkpoint,
                                  const Config& config,
                                  const LoadTower& load_tower,
                                  at::ScalarType dtype, at::Device device,
                                  const Ranks& ranks);

}  // namespace lens::model::qwen
