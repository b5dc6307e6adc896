#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/exit_code.h"
#include "cli/merge_command.h"
#include "cli/run_lock.h"
#include "cli/status_command.h"
#include "cli/status_source.h"
#include "cli/verify_command.h"
#include "coordinator/ledger.h"
#include "coordinator/ledger_reader.h"
#include "storage/manifest_file.h"
#include "tests/cli/scratch_folder.h"

namespace lens::cli {
namespace {

using coordinator::Ledger;
using nlohmann::json;
using testing::HasSubstr;

storage::DatasetInput dataset(const std::string& name, std::int64_t samples) {
  storage::DatasetInput input;
  input.name = name;
  input.samples = samples;
  return input;
}

// A run of three units: 4 + 4 samples of latex_ocr and 5 of mtvqa.
class StatusTest : public testing::Test {
 protected:
  StatusTest() : run_(folder_.path()) {
    manifest_.config.device = "cpu";
    manifest_.config.dtype = "float32";
    manifest_.model.num_layers = 2;
    manifest_.model.vocab_size = 16;
    manifest_.model.hidden_size = 4;
    manifest_.datasets = {dataset("latex_ocr", 8), dataset("mtvqa", 5)};
    manifest_.units = {{0, "latex_ocr", 0, 4, 0, 4},
                       {1, "latex_ocr", 4, 8, 4, 4},
                       {2, "mtvqa", 0, 3, 0, 5}};
    manifest_.run_id = storage::run_identity(manifest_);
    storage::write_manifest(run_.manifest(), manifest_);
  }

  std::unique_ptr<Ledger> open_ledger() {
    auto ledger = Ledger::open(run_.ledger(), {manifest_.run_id, "00"});
    EXPECT_TRUE(ledger.ok()) << ledger.status();
    EXPECT_TRUE((*ledger)->begin_epoch(0, {}).ok());
    return *std::move(ledger);
  }

  void commit(Ledger& ledger, int unit, int ok, int failed) {
    coordinator::UnitCommit commit;
    commit.unit = coordinator::UnitIndex(unit);
    commit.token = {1, static_cast<std::uint64_t>(unit + 1)};
    commit.receipt = {"parts/none.h5", 1, "00"};
    commit.samples_ok = ok;
    commit.samples_failed = failed;
    EXPECT_TRUE(ledger.commit(commit).ok());
  }

  void commit_all() {
    const auto ledger = open_ledger();
    commit(*ledger, 0, 4, 0);
    commit(*ledger, 1, 3, 1);
    commit(*ledger, 2, 5, 0);
  }

  json status_object() {
    std::ostringstream out;
    EXPECT_EQ(status_command(run_.root(), {.json = true}, out), kExitOk);
    return json::parse(out.str());
  }

  ScratchFolder folder_;
  storage::RunDirectory run_;
  storage::Manifest manifest_;
};

TEST_F(StatusTest, FolderWithoutARunIsAnError) {
  std::ostringstream out;
  EXPECT_THROW(status_command(folder_ / "none", {}, out), InputError);
  EXPECT_EQ(out.str(), "");
}

TEST_F(StatusTest, PlannedRunHasDoneNothing) {
  const json status = status_object();
  EXPECT_EQ(status["state"], "interrupted");
  EXPECT_EQ(status["datasets"]["mtvqa"],
            (json{{"total", 5}, {"done", 0}, {"failed", 0}}));
  EXPECT_EQ(status["workers"], json::array());
  EXPECT_EQ(status["samples_per_second"], 0.0);
  EXPECT_TRUE(status["eta_seconds"].is_null());
  EXPECT_THAT(status["message"].get<std::string>(),
              HasSubstr("planned, not started"));
}

TEST_F(StatusTest, LedgerTellsWhatIsDoneWhenNoCoordinatorRuns) {
  commit(*open_ledger(), 1, 3, 1);
  const json status = status_object();
  EXPECT_EQ(status["state"], "interrupted");
  EXPECT_EQ(status["source"], "ledger");
  EXPECT_EQ(status["datasets"]["latex_ocr"],
            (json{{"total", 8}, {"done", 4}, {"failed", 1}}));
  EXPECT_EQ(status["units"]["committed"], 1);
  EXPECT_THAT(status["message"].get<std::string>(),
              HasSubstr("run the same command again"));
}

TEST_F(StatusTest, FailedRunsGiveTheReason) {
  {
    const auto ledger = open_ledger();
    ASSERT_TRUE(
        ledger->set_state(RunState::kFailed, "unit 2 was given up").ok());
  }
  const json status = status_object();
  EXPECT_EQ(status["state"], "failed");
  EXPECT_THAT(status["message"].get<std::string>(),
              HasSubstr("unit 2 was given up"));
}

TEST_F(StatusTest, CompleteNeedsTheResultsToo) {
  commit_all();
  EXPECT_EQ(status_object()["state"], "interrupted");
  EXPECT_THAT(status_object()["message"].get<std::string>(),
              HasSubstr("lens merge"));
  std::ofstream(run_.results()) << "x";
  EXPECT_EQ(status_object()["state"], "complete");
  EXPECT_EQ(status_object()["results"], run_.results().string());
}

TEST_F(StatusTest, LiveProcessesTellMergingAndRunning) {
  commit(*open_ledger(), 0, 4, 0);
  {
    const auto lock = RunLock::acquire(run_, Activity::kRunning);
    EXPECT_EQ(status_object()["state"], "running");
    EXPECT_EQ(ledger_status(run_, Asker::kRunHolder).state,
              RunState::kInterrupted);
    EXPECT_FALSE(RunLock::acquire(run_, Activity::kRunning));
  }
  EXPECT_EQ(status_object()["state"], "interrupted") << "the lock is gone";
  const auto lock = RunLock::acquire(run_, Activity::kMerging);
  EXPECT_EQ(status_object()["state"], "merging");
}

TEST_F(StatusTest, MergingThatDiedIsInterrupted) {
  commit_all();
  ASSERT_TRUE(
      coordinator::set_run_state(run_.ledger(), RunState::kMerging).ok());
  EXPECT_EQ(status_object()["state"], "interrupted");
}

TEST_F(StatusTest, HeldLedgerWithoutACoordinatorThatAnswersIsAnError) {
  const auto ledger = open_ledger();
  std::ostringstream out;
  EXPECT_THROW(status_command(run_.root(), {}, out), InputError);
}

TEST_F(StatusTest, TextNamesCountsAndHidesLostAttempts) {
  {
    const auto ledger = open_ledger();
    coordinator::UnitFailure lost;
    lost.reason = "given back";
    lost.token = {1, 1};
    coordinator::UnitFailure crash;
    crash.failure_class = coordinator::FailureClass::kCrash;
    crash.sample_id = "7.1";
    crash.reason = "killed by signal 11";
    crash.token = {1, 2};
    ASSERT_TRUE(ledger->record(std::vector{lost, crash}, std::nullopt).ok());
    commit(*ledger, 0, 4, 0);
  }
  std::ostringstream out;
  EXPECT_EQ(status_command(run_.root(), {.watch = true}, out), kExitOk);
  EXPECT_THAT(out.str(), HasSubstr("latex_ocr  4/8 samples (50.0 %)"));
  EXPECT_THAT(out.str(), HasSubstr("crash, sample 7.1: killed by signal 11"));
  EXPECT_THAT(out.str(), testing::Not(HasSubstr("given back")));
  EXPECT_EQ(status_object()["failures"].size(), 2u);
}

TEST_F(StatusTest, FullMergeOfAnUnfinishedRunSaysHowManyUnitsAreMissing) {
  commit(*open_ledger(), 0, 4, 0);
  std::ostringstream out;
  try {
    merge_command(run_.root(), {}, out);
    FAIL() << "merged";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("2 of 3 units are not done"));
    EXPECT_THAT(error.what(), HasSubstr("--partial"));
  }
  EXPECT_FALSE(std::filesystem::exists(run_.results()));
}

TEST_F(StatusTest, VerifyReportsPartsThatAreGone) {
  commit(*open_ledger(), 0, 4, 0);
  std::ostringstream out;
  EXPECT_EQ(verify_command(run_.root(), out), kExitError);
  EXPECT_THAT(out.str(), HasSubstr("parts/none.h5"));
}

TEST_F(StatusTest, VerifyReportsAFileThatIsNoResults) {
  std::ofstream(folder_ / "broken.h5") << "not HDF5";
  std::ostringstream out;
  EXPECT_EQ(verify_command(folder_ / "broken.h5", out), kExitError);
  EXPECT_THAT(out.str(), HasSubstr("broken.h5"));
}

}  // namespace
}  // namespace lens::cli
