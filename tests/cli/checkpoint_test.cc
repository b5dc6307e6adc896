#include "cli/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "tests/cli/run_inputs.h"
#include "tests/cli/scratch_folder.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

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
  // Changes the header; the data stays, and each tensor left covers its own
  // place in it again.
  void edit_weights(const std::function<void(json&)>& edit) {
    std::ifstream in(file("model.safetensors"), std::ios::binary);
    std::uint64_t length = 0;
    in.read(reinterpret_cast<char*>(&length), sizeof length);
    std::string text(length, ' ');
    in.read(text.data(), static_cast<std::streamsize>(length));
    const std::string data{std::istreambuf_iterator<char>(in), {}};
    json header = json::parse(text);
    edit(header);
    std::string kept;
    for (auto& [name, entry] : header.items()) {
      if (name == "__metadata__") continue;
      const std::size_t begin = entry["data_offsets"][0];
      const std::size_t end = entry["data_offsets"][1];
      entry["data_offsets"] = {kept.size(), kept.size() + end - begin};
      kept += data.substr(begin, end - begin);
    }
    text = header.dump();
    length = text.size();
    std::string bytes(reinterpret_cast<const char*>(&length), sizeof length);
    write("model.safetensors", bytes + text + kept);
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
  fs::rename(file("model.safetensors"), file("other.safetensors"));
  EXPECT_THAT(refusal(), HasSubstr("one.safetensors is not there"));
  fs::rename(file("other.safetensors"), file("one.safetensors"));
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
  EXPECT_THAT(refusal(), HasSubstr("not JSON at byte"));
}

TEST_F(CheckpointTest, PreprocessorMustCutTheModelsPatches) {
  write("preprocessor_config.json", R"({"patch_size": 13})");
  EXPECT_THAT(refusal(),
              HasSubstr("patch_size is 13 in preprocessor_config.json"));
  fs::remove(file("preprocessor_config.json"));
  EXPECT_THAT(refusal(), HasSubstr("no preprocessor in"));
}

TEST_F(CheckpointTest, HeadIsTiedOnlyWhereTheConfigSaysSo) {
  const auto with_tie = [&](const json& tie) {
    json changed = config();
    changed["tie_word_embeddings"] = tie;
    if (tie.is_null()) changed.erase("tie_word_embeddings");
    write_config(changed);
  };
  with_tie(true);
  EXPECT_THAT(read().notes, Contains(HasSubstr("both with different values")));
  edit_weights([](json& header) { header.erase("lm_head.weight"); });
  EXPECT_THAT(read().notes, IsEmpty());
  for (const json& untied : {json(false), json()}) {
    with_tie(untied);
    EXPECT_THAT(refusal(), AllOf(HasSubstr("tensor lm_head.weight is missing"),
                                 HasSubstr("tie_word_embeddings")));
  }
}

TEST_F(CheckpointTest, HeadServesAsTheEmbeddingThatIsMissing) {
  edit_weights([](json& header) { header.erase("model.embed_tokens.weight"); });
  EXPECT_THAT(refusal(), HasSubstr("model.embed_tokens.weight is missing"));
  json changed = config();
  changed["tie_word_embeddings"] = true;
  write_config(changed);
  EXPECT_EQ(refusal(), "accepted");
  edit_weights([](json& header) { header.erase("lm_head.weight"); });
  EXPECT_THAT(refusal(), HasSubstr("is missing"));
}

TEST_F(CheckpointTest, TensorsOfNoLayerAreNamed) {
  edit_weights([](json& header) {
    header["model.layers.9.extra.weight"] = header["lm_head.weight"];
    header.erase("lm_head.weight");
  });
  json changed = config();
  changed["tie_word_embeddings"] = true;
  write_config(changed);
  EXPECT_THAT(read().notes,
              Contains(AllOf(HasSubstr("1 tensors of the weights"),
                             HasSubstr("model.layers.9.extra.weight"))));
}

TEST_F(CheckpointTest, QuantisedTensorsAreToldForWhatTheyAre) {
  edit_weights([](json& header) {
    const std::string stem = "model.layers.0.mlp.up_proj.";
    header[stem + "qweight"] = header[stem + "weight"];
    header.erase(stem + "weight");
  });
  EXPECT_THAT(refusal(), AllOf(HasSubstr("quantised"), HasSubstr("qweight"),
                               HasSubstr("; give the plain checkpoint")));
}

TEST_F(CheckpointTest, SingleFileIsReadBeforeTheShardsAndThatIsSaid) {
  write_index("one.safetensors");
  const Checkpoint checkpoint = read();
  EXPECT_THAT(checkpoint.notes,
              Contains(HasSubstr("the weights are model.safetensors")));
  EXPECT_EQ(checkpoint.model_files.back().filename(), "model.safetensors");
}

TEST_F(CheckpointTest, TensorInTwoShardsIsRefused) {
  fs::rename(file("model.safetensors"), file("one.safetensors"));
  fs::copy(file("one.safetensors"), file("two.safetensors"));
  fs::copy(file("one.safetensors"), file("model.safetensors"));
  write_index("one.safetensors");
  fs::remove(file("model.safetensors"));
  json index = json::parse(std::ifstream(file("model.safetensors.index.json")));
  index["weight_map"]["lm_head.weight"] = "two.safetensors";
  write("model.safetensors.index.json", index.dump());
  EXPECT_THAT(refusal(), AllOf(HasSubstr("tensor lm_head.weight is in two"),
                               HasSubstr("; ")));
}

TEST_F(CheckpointTest, LinkIntoNothingIsNotAbsentWhateverTheFile) {
  for (const char* name :
       {"config.json", "generation_config.json", "preprocessor_config.json",
        "processor_config.json", "chat_template.json", "chat_template.jinja",
        "model.safetensors", "model.safetensors.index.json",
        "adapter_config.json"}) {
    const fs::path kept = folder_ / "kept";
    if (fs::exists(file(name))) fs::rename(file(name), kept);
    fs::create_symlink("../../blobs/0a1b", file(name));
    EXPECT_THAT(refusal(), AllOf(HasSubstr(name), HasSubstr("../../blobs/0a1b"),
                                 HasSubstr("link into nothing")));
    fs::remove(file(name));
    if (fs::exists(kept)) fs::rename(kept, file(name));
  }
  EXPECT_EQ(refusal(), "accepted");
}

TEST_F(CheckpointTest, VocabularyThatIsNotReadIsNamed) {
  EXPECT_THAT(read().notes, IsEmpty());
  write("vocab.json", R"({"a": 0})");
  EXPECT_THAT(read().notes, Contains(HasSubstr("vocab.json beside it")));
}

TEST_F(CheckpointTest, AdapterBesideTheWeightsIsRefused) {
  write("adapter_config.json", "{}");
  EXPECT_THAT(refusal(), AllOf(HasSubstr("adapter"), HasSubstr("; merge it")));
}

TEST_F(CheckpointTest, FolderOfTheHubsCacheLeadsToItsRevision) {
  fs::create_directories(folder_ / "hub/snapshots");
  fs::rename(folder_ / "model", folder_ / "hub/snapshots/abc");
  const Checkpoint checkpoint = read_checkpoint(folder_ / "hub");
  EXPECT_EQ(checkpoint.folder, folder_ / "hub/snapshots/abc");
  EXPECT_EQ(checkpoint.name, "hub");
}

TEST_F(CheckpointTest, MissingFilesAreNamed) {
  fs::remove(file("model.safetensors"));
  EXPECT_THAT(refusal(), HasSubstr("neither model.safetensors nor"));
  fs::remove(file("config.json"));
  EXPECT_THAT(refusal(), HasSubstr("config.json (no such file)"));
}

}  // namespace
}  // namespace lens::cli
