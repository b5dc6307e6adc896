#include "model/qwen2_5_vl/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "tests/model/tiny_checkpoint.h"

namespace lens::model::qwen2_5_vl {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What both families read is tested by tests/model/qwen2_vl/config_test.cc.
class WindowedConfigTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(::testing::TempDir()) /
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(folder_);
    std::ifstream in(tiny_windowed_checkpoint() + "/config.json");
    flat_ = json::parse(in);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Config load(const json& config) {
    std::ofstream(folder_ / "config.json") << config.dump();
    return load_config(folder_);
  }

  std::string error(const json& config) {
    try {
      load(config);
    } catch (const InputError& problem) {
      return problem.what();
    }
    return "";
  }

  // With one key of vision_config set.
  json with(const char* key, const json& value) const {
    json config = flat_;
    config["vision_config"][key] = value;
    return config;
  }

  std::filesystem::path folder_;
  json flat_;
};

TEST_F(WindowedConfigTest, EachLayoutIsRead) {
  json nested = flat_;
  json text;
  for (const char* key :
       {"hidden_size", "num_hidden_layers", "num_attention_heads",
        "num_key_value_heads", "intermediate_size", "vocab_size",
        "rms_norm_eps", "rope_theta", "rope_scaling", "eos_token_id",
        "tie_word_embeddings", "max_position_embeddings", "hidden_act",
        "use_sliding_window"}) {
    text[key] = nested[key];
    nested.erase(key);
  }
  nested["text_config"] = text;
  json v5 = nested;
  v5["text_config"].erase("rope_theta");
  v5["text_config"].erase("rope_scaling");
  v5["text_config"]["rope_parameters"] = {{"rope_theta", 1e6},
                                          {"rope_type", "default"},
                                          {"mrope_section", {2, 3, 3}}};
  v5["vision_config"]["model_type"] = "qwen2_5_vl_vision";
  v5["vision_config"]["rope_parameters"] = {{"rope_theta", 10000.0},
                                            {"rope_type", "axial"}};
  for (const json& layout : {flat_, nested, v5}) {
    const Config config = load(layout);
    EXPECT_EQ(config.text.hidden_size, 64);
    EXPECT_EQ(config.text.mrope_section, (std::array<int, 3>{2, 3, 3}));
    EXPECT_EQ(config.text.max_position_embeddings, 128000);
    EXPECT_TRUE(config.tie_word_embeddings);
    EXPECT_EQ(config.vision.depth, 4);
    EXPECT_EQ(config.vision.embed_dim, 32);
    EXPECT_EQ(config.vision.mlp_dim, 44);
    EXPECT_EQ(config.vision.out_hidden_size, 64);
    EXPECT_EQ(config.windows.side, 2);
    EXPECT_THAT(config.windows.full_blocks, ElementsAre(1, 3));
    EXPECT_THAT(config.notes, IsEmpty());
  }
}

// The values of transformers 5.17's Qwen2_5_VLVisionConfig.
TEST_F(WindowedConfigTest, MissingKeysTakeClassDefaults) {
  json config = flat_;
  config["hidden_size"] = 3584;
  config["num_attention_heads"] = 28;
  config["num_key_value_heads"] = 4;
  config["rope_scaling"]["mrope_section"] = {16, 24, 24};
  config["vision_config"] = {{"in_chans", 3}, {"spatial_patch_size", 14}};
  Config read = load(config);
  EXPECT_EQ(read.vision.depth, 32);
  EXPECT_EQ(read.vision.embed_dim, 3584);
  EXPECT_EQ(read.vision.num_heads, 16);
  EXPECT_EQ(read.vision.mlp_dim, 3420);
  EXPECT_EQ(read.windows.side, 4);
  EXPECT_THAT(read.windows.full_blocks, ElementsAre(7, 15, 23, 31));
  // 72B names what differs from them.
  config["vision_config"].update(
      {{"hidden_size", 1280}, {"intermediate_size", 3456}});
  read = load(config);
  EXPECT_EQ(read.vision.embed_dim, 1280);
  EXPECT_EQ(read.vision.head_dim(), 80);
  EXPECT_EQ(read.vision.mlp_dim, 3456);
}

TEST_F(WindowedConfigTest, WindowsAreWholeTokensWide) {
  EXPECT_EQ(load(with("window_size", 112)).windows.side, 4);
  EXPECT_EQ(load(with("window_size", 139)).windows.side, 4);
  EXPECT_EQ(load(with("window_size", 28)).windows.side, 1);
  EXPECT_THAT(error(with("window_size", 27)), HasSubstr("window_size"));
  EXPECT_THAT(error(with("window_size", 0)), HasSubstr("window_size"));
}

TEST_F(WindowedConfigTest, BlocksThatSeeTheImageAreThoseOfTheList) {
  const Config none = load(with("fullatt_block_indexes", json::array()));
  const Config all = load(with("fullatt_block_indexes", {3, 0, 1, 2, 40}));
  for (int block = 0; block < 4; ++block) {
    EXPECT_FALSE(none.windows.full(block));
    EXPECT_TRUE(all.windows.full(block));
  }
  EXPECT_THAT(error(with("fullatt_block_indexes", 7)),
              HasSubstr("fullatt_block_indexes"));
  EXPECT_THAT(error(with("fullatt_block_indexes", {1, "x"})),
              HasSubstr("fullatt_block_indexes"));
}

TEST_F(WindowedConfigTest, BadValuesAreRefusedInOneLine) {
  EXPECT_THAT(error(with("out_hidden_size", 65)),
              HasSubstr("vision_config.out_hidden_size"));
  EXPECT_THAT(error(with("hidden_size", 36)),
              HasSubstr("vision_config.hidden_size"));
  EXPECT_THAT(error(with("hidden_act", "quick_gelu")), HasSubstr("quick_gelu"));
  EXPECT_THAT(error(with("intermediate_size", 0)),
              HasSubstr("intermediate_size"));
  EXPECT_EQ(error(with("intermediate_size", 0)).find('\n'), std::string::npos);
}

}  // namespace
}  // namespace lens::model::qwen2_5_vl
