#include "worker/model/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/worker/model/golden.h"
#include "worker/error.h"

namespace lens::model {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

class ConfigTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(::testing::TempDir()) /
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(folder_);
    std::ifstream in(tiny_checkpoint() + "/config.json");
    flat_ = json::parse(in);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  ModelConfig load(const json& config) {
    std::ofstream(folder_ / "config.json") << config.dump();
    return ModelConfig::load(folder_);
  }

  std::string error(const json& config) {
    try {
      load(config);
    } catch (const InputError& problem) {
      return problem.what();
    }
    return "";
  }

  // The same config as transformers 4.52 - 4.57 saves it.
  json nested() const {
    json config = flat_;
    json text;
    for (const char* key :
         {"hidden_size", "num_hidden_layers", "num_attention_heads",
          "num_key_value_heads", "intermediate_size", "vocab_size",
          "rms_norm_eps", "rope_theta", "rope_scaling",
          "tie_word_embeddings"}) {
      text[key] = config[key];
      config.erase(key);
    }
    config["text_config"] = text;
    return config;
  }

  std::filesystem::path folder_;
  json flat_;
};

void expect_tiny(const ModelConfig& config) {
  EXPECT_EQ(config.text.hidden_size, 64);
  EXPECT_EQ(config.text.num_layers, 4);
  EXPECT_EQ(config.text.num_heads, 4);
  EXPECT_EQ(config.text.num_kv_heads, 2);
  EXPECT_EQ(config.text.vocab_size, 608);
  EXPECT_EQ(config.text.mrope_section, (std::array<int, 3>{2, 3, 3}));
  EXPECT_DOUBLE_EQ(config.text.rms_norm_eps, 1e-6);
  EXPECT_DOUBLE_EQ(config.text.rope_theta, 1e6);
  EXPECT_EQ(config.vision.depth, 2);
  EXPECT_EQ(config.image_token_id, 598);
}

TEST_F(ConfigTest, FlatLayoutIsRead) { expect_tiny(load(flat_)); }

TEST_F(ConfigTest, NestedLayoutIsRead) { expect_tiny(load(nested())); }

TEST_F(ConfigTest, NestedValuesWinOverTopLevelOnes) {
  json config = nested();
  config["hidden_size"] = 4096;
  expect_tiny(load(config));
}

TEST_F(ConfigTest, Version5LayoutIsRead) {
  json config = nested();
  json& text = config["text_config"];
  text.erase("rope_theta");
  text.erase("rope_scaling");
  text["rope_parameters"] = {{"rope_theta", 1e6},
                             {"rope_type", "default"},
                             {"mrope_section", {2, 3, 3}}};
  config.erase("torch_dtype");
  config["dtype"] = "bfloat16";
  const ModelConfig read = load(config);
  expect_tiny(read);
  EXPECT_EQ(read.dtype, "bfloat16");
}

TEST_F(ConfigTest, MissingVisionKeysTakeClassDefaults) {
  json config = flat_;
  config["hidden_size"] = 1536;
  config["num_attention_heads"] = 12;
  config["rope_scaling"]["mrope_section"] = {16, 24, 24};
  config["vision_config"] = {
      {"hidden_size", 1536}, {"in_chans", 3}, {"spatial_patch_size", 14}};
  const VisionConfig vision = load(config).vision;
  EXPECT_EQ(vision.depth, 32);
  EXPECT_EQ(vision.embed_dim, 1280);
  EXPECT_EQ(vision.num_heads, 16);
  EXPECT_EQ(vision.mlp_dim(), 5120);
}

TEST_F(ConfigTest, EndIdsComeFromGenerationConfigFirst) {
  json config = flat_;
  config["eos_token_id"] = 5;
  EXPECT_THAT(load(config).eos_token_ids, ::testing::ElementsAre(5));
  std::ofstream(folder_ / "generation_config.json")
      << R"({"eos_token_id": [7, 6], "repetition_penalty": 1.05})";
  const ModelConfig read = load(config);
  EXPECT_THAT(read.eos_token_ids, ::testing::ElementsAre(7, 6));
  EXPECT_DOUBLE_EQ(read.repetition_penalty, 1.05);
}

TEST_F(ConfigTest, BadValuesAreRefusedInOneLine) {
  const auto with = [&](const char* key, const json& value) {
    json config = flat_;
    config[key] = value;
    return error(config);
  };
  EXPECT_THAT(with("num_attention_heads", 0), HasSubstr("num_attention_heads"));
  EXPECT_THAT(with("num_key_value_heads", 3), HasSubstr("multiple"));
  EXPECT_THAT(with("hidden_size", "wide"), HasSubstr("not an integer"));
  EXPECT_THAT(with("vocab_size", -1), HasSubstr("vocab_size"));
  EXPECT_THAT(with("hidden_act", "relu"), HasSubstr("not supported"));
  EXPECT_THAT(with("model_type", "llama"), HasSubstr("qwen2_vl"));
  EXPECT_THAT(with("image_token_id", 100000), HasSubstr("image_token_id"));
  EXPECT_THAT(with("rope_scaling", json{{"type", "yarn"}}), HasSubstr("yarn"));
  EXPECT_EQ(with("hidden_size", 1LL << 40).find('\n'), std::string::npos);
}

TEST_F(ConfigTest, MissingOrBrokenFileIsNamed) {
  EXPECT_THROW(ModelConfig::load(folder_ / "nowhere"), InputError);
  std::ofstream(folder_ / "config.json") << "{\"hidden_size\": ";
  EXPECT_THROW(ModelConfig::load(folder_), InputError);
}

}  // namespace
}  // namespace lens::model
