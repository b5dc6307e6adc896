#include "model/qwen/shares.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/qwen/tensors.h"
#include "model/qwen2_5_vl/config.h"
#include "model/qwen2_5_vl/description.h"
#include "model/qwen2_vl/config.h"
#include "model/qwen2_vl/description.h"
#include "tests/model/tiny_checkpoint.h"

namespace lens::model::qwen {
namespace {

using ::testing::ElementsAre;

const Config k2B = qwen2_vl::published_configs()[0].second;
const Config k7B = qwen2_vl::published_configs()[1].second;
const Config k72B = qwen2_vl::published_configs()[2].second;

std::vector<int> ranks_of(const Config& config) {
  std::vector<int> ranks;
  for (const Spread& spread : spreads(config)) ranks.push_back(spread.ranks);
  return ranks;
}

TEST(Shares, PublishedModelsSpreadWhereHeadsCanBeSharedOut) {
  EXPECT_THAT(ranks_of(k2B), ElementsAre(1, 2, 4, 6, 12));
  EXPECT_THAT(ranks_of(k7B), ElementsAre(1, 2, 4, 28));
  EXPECT_THAT(ranks_of(k72B), ElementsAre(1, 2, 4, 8, 16, 32, 64));
  const auto newer = qwen2_5_vl::published_configs();
  EXPECT_THAT(ranks_of(newer[0].second), ElementsAre(1, 2, 4, 8, 16));
  EXPECT_THAT(ranks_of(newer[2].second), ElementsAre(1, 2, 4, 8, 40));
}

TEST(Shares, RankHoldsItsPartOfTheWeightsWithinFivePercent) {
  std::vector<Config> configs = {k2B, k7B, k72B};
  for (const auto& [name, config] : qwen2_5_vl::published_configs()) {
    configs.push_back(config);
  }
  for (const Config& config : configs) {
    const std::vector<Spread> all = spreads(config);
    EXPECT_EQ(all.front().values, tensor_table(config).values());
    for (const Spread& spread : all) {
      if (spread.ranks > 8) continue;
      const double part =
          static_cast<double>(all.front().values) / spread.ranks;
      EXPECT_GE(static_cast<double>(spread.values), part);
      EXPECT_LE(static_cast<double>(spread.values), 1.05 * part)
          << spread.ranks << " ranks";
    }
  }
}

// Every value of every tensor is held, and none twice, save the key heads that
// ranks must share.
void expect_covered(const Config& config, int size) {
  for (const auto& [name, shape] : tensor_table(config).shapes) {
    if (!cuts(config, {0, size}).contains(name)) continue;
    const int dimension = cuts(config, {0, size}).at(name).dimension;
    std::vector<int> holders(
        static_cast<std::size_t>(shape[static_cast<std::size_t>(dimension)]));
    for (int rank = 0; rank < size; ++rank) {
      const Cuts own = cuts(config, {rank, size});
      for (const Range& range : own.at(name).ranges) {
        for (std::int64_t i = range.begin; i < range.end; ++i) {
          ++holders.at(static_cast<std::size_t>(i));
        }
      }
    }
    const bool keys = name.find("k_proj") != std::string::npos ||
                      name.find("v_proj") != std::string::npos;
    EXPECT_THAT(holders,
                ::testing::Each(keys ? size / config.text.num_kv_heads : 1))
        << name << " over " << size;
  }
}

TEST(Shares, RangesOfAllRanksCoverEachTensorOnce) {
  for (const int size : {2, 4}) {
    expect_covered(qwen2_vl::load_config(tiny_checkpoint()), size);
    expect_covered(qwen2_5_vl::load_config(tiny_windowed_checkpoint()), size);
  }
}

// What makes units and what reads them, of both kinds of MLP.
TEST(Shares, UnitsOfTheTowersMlpAreCutAlike) {
  const Config gated = qwen2_5_vl::load_config(tiny_windowed_checkpoint());
  const Cuts own = cuts(gated, {1, 2});
  const std::string mlp = "visual.blocks.0.mlp.";
  const std::int64_t half = gated.vision.mlp_dim / 2;
  for (const char* maker : {"gate_proj", "up_proj"}) {
    EXPECT_EQ(own.at(mlp + maker + ".weight").dimension, 0);
    EXPECT_EQ(own.at(mlp + maker + ".weight").ranges.front().begin, half);
    EXPECT_EQ(own.at(mlp + maker + ".bias").size(), half);
  }
  EXPECT_EQ(own.at(mlp + "down_proj.weight").dimension, 1);
  EXPECT_FALSE(own.contains(mlp + "down_proj.bias")) << "added to the sum";
}

TEST(Shares, RankAloneCutsNothing) {
  EXPECT_TRUE(cuts(k2B, {0, 1}).empty());
  EXPECT_EQ(shape_of(k2B, {0, 1}).num_heads, 12);
}

TEST(Shares, KeyHeadsThatAreFewerThanRanksAreHeldBySeveral) {
  const Shape shape = shape_of(k2B, {3, 4});
  EXPECT_EQ(shape.num_heads, 3);
  EXPECT_EQ(shape.num_kv_heads, 1);
  EXPECT_EQ(shape.mlp_size, 2240);
  EXPECT_EQ(cuts(k2B, {1, 4})
                .at("model.layers.0.self_attn.k_proj.weight")
                .ranges.front()
                .begin,
            0);
  EXPECT_EQ(cuts(k2B, {2, 4})
                .at("model.layers.0.self_attn.k_proj.weight")
                .ranges.front()
                .begin,
            128);
}

}  // namespace
}  // namespace lens::model::qwen
