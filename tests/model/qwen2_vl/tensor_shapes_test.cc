#include "model/qwen2_vl/tensor_shapes.h"

#include <gtest/gtest.h>

#include "model/checkpoint/checkpoint_files.h"
#include "tests/model/golden.h"

namespace lens::model {
namespace {

// The sizes that are published, vision tower included.
TEST(TensorShapes, CountTheValuesOfTheOfficialModels) {
  ModelConfig config;
  config.vision.hidden_size = 1536;
  config.text = {.hidden_size = 1536,
                 .num_layers = 28,
                 .num_heads = 12,
                 .num_kv_heads = 2,
                 .intermediate_size = 8960,
                 .vocab_size = 151936};
  config.tie_word_embeddings = true;
  EXPECT_EQ(value_count(config), 2'208'985'600);
  config.vision.hidden_size = 3584;
  config.text = {.hidden_size = 3584,
                 .num_layers = 28,
                 .num_heads = 28,
                 .num_kv_heads = 4,
                 .intermediate_size = 18944,
                 .vocab_size = 152064};
  config.tie_word_embeddings = false;
  EXPECT_EQ(value_count(config), 8'291'375'616);
}

TEST(TensorShapes, AreThoseOfARealCheckpoint) {
  const ModelConfig config = ModelConfig::load(tiny_checkpoint());
  const CheckpointFiles files(tiny_checkpoint(), config);
  const auto shapes = tensor_shapes(config);
  EXPECT_EQ(files.tensors().size(), shapes.size());
  for (const auto& [name, tensor] : files.tensors()) {
    EXPECT_EQ(tensor.entry.shape, shapes.at(name)) << name;
  }
  EXPECT_EQ(files.values(), value_count(config));
}

}  // namespace
}  // namespace lens::model
