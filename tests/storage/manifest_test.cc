#include "storage/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "fixtures.h"
#include "storage/manifest_file.h"

namespace lens::storage {
namespace {

using fixtures::make_manifest;
using nlohmann::json;

std::string error_of(const std::filesystem::path& file) {
  try {
    read_manifest(file);
    return "";
  } catch (const StorageError& error) {
    EXPECT_THAT(error.what(), testing::Not(testing::HasSubstr("\n")));
    return error.what();
  }
}

// Writes the JSON after `change` and gives what reading it says.
std::string error_after(const std::function<void(json&)>& change) {
  const fixtures::TemporaryFolder folder;
  const auto file = folder.path() / "manifest.json";
  write_manifest(file, make_manifest());
  json manifest = json::parse(fixtures::read_bytes(file));
  change(manifest);
  fixtures::write_bytes(file, manifest.dump());
  return error_of(file);
}

TEST(Manifest, ReadsWhatWasWritten) {
  const fixtures::TemporaryFolder folder;
  const Manifest manifest = make_manifest({.hidden = true});
  write_manifest(folder.path() / "m", manifest);
  EXPECT_EQ(read_manifest(folder.path() / "m"), manifest);
}

TEST(Manifest, PathsAndTimesAreNotTheIdentity) {
  Manifest manifest = make_manifest();
  const std::string id = run_identity(manifest);
  EXPECT_EQ(id.size(), 32u);
  manifest.model.path = "/elsewhere";
  manifest.model.name = "elsewhere";
  manifest.datasets[0].path = "/elsewhere";
  manifest.datasets[0].files[0].path = "/elsewhere/x";
  manifest.datasets[0].files[0].modified_ns = 77;
  EXPECT_EQ(run_identity(manifest), id);
}

TEST(Manifest, NotesAreKeptOutsideOfTheIdentityAndEarlierPlansHaveNone) {
  const fixtures::TemporaryFolder folder;
  Manifest manifest = make_manifest();
  manifest.notes = {"the weights are model.safetensors"};
  EXPECT_EQ(run_identity(manifest), manifest.run_id);
  write_manifest(folder.path() / "m", manifest);
  EXPECT_EQ(read_manifest(folder.path() / "m"), manifest);
  json earlier = json::parse(fixtures::read_bytes(folder.path() / "m"));
  earlier.erase("notes");
  fixtures::write_bytes(folder.path() / "m", earlier.dump());
  EXPECT_EQ(read_manifest(folder.path() / "m"), make_manifest());
  EXPECT_NE(error_after([](json& m) { m["notes"] = 7; }), "");
}

TEST(Manifest, WhatDecidesResultsIsTheIdentity) {
  const Manifest original = make_manifest();
  const std::vector<std::function<void(Manifest&)>> changes = {
      [](Manifest& m) { m.config.top_k = 4; },
      [](Manifest& m) { m.config.prompts["mtvqa"] = "x"; },
      [](Manifest& m) { m.config.tensor_parallel = 2; },
      [](Manifest& m) { m.config.image = kBlankImages; },
      [](Manifest& m) { m.config.system_prompt = ""; },
      [](Manifest& m) { m.model.sha256[0] = '0'; },
      [](Manifest& m) { m.model.tokenizer_sha256[0] = '0'; },
      [](Manifest& m) { m.datasets[1].files[0].sha256[0] = '0'; },
      [](Manifest& m) { m.units.pop_back(); },
  };
  for (const auto& change : changes) {
    Manifest changed = original;
    change(changed);
    EXPECT_NE(run_identity(changed), original.run_id);
  }
}

TEST(Manifest, RanksAreOneWhereAPlanDoesNotSayThem) {
  const fixtures::TemporaryFolder folder;
  const auto file = folder.path() / "m";
  Manifest manifest = make_manifest();
  write_manifest(file, manifest);
  EXPECT_THAT(fixtures::read_bytes(file),
              testing::Not(testing::HasSubstr("tensor_parallel")));
  EXPECT_EQ(read_manifest(file).config.tensor_parallel, 1);
  manifest.config.tensor_parallel = 4;
  manifest.run_id = run_identity(manifest);
  write_manifest(file, manifest);
  EXPECT_EQ(read_manifest(file), manifest);
  EXPECT_THAT(config_json(manifest.config),
              testing::HasSubstr("\"tensor_parallel\":4"));
  EXPECT_THAT(error_after([](json& m) { m["config"]["tensor_parallel"] = 0; }),
              testing::HasSubstr("tensor_parallel is not in 1.."));
}

// So that plans made before it could be said are the same runs.
TEST(Manifest, PicturesThatAreKeptAreNotSaid) {
  const fixtures::TemporaryFolder folder;
  const auto file = folder.path() / "m";
  Manifest manifest = make_manifest();
  EXPECT_THAT(config_json(manifest.config),
              testing::Not(testing::HasSubstr("\"image\"")));
  manifest.config.image = kBlankImages;
  manifest.run_id = run_identity(manifest);
  write_manifest(file, manifest);
  EXPECT_EQ(read_manifest(file), manifest);
  EXPECT_THAT(config_json(manifest.config),
              testing::HasSubstr("\"image\":\"blank\""));
  EXPECT_THAT(error_after([](json& m) { m["config"]["image"] = "grey"; }),
              testing::HasSubstr("image is not keep or blank"));
}

TEST(Manifest, ConfigJsonIsCanonical) {
  const std::string text = config_json(make_manifest().config);
  EXPECT_EQ(text, json::parse(text).dump());
  EXPECT_THAT(text, testing::HasSubstr("\"top_k\":3"));
}

TEST(Manifest, AnyChangedValueIsRefused) {
  EXPECT_THAT(error_after([](json& m) { m["config"]["top_k"] = 4; }),
              testing::HasSubstr("run_id"));
  EXPECT_THAT(error_after([](json& m) { m["run_id"] = "0"; }),
              testing::HasSubstr("run_id"));
}

TEST(Manifest, EveryMissingFieldIsNamed) {
  const json whole = [] {
    const fixtures::TemporaryFolder folder;
    write_manifest(folder.path() / "m", make_manifest());
    return json::parse(fixtures::read_bytes(folder.path() / "m"));
  }();
  for (const char* at : {"", "/config", "/model", "/datasets/0", "/units/1",
                         "/datasets/0/files/0"}) {
    const json::json_pointer pointer(at);
    for (const auto& [key, value] : whole[pointer].items()) {
      if (key == "notes") continue;  // earlier manifests have none
      const std::string error =
          error_after([&, name = key](json& m) { m[pointer].erase(name); });
      EXPECT_THAT(error, testing::HasSubstr(key + " is missing"));
      const std::string retyped = error_after(
          [&, name = key](json& m) { m[pointer][name] = json::array({{1}}); });
      EXPECT_NE(retyped, "") << at << "/" << key;
    }
  }
}

TEST(Manifest, NumbersOutOfRangeAreRefused) {
  EXPECT_THAT(error_after([](json& m) { m["config"]["threads"] = 0; }),
              testing::HasSubstr("threads is not in 1.."));
  EXPECT_THAT(error_after([](json& m) { m["config"]["threads"] = 1.5; }),
              testing::HasSubstr("not an integer"));
  EXPECT_THAT(error_after([](json& m) {
                m["config"]["limit"] = 18446744073709551615ULL;
              }),
              testing::HasSubstr("limit is not in"));
  EXPECT_THAT(error_after([](json& m) { m["version"] = 2; }),
              testing::HasSubstr("manifest version 2"));
  EXPECT_THAT(error_after([](json& m) { m["config"]["dtype"] = "float16"; }),
              testing::HasSubstr("dtype"));
}

TEST(Manifest, UnitsOutOfOrderAreRefused) {
  EXPECT_THAT(
      error_after([](json& m) { std::swap(m["units"][0], m["units"][1]); }),
      testing::HasSubstr("unit 0 has the index 1"));
  EXPECT_THAT(error_after([](json& m) { m["units"][1]["first_sample"] = 3; }),
              testing::HasSubstr("unit 1 does not continue"));
  EXPECT_THAT(error_after([](json& m) { m["units"][1]["row_begin"] = 3; }),
              testing::HasSubstr("unit 1 does not continue"));
  EXPECT_THAT(error_after([](json& m) { m["units"].erase(4); }),
              testing::HasSubstr("do not give its samples"));
  EXPECT_THAT(error_after([](json& m) { m["units"][0]["dataset"] = "x"; }),
              testing::HasSubstr("unknown data set"));
}

TEST(Manifest, TornFileIsRefused) {
  const fixtures::TemporaryFolder folder;
  const auto file = folder.path() / "m";
  write_manifest(file, make_manifest());
  const std::string bytes = fixtures::read_bytes(file);
  for (std::size_t i = 0; i + 2 < bytes.size(); i += 97) {
    fixtures::write_bytes(file, bytes.substr(0, i));
    EXPECT_NE(error_of(file), "") << i;
  }
  EXPECT_THAT(error_of(folder.path() / "absent"),
              testing::HasSubstr("No such file"));
}

TEST(Manifest, DatasetNamesThatCannotBeGroupsAreRefused) {
  for (const char* name :
       {"", "a/b", "..", "layer", "block", "vocabulary", "a b"}) {
    Manifest manifest = make_manifest();
    manifest.datasets[0].name = name;
    for (Unit& unit : manifest.units) {
      if (unit.dataset == "mtvqa") unit.dataset = name;
    }
    manifest.run_id = run_identity(manifest);
    EXPECT_THROW(write_manifest("/nowhere/m", manifest), StorageError);
  }
}

}  // namespace
}  // namespace lens::storage
