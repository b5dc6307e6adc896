#include "cli/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/checkpoint.h"
#include "cli/file_hash.h"
#include "storage/manifest_file.h"
#include "storage/vocabulary_file.h"
#include "tests/cli/run_inputs.h"
#include "tests/cli/scratch_folder.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

Machine laptop() {
  Machine machine;
  machine.cores = 6;
  return machine;
}

Machine gpu_node() {
  Machine machine = laptop();
  machine.cores = 64;
  machine.gpu.gpus = {{"GPU", 80'000'000'000}, {"GPU", 80'000'000'000}};
  return machine;
}

class PlanTest : public testing::Test {
 protected:
  PlanTest() {
    fs::copy(tiny_checkpoint(), folder_ / "model");
    write_latex_ocr(folder_ / "latex/test-00000-of-00001.parquet",
                    std::vector<std::string>(70, "x^2"), small_png());
    write_mtvqa(folder_ / "mtvqa/test-00000-of-00001.parquet",
                {{"RU", {"a", "b"}}, {"KR", {"c"}}, {"RU", {"d", "e", "f"}}},
                small_png());
  }

  PlanRequest request() const {
    PlanRequest plan;
    plan.model = folder_ / "model";
    plan.datasets = {{"mtvqa", folder_ / "mtvqa"},
                     {"latex_ocr", folder_ / "latex"}};
    plan.run_directory = folder_ / "run";
    return plan;
  }

  storage::Manifest manifest(const PlanRequest& plan,
                             const Machine& machine = laptop()) const {
    return make_manifest(plan, machine, nullptr, {});
  }

  std::string refusal(const PlanRequest& plan,
                      const Machine& machine = laptop()) const {
    try {
      plan_run(plan, machine, {});
    } catch (const InputError& error) {
      return error.what();
    }
    return "accepted";
  }

  void edit_config(const std::string& key, const nlohmann::json& value) {
    const fs::path file = folder_ / "model/config.json";
    nlohmann::json config = nlohmann::json::parse(std::ifstream(file));
    config[key] = value;
    std::ofstream(file) << config;
  }

  ScratchFolder folder_;
};

TEST_F(PlanTest, UnitsHoldEverySampleInOrderOfNameAndRow) {
  const storage::Manifest plan = manifest(request());
  ASSERT_EQ(plan.datasets.size(), 2u);
  EXPECT_EQ(plan.datasets[0].name, "latex_ocr");
  EXPECT_EQ(plan.datasets[0].samples, 70);
  EXPECT_EQ(plan.datasets[1].samples, 6);
  ASSERT_EQ(plan.units.size(), 4u) << "32 + 32 + 6 images, and 3";
  EXPECT_EQ(plan.units[2], (storage::Unit{2, "latex_ocr", 64, 70, 64, 6}));
  EXPECT_EQ(plan.units[3], (storage::Unit{3, "mtvqa", 0, 3, 0, 6}));
}

TEST_F(PlanTest, OrderOfDatasetFlagsMakesTheSameRun) {
  PlanRequest swapped = request();
  std::swap(swapped.datasets[0], swapped.datasets[1]);
  EXPECT_EQ(manifest(request()).run_id, manifest(swapped).run_id);
}

TEST_F(PlanTest, LimitCountsSamplesOfEachDataset) {
  PlanRequest plan = request();
  plan.limit = 4;
  const storage::Manifest limited = manifest(plan);
  EXPECT_EQ(limited.datasets[0].samples, 4);
  EXPECT_EQ(limited.datasets[1].samples, 4);
  EXPECT_EQ(limited.units.back(), (storage::Unit{1, "mtvqa", 0, 3, 0, 4}));
}

TEST_F(PlanTest, LanguagesChooseAmongThoseOfMtvqaAlone) {
  PlanRequest plan = request();
  plan.languages = {"RU"};
  const storage::Manifest russian = manifest(plan);
  EXPECT_EQ(russian.datasets[0].samples, 70);
  EXPECT_EQ(russian.datasets[1].samples, 5);
  plan.languages = {"XX"};
  EXPECT_THAT(refusal(plan), HasSubstr("it holds KR RU"));
}

TEST_F(PlanTest, AutoFollowsTheMachine) {
  edit_config("dtype", "bfloat16");
  const storage::RunConfig slow = manifest(request()).config;
  EXPECT_EQ(slow.device, "cpu");
  EXPECT_EQ(slow.dtype, "float32");
  EXPECT_EQ(slow.threads, 6);
  EXPECT_EQ(slow.unit_images, 32);
  Machine quick = laptop();
  quick.cpu.amx_bf16 = true;
  EXPECT_EQ(manifest(request(), quick).config.dtype, "bfloat16");
  const storage::RunConfig gpu = manifest(request(), gpu_node()).config;
  EXPECT_EQ(gpu.device, "cuda");
  EXPECT_EQ(gpu.dtype, "bfloat16");
  EXPECT_EQ(gpu.threads, 32);
  EXPECT_EQ(gpu.unit_images, 512);
  EXPECT_EQ(resolve_workers(request(), gpu_node(), gpu), 2);
  EXPECT_EQ(resolve_workers(request(), gpu_node(), slow), 1);
}

TEST_F(PlanTest, Float16KeepsItsMantissaOnCpusAndNarrowsOnGpus) {
  edit_config("dtype", "float16");
  Machine quick = laptop();
  quick.cpu.amx_bf16 = true;
  EXPECT_EQ(manifest(request(), quick).config.dtype, "float32");
  EXPECT_EQ(manifest(request(), gpu_node()).config.dtype, "bfloat16");
}

TEST_F(PlanTest, Float32CheckpointsStayFloat32OnGpus) {
  edit_config("dtype", "float32");
  EXPECT_EQ(manifest(request(), gpu_node()).config.dtype, "float32");
}

TEST_F(PlanTest, PromptsAreTheContractsUnlessGiven) {
  PlanRequest plan = request();
  plan.prompts["latex_ocr"] = "Read.";
  const storage::RunConfig config = manifest(plan).config;
  EXPECT_EQ(config.prompts.at("latex_ocr"), "Read.");
  EXPECT_EQ(config.prompts.at("mtvqa"),
            "{question}\nAnswer the question using a word or phrase in the "
            "language of the question.");
  plan.datasets.pop_back();
  EXPECT_THAT(refusal(plan), HasSubstr("--prompt for latex_ocr"));
}

TEST_F(PlanTest, OneMeaningHasOneSpelling) {
  PlanRequest plan = request();
  plan.tokens = {"question", "answer", "answer"};
  plan.save_hidden = {2, 0, 2};
  plan.languages = {"RU", "KR", "RU"};
  const storage::RunConfig config = manifest(plan).config;
  EXPECT_THAT(config.tokens, ElementsAre("answer", "question"));
  EXPECT_THAT(config.save_hidden, ElementsAre(0, 2));
  EXPECT_THAT(config.languages, ElementsAre("KR", "RU"));
  plan.tokens = {"image", "all"};
  plan.save_hidden = {kAllStates};
  const storage::Manifest all = manifest(plan);
  EXPECT_THAT(all.config.tokens, ElementsAre("all"));
  EXPECT_EQ(all.config.save_hidden.size(),
            static_cast<std::size_t>(all.model.num_layers) + 1);
}

TEST_F(PlanTest, StatesBeyondTheModelAreRefused) {
  PlanRequest plan = request();
  plan.save_hidden = {1000};
  EXPECT_THAT(refusal(plan), HasSubstr("--save-hidden 1000"));
}

TEST_F(PlanTest, RunDirectoryHoldsTheWholePlan) {
  const Plan plan = plan_run(request(), laptop(), {});
  EXPECT_FALSE(plan.resumed);
  const storage::RunDirectory run(folder_ / "run");
  EXPECT_EQ(storage::read_manifest(run.manifest()), plan.manifest);
  const storage::Vocabulary vocabulary =
      storage::read_vocabulary(run.vocabulary());
  EXPECT_EQ(vocabulary.token_text.size(),
            static_cast<std::size_t>(plan.manifest.model.vocab_size));
  EXPECT_EQ(vocabulary.script_names.size(), 14u);
  EXPECT_TRUE(fs::is_directory(run.logs()));
}

TEST_F(PlanTest, SameRequestAgainResumes) {
  const Plan first = plan_run(request(), laptop(), {});
  const Plan again = plan_run(request(), laptop(), {});
  EXPECT_TRUE(again.resumed);
  EXPECT_EQ(again.manifest, first.manifest);
}

TEST_F(PlanTest, AutoOnResumeIsWhatTheManifestSays) {
  plan_run(request(), laptop(), {});
  const Plan elsewhere = plan_run(request(), gpu_node(), {});
  EXPECT_TRUE(elsewhere.resumed);
  EXPECT_EQ(elsewhere.manifest.config.device, "cpu");
  EXPECT_EQ(elsewhere.manifest.config.threads, 6);
  PlanRequest more_workers = request();
  more_workers.workers = 3;
  EXPECT_EQ(plan_run(more_workers, laptop(), {}).workers, 3);
}

TEST_F(PlanTest, AnotherConfigIsRefusedByNameAndNothingIsTouched) {
  plan_run(request(), laptop(), {});
  const fs::path file = folder_ / "run/manifest.json";
  const auto time = fs::last_write_time(file);
  PlanRequest other = request();
  other.limit = 5;
  other.top_k = 3;
  const std::string message = refusal(other);
  EXPECT_THAT(message, HasSubstr("holds another run"));
  EXPECT_THAT(message, HasSubstr("limit: 0 in the run directory, 5"));
  EXPECT_THAT(message, HasSubstr("top_k: 5 in the run directory, 3"));
  EXPECT_EQ(message.find('\n'), std::string::npos);
  EXPECT_EQ(fs::last_write_time(file), time);
}

TEST_F(PlanTest, AnotherNumberOfRanksIsAnotherRun) {
  const storage::Manifest one = manifest(request());
  storage::Manifest two = one;
  two.config.tensor_parallel = 2;
  two.run_id = storage::run_identity(two);
  EXPECT_EQ(describe_difference(one, two),
            "tensor_parallel: 1 in the run directory, 2 asked for");
  EXPECT_EQ(describe_difference(two, one),
            "tensor_parallel: 2 in the run directory, 1 asked for");
}

TEST_F(PlanTest, BlankImagesAreAnotherRun) {
  const storage::Manifest kept = manifest(request());
  PlanRequest plan = request();
  plan.image = storage::kBlankImages;
  const storage::Manifest blank = manifest(plan);
  EXPECT_NE(blank.run_id, kept.run_id);
  EXPECT_EQ(describe_difference(kept, blank),
            "image: keep in the run directory, blank asked for");
  EXPECT_EQ(describe_difference(blank, kept),
            "image: blank in the run directory, keep asked for");
}

TEST_F(PlanTest, RanksThatCannotShareTheModelAreRefused) {
  PlanRequest plan = request();
  plan.tensor_parallel = 4095;
  EXPECT_THAT(refusal(plan),
              HasSubstr("cannot spread this model over 4095 ranks (its "));
  EXPECT_FALSE(fs::exists(folder_ / "run"));
}

TEST_F(PlanTest, ChangedInputsAreAnotherRun) {
  plan_run(request(), laptop(), {});
  write_latex_ocr(folder_ / "latex/test-00000-of-00001.parquet",
                  std::vector<std::string>(70, "y^2"), small_png());
  EXPECT_THAT(refusal(request()), HasSubstr("the files of latex_ocr"));
  edit_config("rms_norm_eps", 0.25);
  EXPECT_THAT(refusal(request()), HasSubstr("model: model ("));
}

TEST_F(PlanTest, MovedInputsAreTheSameRunUnderTheirNewPath) {
  const Plan first = plan_run(request(), laptop(), {});
  fs::rename(folder_ / "latex", folder_ / "elsewhere");
  PlanRequest moved = request();
  moved.datasets[1].path = folder_ / "elsewhere";
  const Plan again = plan_run(moved, laptop(), {});
  EXPECT_TRUE(again.resumed);
  EXPECT_EQ(again.manifest.run_id, first.manifest.run_id);
  const storage::Manifest stored =
      storage::read_manifest(folder_ / "run/manifest.json");
  EXPECT_THAT(stored.datasets[0].path, HasSubstr("elsewhere"));
}

TEST_F(PlanTest, MissingInputsAreNamed) {
  PlanRequest plan = request();
  plan.model = folder_ / "none";
  EXPECT_THAT(refusal(plan), HasSubstr("no such folder"));
  fs::remove(folder_ / "model/model.safetensors");
  EXPECT_THAT(refusal(request()), HasSubstr("no weights"));
}

TEST_F(PlanTest, UnchangedFilesAreNotHashedAgain) {
  const fs::path file = folder_ / "model/config.json";
  auto known = hash_files({file}, {});
  ASSERT_EQ(known[0].sha256.size(), 64u);
  known[0].sha256 = "remembered";
  EXPECT_EQ(hash_files({file}, {.known = known})[0].sha256, "remembered");
  known[0].modified_ns -= 1;
  EXPECT_NE(hash_files({file}, {.known = known})[0].sha256, "remembered");
}

TEST_F(PlanTest, HashOfAFolderDoesNotDependOnItsPlace) {
  const auto here =
      hash_files({folder_ / "model/config.json", folder_ / "model/vocab.json"},
                 {.threads = 2});
  const auto there = hash_files(
      {tiny_checkpoint() / "vocab.json", tiny_checkpoint() / "config.json"},
      {});
  EXPECT_EQ(combined_sha256(here), combined_sha256(there));
}

// A folder of two pictures with a table that names three.
class OwnDataPlanTest : public PlanTest {
 protected:
  OwnDataPlanTest() {
    fs::create_directories(folder_ / "own");
    for (const char* name : {"a.png", "b c.png"})
      std::ofstream(folder_ / "own" / name, std::ios::binary) << small_png();
    write_table(
        "file_name,question,answer,id\n"
        "b c.png,Wo?,da,x\na.png,Who?,me,y\nnone.png,Why?,so,z\n");
  }
  void write_table(const std::string& text) const {
    std::ofstream(folder_ / "own/metadata.csv") << text;
  }
  PlanRequest own() const {
    PlanRequest plan = request();
    plan.datasets = {{"My-own", folder_ / "own"}};
    return plan;
  }
};

TEST_F(OwnDataPlanTest, GuessesAreSaidAndStored) {
  const storage::Manifest plan = manifest(own());
  EXPECT_EQ(plan.config.data.at("My-own").columns,
            (std::map<std::string, std::string>{{"answer", "answer"},
                                                {"id", "id"},
                                                {"image", "file_name"},
                                                {"question", "question"}}));
  EXPECT_EQ(plan.config.data.at("My-own").score, "contains");
  EXPECT_EQ(plan.config.prompts.at("My-own"), "{question}");
  EXPECT_THAT(plan.notes,
              testing::Contains(HasSubstr(
                  "image=file_name, question=question, answer=answer, id=id")));
  ASSERT_EQ(plan.datasets[0].pictures.size(), 2U);
  EXPECT_EQ(plan.datasets[0].samples, 3);
  EXPECT_EQ(plan.run_id, manifest(own()).run_id);
}

TEST_F(OwnDataPlanTest, AnotherPictureOrMapIsAnotherRun) {
  const std::string before = manifest(own()).run_id;
  PlanRequest scored = own();
  scored.wishes["My-own"].score = data::ScoreRule::kExact;
  EXPECT_NE(manifest(scored).run_id, before);
  std::ofstream(folder_ / "own/a.png", std::ios::app) << "x";
  EXPECT_NE(manifest(own()).run_id, before);
}

TEST_F(OwnDataPlanTest, KeysThatStandTwiceAreNoKeys) {
  write_table("file_name,question,answer,id\na.png,q,a,x\na.png,r,b,x\n");
  const storage::Manifest plan = manifest(own());
  EXPECT_FALSE(plan.config.data.at("My-own").columns.contains("id"));
  EXPECT_THAT(plan.notes, testing::Contains(HasSubstr("rows are numbered")));
  PlanRequest asked = own();
  asked.wishes["My-own"].columns["id"] = "id";
  EXPECT_THAT(refusal(asked), HasSubstr("'x' stands twice in column 'id'"));
}

TEST_F(OwnDataPlanTest, WhatCannotBeGuessedIsAskedFor) {
  write_table("file,label\na.png,x\n");
  EXPECT_THAT(refusal(own()), HasSubstr("--columns My-own:image=COL"));
  PlanRequest plan = own();
  plan.wishes["My-own"].columns["image"] = "file";
  EXPECT_THAT(refusal(plan), HasSubstr("--question My-own=TEXT"));
  plan.wishes["My-own"].question = "What is it?";
  EXPECT_EQ(manifest(plan).config.data.at("My-own").question, "What is it?");
}

TEST_F(OwnDataPlanTest, PicturesAloneNeedOnlyAQuestion) {
  fs::remove(folder_ / "own/metadata.csv");
  PlanRequest plan = own();
  plan.wishes["My-own"].question = "What is it?";
  const storage::Manifest planned = manifest(plan);
  EXPECT_EQ(planned.datasets[0].files.size(), 2U);
  EXPECT_EQ(planned.datasets[0].samples, 2);
  EXPECT_EQ(planned.config.data.at("My-own").score, "none");
  // What a limit leaves out is not even hashed.
  plan.limit = 1;
  EXPECT_EQ(manifest(plan).datasets[0].files.size(), 1U);
}

TEST_F(PlanTest, PresetsSayNothingMoreInTheirConfiguration) {
  EXPECT_TRUE(manifest(request()).config.data.empty());
  EXPECT_EQ(storage::config_json(manifest(request()).config).find("\"data\""),
            std::string::npos);
}

}  // namespace
}  // namespace lens::cli
