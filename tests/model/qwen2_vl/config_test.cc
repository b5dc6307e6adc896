#include "model/qwen2_vl/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "tests/model/tiny_checkpoint.h"

namespace lens::model::qwen2_vl {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

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

  void generation(const std::string& text) const {
    std::ofstream(folder_ / "generation_config.json") << text;
  }

  // The same config as transformers 4.52 - 4.57 saves it.
  json nested() const {
    json config = flat_;
    json text;
    for (const char* key :
         {"hidden_size", "num_hidden_layers", "num_attention_heads",
          "num_key_value_heads", "intermediate_size", "vocab_size",
          "rms_norm_eps", "rope_theta", "rope_scaling", "hidden_act",
          "max_position_embeddings", "use_sliding_window", "eos_token_id",
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

void expect_tiny(const Config& config) {
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
  const Config read = load(config);
  expect_tiny(read);
  EXPECT_THAT(read.notes, ElementsAre(HasSubstr("hidden_size beside")));
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
  const Config read = load(config);
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
  const qwen::TowerConfig vision = load(config).vision;
  EXPECT_EQ(vision.depth, 32);
  EXPECT_EQ(vision.embed_dim, 1280);
  EXPECT_EQ(vision.num_heads, 16);
  EXPECT_EQ(vision.mlp_dim, 5120);
}

TEST_F(ConfigTest, EndIdsComeFromGenerationConfigFirst) {
  json config = flat_;
  config["eos_token_id"] = 5;
  EXPECT_THAT(load(config).generation.end_ids, ::testing::ElementsAre(5));
  std::ofstream(folder_ / "generation_config.json")
      << R"({"eos_token_id": [7, 6], "repetition_penalty": 1.05})";
  const Config read = load(config);
  EXPECT_THAT(read.generation.end_ids, ::testing::ElementsAre(7, 6));
  EXPECT_DOUBLE_EQ(read.generation.repetition_penalty, 1.05);
}

// As GenerationConfig of transformers 5.17 gives them.
TEST_F(ConfigTest, EndIdsThatAreMissingAreThoseOfTransformers) {
  json config = flat_;
  config.erase("eos_token_id");
  EXPECT_THAT(load(config).generation.end_ids, ElementsAre(151645));
  config["eos_token_id"] = nullptr;
  EXPECT_THAT(load(config).generation.end_ids, IsEmpty());
  EXPECT_THAT(load(config).notes, ElementsAre(HasSubstr("no eos_token_id")));
  config = nested();
  config["eos_token_id"] = 7;
  config["text_config"]["eos_token_id"] = 9;
  EXPECT_THAT(load(config).generation.end_ids, ElementsAre(9));
  // A file without them has none: nobody looks further.
  generation(R"({"repetition_penalty": 1.5})");
  EXPECT_THAT(load(config).generation.end_ids, IsEmpty());
  generation(R"({"eos_token_id": [7, "x"]})");
  EXPECT_THAT(error(config), HasSubstr("eos_token_id is not a token id"));
}

TEST_F(ConfigTest, GenerationSettingsAreFollowedNamedOrSetAside) {
  generation(R"({"eos_token_id": 588, "do_sample": true, "top_k": 1,
      "temperature": 0.1, "suppress_tokens": null, "bad_words_ids": [],
      "num_beams": 1, "no_repeat_ngram_size": 0, "guidance_scale": 1.0})");
  GenerationConfig read = load(flat_).generation;
  EXPECT_TRUE(read.present);
  EXPECT_THAT(read.unfollowed, IsEmpty());
  EXPECT_THAT(read.set_aside, IsEmpty()) << "one candidate is the best one";
  for (const auto& [setting, shown] :
       {std::pair{R"("suppress_tokens": [5, 6])", "suppress_tokens = [5,6]"},
        {R"("begin_suppress_tokens": [5])", "begin_suppress_tokens = [5]"},
        {R"("min_new_tokens": 3)", "min_new_tokens = 3"},
        {R"("min_length": 3)", "min_length = 3"},
        {R"("bad_words_ids": [[5]])", "bad_words_ids = [[5]]"},
        {R"("no_repeat_ngram_size": 2)", "no_repeat_ngram_size = 2"},
        {R"("forced_bos_token_id": 0)", "forced_bos_token_id = 0"},
        {R"("forced_eos_token_id": 588)", "forced_eos_token_id = 588"},
        {R"("num_beams": 4)", "num_beams = 4"},
        {R"("stop_strings": ["x"])", "stop_strings = [\"x\"]"},
        {R"("sequence_bias": [[[5], 1.0]])", "sequence_bias = [[[5],1.0]]"},
        {R"("encoder_repetition_penalty": 1.2)",
         "encoder_repetition_penalty = 1.2"}}) {
    generation(std::string("{\"eos_token_id\": 588, ") + setting + "}");
    read = load(flat_).generation;
    EXPECT_THAT(read.unfollowed, ElementsAre(shown));
    EXPECT_THAT(read.set_aside, IsEmpty());
  }
  generation(R"({"do_sample": true, "max_new_tokens": 512})");
  EXPECT_THAT(load(flat_).generation.set_aside,
              ElementsAre("do_sample = true", "max_new_tokens = 512"));
}

// The values of transformers 5.17's Qwen2VLConfig.
TEST_F(ConfigTest, RopeScalingWinsAsAWholeOverRopeParameters) {
  json config = flat_;
  config["rope_theta"] = 9.0;
  config["rope_parameters"] = {{"rope_theta", 5.0},
                               {"mrope_section", {3, 3, 2}}};
  Config read = load(config);
  EXPECT_DOUBLE_EQ(read.text.rope_theta, 9.0);
  EXPECT_EQ(read.text.mrope_section, (std::array<int, 3>{2, 3, 3}));
  config["rope_scaling"]["rope_theta"] = 3.0;
  EXPECT_DOUBLE_EQ(load(config).text.rope_theta, 3.0);
  config.erase("rope_scaling");
  read = load(config);
  EXPECT_DOUBLE_EQ(read.text.rope_theta, 5.0);
  EXPECT_EQ(read.text.mrope_section, (std::array<int, 3>{3, 3, 2}));
}

TEST_F(ConfigTest, TextConfigAloneCountsAndWhatIsLeftOutIsNamed) {
  json config = nested();
  EXPECT_THAT(load(config).notes, IsEmpty());
  config["rms_norm_eps"] = 0.5;
  config["text_config"].erase("rms_norm_eps");
  config["text_config"].erase("num_key_value_heads");
  config["text_config"]["hidden_size"] = 128;
  config["vision_config"]["hidden_size"] = 128;
  config["text_config"]["num_attention_heads"] = 8;
  const Config read = load(config);
  EXPECT_DOUBLE_EQ(read.text.rms_norm_eps, 1e-5);
  EXPECT_EQ(read.text.num_kv_heads, 8);
  EXPECT_THAT(read.notes, ElementsAre(HasSubstr("rms_norm_eps beside")));
}

TEST_F(ConfigTest, HeadIsTiedWhereEitherPlaceSaysSo) {
  for (const auto& [outer, inner, tied] : {std::tuple{json(), json(), false},
                                           {json(true), json(), true},
                                           {json(), json(true), true},
                                           {json(false), json(true), true},
                                           {json(true), json(false), true},
                                           {json(false), json(false), false}}) {
    json config = nested();
    config["text_config"].erase("tie_word_embeddings");
    if (!outer.is_null()) config["tie_word_embeddings"] = outer;
    if (!inner.is_null()) {
      config["text_config"]["tie_word_embeddings"] = inner;
    }
    const Config read = load(config);
    EXPECT_EQ(read.tie_word_embeddings, tied) << outer << inner;
    const bool differ =
        outer.is_boolean() && inner.is_boolean() && outer != inner;
    EXPECT_EQ(read.notes.size(), differ ? 1u : 0u);
  }
}

TEST_F(ConfigTest, QuantisedWeightsAreRefusedByTheMethodsName) {
  for (const auto& [settings, method] :
       {std::pair{R"({"quant_method": "gptq", "bits": 4})", "gptq"},
        {R"({"quant_method": "awq"})", "awq"},
        {R"({"quant_method": "fp8"})", "fp8"},
        {R"({"quant_method": "compressed-tensors"})", "compressed-tensors"},
        {R"({"load_in_4bit": true})", "bitsandbytes"},
        {R"({"bits": 4})", "without a name"}}) {
    json config = flat_;
    config["quantization_config"] = json::parse(settings);
    EXPECT_THAT(error(config), AllOf(HasSubstr(method), HasSubstr("quantised"),
                                     HasSubstr("; give the plain")));
    config = nested();
    config["text_config"]["quantization_config"] = json::parse(settings);
    EXPECT_THAT(error(config), HasSubstr(method));
  }
  json config = flat_;
  config["quantization_config"] = nullptr;
  EXPECT_EQ(error(config), "");
}

TEST_F(ConfigTest, WindowsOfAttentionAreRefusedWhereverTheyAreSaid) {
  json config = flat_;
  config["layer_types"] = json::array({"full_attention", "full_attention"});
  EXPECT_EQ(error(config), "");
  config["layer_types"][1] = "sliding_attention";
  EXPECT_THAT(error(config), HasSubstr("layer_types"));
  config.erase("layer_types");
  config["use_sliding_window"] = true;
  config["max_window_layers"] = 2;
  EXPECT_THAT(error(config), HasSubstr("use_sliding_window"));
  config["sliding_window"] = nullptr;
  EXPECT_EQ(error(config), "") << "a window without a width is none";
}

TEST_F(ConfigTest, ContradictionsAreRefused) {
  json config = flat_;
  config["vision_config"]["num_attention_heads"] = 4;
  EXPECT_THAT(error(config), HasSubstr("num_attention_heads"));
  std::ofstream(folder_ / "config.json")
      << R"({"model_type": "qwen2_vl", "vocab_size": 5, "vocab_size": 6})";
  EXPECT_THROW(load_config(folder_), InputError);
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
  EXPECT_THAT(with("image_token_id", 100000), HasSubstr("image_token_id"));
  EXPECT_THAT(with("rope_scaling", json{{"type", "yarn"}}), HasSubstr("yarn"));
  EXPECT_EQ(with("hidden_size", 1LL << 40).find('\n'), std::string::npos);
}

TEST_F(ConfigTest, MissingOrBrokenFileIsNamed) {
  EXPECT_THROW(load_config(folder_ / "nowhere"), InputError);
  std::ofstream(folder_ / "config.json") << "{\"hidden_size\": ";
  EXPECT_THROW(load_config(folder_), InputError);
}

}  // namespace
}  // namespace lens::model::qwen2_vl
