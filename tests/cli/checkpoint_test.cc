#include "cli/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/cli/run_inputs.h"
#include "tests/cli/scratch_folder.h"
#include "worker/error.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

// A copy of the tiny checkpoint, for each test to change.
class CheckpointTest : public testing::Test {
 protected:
  CheckpointTest() { fs::copy(tiny_checkpoint(), folder_ / "model"); }

  fs::path file(const std::string& name) const {
    return folder_ / "model" / name;
  }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(file(name), std::ios::binary) << text;
  }
  json config() const {
    return json::parse(std::ifstream(file("config.json")));
  }
  void write_config(const json& config) { write("config.json", config.dump()); }
  // An index that finds every tensor in `shard`.
  void write_index(const std::string& shard) {
    std::ifstream weights(file("model.safetensors"), std::ios::binary);
    std::uint64_t length = 0;
    weights.read(reinterpret_cast<char*>(&length), sizeof length);
    std::string text(length, ' ');
    weights.read(text.data(), static_cast<std::streamsize>(length));
    json index;
    const json header = json::parse(text);
    for (const auto& [name, entry] : header.items())
      if (name != "__metadata__") index["weight_map"][name] = shard;
    write("model.safetensors.index.json", index.dump());
  }
  Checkpoint read() const { return read_checkpoint(folder_ / "model"); }
  std::string refusal() const {
    try {
      read();
    } catch (const InputError& error) {
      return error.what();
    }
    return "accepted";
  }

  ScratchFolder folder_;
};

TEST_F(CheckpointTest, TellsWhatPlanningNeeds) {
  const Checkpoint checkpoint = read();
  EXPECT_EQ(checkpoint.num_layers, 4);
  EXPECT_EQ(checkpoint.vocab_size, 608);
  EXPECT_EQ(checkpoint.hidden_size, 64);
  EXPECT_EQ(checkpoint.image_token_id, 598);
  EXPECT_EQ(checkpoint.model_files.size(), 4u);
  EXPECT_EQ(checkpoint.tokenizer_files.size(), 4u);
  // Four bytes each, and a header.
  EXPECT_NEAR(static_cast<double>(checkpoint.parameters) * 4,
              static_cast<double>(fs::file_size(file("model.safetensors"))),
              20'000);
}

TEST_F(CheckpointTest, ConfigNamesTheDtypeAndElseTheWeights) {
  json changed = config();
  changed.erase("torch_dtype");
  write_config(changed);
  EXPECT_EQ(read().dtype, "float32");
  changed["dtype"] = "torch.bfloat16";
  write_config(changed);
  EXPECT_EQ(read().dtype, "bfloat16");
  changed["dtype"] = "int8";
  write_config(changed);
  EXPECT_THAT(refusal(), HasSubstr("dtype int8"));
}

TEST_F(CheckpointTest, IndexNamesTheFilesAndAMissingOneIsTold) {
  write_index("one.safetensors");
  EXPECT_THAT(refusal(), HasSubstr("one.safetensors is not there"));
  fs::rename(file("model.safetensors"), file("one.safetensors"));
  write("stray.safetensors", "not looked at");
  const Checkpoint checkpoint = read();
  EXPECT_EQ(checkpoint.model_files.back().filename(), "one.safetensors");
  EXPECT_EQ(checkpoint.model_files.size(), 5u);
}

TEST_F(CheckpointTest, WhatAWorkerWouldRefuseIsRefusedInOneLine) {
  json changed = config();
  changed["num_attention_heads"] = 0;
  write_config(changed);
  EXPECT_THAT(refusal(), HasSubstr("num_attention_heads = 0"));
  changed = config();
  changed["num_attention_heads"] = 4;
  changed["intermediate_size"] = 161;
  write_config(changed);
  EXPECT_THAT(refusal(), AllOf(HasSubstr("[64, 160]"), HasSubstr("[64, 161]")));
  changed["model_type"] = "llama";
  write_config(changed);
  EXPECT_THAT(refusal(), HasSubstr("model_type is \"llama\""));
  for (const json& type : {json(7), json::object(), json::array({1})}) {
    changed["model_type"] = type;
    write_config(changed);
    EXPECT_THAT(refusal(), HasSubstr("model_type is not a string")) << type;
  }
  write("config.json", "{");
  EXPECT_THAT(refusal(), HasSubstr("not a JSON object"));
}

TEST_F(CheckpointTest, PreprocessorMustCutTheModelsPatches) {
  write("preprocessor_config.json", R"({"patch_size": 13})");
  EXPECT_THAT(refusal(), HasSubstr("patch_size is 13 in preprocessor"));
  fs::remove(file("preprocessor_config.json"));
  EXPECT_EQ(refusal(), "accepted");
}

TEST_F(CheckpointTest, MissingFilesAreNamed) {
  fs::remove(file("model.safetensors"));
  EXPECT_THAT(refusal(), HasSubstr("neither model.safetensors nor"));
  fs::remove(file("config.json"));
  EXPECT_THAT(refusal(), HasSubstr("config.json (no such file)"));
}

}  // namespace
}  // namespace lens::cli
