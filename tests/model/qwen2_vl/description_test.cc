#include "model/qwen2_vl/description.h"

#include <gtest/gtest.h>

#include "model/checkpoint/checkpoint_files.h"
#include "tests/model/tiny_checkpoint.h"

namespace lens::model::qwen2_vl {
namespace {

// The sizes that are published, vision tower included.
TEST(Published, HaveTheValuesOfTheOfficialModels) {
  const std::vector<PublishedModel> models = published();
  ASSERT_EQ(models.size(), 3u);
  EXPECT_EQ(models[0].name, "2B");
  EXPECT_EQ(models[0].spreads.front().values, 2'208'985'600);
  EXPECT_EQ(models[1].name, "7B");
  EXPECT_EQ(models[1].spreads.front().values, 8'291'375'616);
}

// docs/budgets.md names these numbers.
TEST(Published, LargestIsSharedByAsManyAsDivideItsHeads) {
  const PublishedModel largest = published().back();
  std::vector<int> ranks;
  for (const Spread& spread : largest.spreads) ranks.push_back(spread.ranks);
  EXPECT_EQ(ranks, (std::vector<int>{1, 2, 4, 8, 16, 32, 64}));
  EXPECT_EQ(largest.spreads[0].values, 73'405'560'320);
  EXPECT_EQ(largest.spreads[1].values, 36'704'320'512);
  EXPECT_EQ(largest.spreads[2].values, 18'353'700'608);
  EXPECT_EQ(largest.spreads[3].values, 9'178'390'656);
}

TEST(Describe, TensorsAreThoseOfARealCheckpoint) {
  const TensorTable asked = describe(tiny_checkpoint()).tensors;
  const CheckpointFiles files(tiny_checkpoint(), asked);
  EXPECT_EQ(files.tensors().size(), asked.shapes.size());
  for (const auto& [name, tensor] : files.tensors()) {
    EXPECT_EQ(tensor.entry.shape, asked.shapes.at(name)) << name;
  }
  EXPECT_EQ(files.values(), asked.values());
}

TEST(Describe, NamesOfTransformersMemoryAreOfficialOnesSpeltOtherwise) {
  const TensorTable asked = describe(tiny_checkpoint()).tensors;
  EXPECT_EQ(asked.official_name("model.visual.merger.ln_q.bias"),
            "visual.merger.ln_q.bias");
  EXPECT_EQ(asked.official_name("model.language_model.norm.weight"),
            "model.norm.weight");
  for (const auto& [name, shape] : asked.shapes) {
    EXPECT_EQ(asked.official_name(name), name);
  }
}

TEST(Describe, ShapeIsThatOfTheConfig) {
  const Shape shape = describe(tiny_checkpoint()).shape;
  EXPECT_EQ(shape.num_layers, 4);
  EXPECT_EQ(shape.num_states(), 5);
  EXPECT_EQ(shape.hidden_size, 64);
  EXPECT_EQ(shape.num_heads * shape.head_dim, 64);
  EXPECT_EQ(shape.num_kv_heads, 2);
  EXPECT_EQ(shape.mlp_size, 160);
  EXPECT_EQ(shape.vocab_size, 608);
  EXPECT_EQ(shape.image_token_id, 598);
}

}  // namespace
}  // namespace lens::model::qwen2_vl
