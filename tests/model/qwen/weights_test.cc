#include "model/qwen/weights.h"

#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "model/qwen/tensors.h"
#include "model/qwen2_vl/config.h"
#include "tests/model/tiny_checkpoint.h"

namespace lens::model::qwen {
namespace {

using ::testing::HasSubstr;

TextWeights load(const std::filesystem::path& folder, const Config& config) {
  return load_text({folder, tensor_table(config), at::kFloat, at::kCPU},
                   config);
}

TEST(Weights, MissingTensorAndWrongShapeAreNamed) {
  Config config = qwen2_vl::load_config(tiny_checkpoint());
  const auto error = [&] {
    try {
      load(tiny_checkpoint(), config);
    } catch (const InputError& problem) {
      return std::string(problem.what());
    }
    return std::string();
  };
  EXPECT_EQ(error(), "");
  config.text.num_layers = 5;
  EXPECT_THAT(error(), HasSubstr("model.layers.4.input_layernorm.weight"));
  config.text.num_layers = 4;
  config.text.intermediate_size = 161;
  EXPECT_THAT(error(), HasSubstr("shape [64, 160]"));
}

// As transformers 5.17 loads them: head and embedding for each other where they
// are tied and one is missing, each for itself where both are there.
TEST(Weights, TiedHeadAndEmbeddingStandInForEachOther) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(::testing::TempDir()) / "tied_weights";
  fs::create_directories(folder);
  std::ifstream in(fs::path(tiny_checkpoint()) / "model.safetensors",
                   std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(in), {});
  Config config = qwen2_vl::load_config(tiny_checkpoint());
  config.tie_word_embeddings = true;
  // Loads the weights without the tensor `name`.
  const auto without = [&](const std::string& name) {
    std::string changed = bytes;
    changed[changed.find('"' + name + '"') + 1] = 'x';
    std::ofstream(folder / "model.safetensors", std::ios::binary) << changed;
    return load(folder, config);
  };
  const TextWeights both = load(tiny_checkpoint(), config);
  EXPECT_FALSE(at::equal(both.lm_head, both.embedding));
  const TextWeights headless = without(kHeadTensor);
  EXPECT_TRUE(at::equal(headless.embedding, both.embedding));
  EXPECT_TRUE(headless.lm_head.is_same(headless.embedding));
  const TextWeights bare = without(kEmbeddingTensor);
  EXPECT_TRUE(at::equal(bare.lm_head, both.lm_head));
  EXPECT_TRUE(bare.embedding.is_same(bare.lm_head));
  config.tie_word_embeddings = false;
  EXPECT_THROW(without(kHeadTensor), InputError);
  EXPECT_THROW(without(kEmbeddingTensor), InputError);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace lens::model::qwen
