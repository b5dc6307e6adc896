#include "cli/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/cli/scratch_folder.h"
#include "worker/error.h"

namespace lens::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class CheckpointTest : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  void write_config(const json& config) { write("config.json", config.dump()); }
  void write_weights(const std::string& name, const std::string& header) {
    std::string bytes(8, '\0');
    bytes[0] = static_cast<char>(header.size());
    write(name, bytes + header);
  }
  std::string refusal() {
    try {
      read_checkpoint(folder_.path());
    } catch (const InputError& error) {
      return error.what();
    }
    return "accepted";
  }

  const json kText = {
      {"num_hidden_layers", 2}, {"vocab_size", 100}, {"hidden_size", 8}};
  const std::string kHeader =
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"BF16","shape":[3,4]}})";
  ScratchFolder folder_;
};

TEST_F(CheckpointTest, AllThreeLayoutsAreRead) {
  write_weights("model.safetensors", kHeader);
  json top = kText;
  top["torch_dtype"] = "bfloat16";
  json both = top;
  both["vocab_size"] = 1;
  both["text_config"] = kText;
  json nested = {{"model_type", "qwen2_vl"},
                 {"dtype", "bfloat16"},
                 {"text_config", kText}};
  for (const json& config : {top, both, nested}) {
    write_config(config);
    const Checkpoint checkpoint = read_checkpoint(folder_.path());
    EXPECT_EQ(checkpoint.num_layers, 2);
    EXPECT_EQ(checkpoint.vocab_size, 100) << config;
    EXPECT_EQ(checkpoint.hidden_size, 8);
    EXPECT_EQ(checkpoint.dtype, "bfloat16");
    EXPECT_EQ(checkpoint.parameters, 12);
  }
}

TEST_F(CheckpointTest, WeightsNameTheDtypeWhereTheConfigDoesNot) {
  write_config(kText);
  write_weights("model.safetensors", R"({"a":{"dtype":"F16","shape":[2]}})");
  EXPECT_EQ(read_checkpoint(folder_.path()).dtype, "float16");
}

TEST_F(CheckpointTest, IndexNamesTheFilesAndAMissingOneIsTold) {
  write_config(kText);
  write_weights("one.safetensors", kHeader);
  write_weights("stray.safetensors", kHeader);
  write("model.safetensors.index.json",
        R"({"weight_map":{"a":"one.safetensors"}})");
  EXPECT_EQ(read_checkpoint(folder_.path()).parameters, 12);
  write("model.safetensors.index.json",
        R"({"weight_map":{"a":"one.safetensors","b":"two.safetensors"}})");
  EXPECT_THAT(refusal(), HasSubstr("two.safetensors is not there"));
}

TEST_F(CheckpointTest, BrokenFoldersAreToldInOneLine) {
  EXPECT_THAT(refusal(), HasSubstr("config.json (no such file)"));
  write("config.json", "{");
  EXPECT_THAT(refusal(), HasSubstr("not a JSON object"));
  write_config({{"model_type", "llama"}});
  EXPECT_THAT(refusal(), HasSubstr("model_type llama"));
  write_config({{"vocab_size", 3}});
  EXPECT_THAT(refusal(), HasSubstr("num_hidden_layers"));
  write_config(kText);
  EXPECT_THAT(refusal(), HasSubstr("no *.safetensors"));
  write("model.safetensors", "short");
  EXPECT_THAT(refusal(), HasSubstr("not a whole safetensors file"));
  write_weights("model.safetensors", "[1]");
  EXPECT_THAT(refusal(), HasSubstr("header is damaged"));
}

}  // namespace
}  // namespace lens::cli
