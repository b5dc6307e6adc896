// The watch over processes: the real coordinator, workers that are scripts.
#include "cli/local_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

#include "storage/manifest_file.h"
#include "tests/cli/scratch_folder.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::HasSubstr;

// Waits until the condition holds; false after twenty seconds.
bool in_time(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

// Whoever runs the tests may ignore some.
struct DefaultSignals {
  DefaultSignals() {
    for (const int number : {SIGINT, SIGTERM}) signal(number, SIG_DFL);
  }
};

class LocalRunTest : public testing::Test {
 protected:
  LocalRunTest() : run_(folder_ / "run") {
    storage::Manifest manifest;
    manifest.config.device = "cpu";
    manifest.config.dtype = "float32";
    manifest.model.num_layers = 2;
    manifest.model.vocab_size = 16;
    manifest.model.hidden_size = 4;
    manifest.datasets.resize(1);
    manifest.datasets[0].name = "latex_ocr";
    manifest.datasets[0].samples = 4;
    manifest.units = {{0, "latex_ocr", 0, 4, 0, 4}};
    manifest.run_id = storage::run_identity(manifest);
    fs::create_directories(run_.logs());
    fs::create_directories(run_.parts());
    storage::write_manifest(run_.manifest(), manifest);
    signals_.watch();
  }

  // A program that runs `script`; $1 is the run directory.
  fs::path program(const std::string& name, const std::string& script) {
    const fs::path file = folder_ / name;
    std::ofstream(file) << "#!/bin/sh\n" << script << "\n";
    chmod(file.c_str(), 0755);
    return file;
  }

  RunOutcome supervise(const fs::path& coordinator, const fs::path& worker) {
    options_.tools = {
        .coordinator = coordinator, .worker = worker, .mpirun = {}};
    options_.tick = 10ms;
    options_.limits.first_pause = 5ms;
    ProgressPrinter printer(out_, {});
    LocalRun local(run_, options_, signals_, printer);
    const RunOutcome outcome = local.supervise();
    failure_ = local.failure();
    return outcome;
  }

  bool in_time_exists(const char* name) const {
    return in_time([&] { return fs::exists(run_.root() / name); });
  }
  // How often a coordinator has begun to serve.
  int served() const {
    std::ifstream log(run_.logs() / "coordinator.log");
    int times = 0;
    for (std::string line; std::getline(log, line);) {
      times += line.find("serving run") != std::string::npos;
    }
    return times;
  }

  // Whether the process whose id a script wrote there is alive.
  bool alive(const fs::path& pid_file) {
    pid_t pid = 0;
    std::ifstream(pid_file) >> pid;
    EXPECT_GT(pid, 0) << pid_file << " was not written";
    return kill(pid, 0) == 0;
  }

  ScratchFolder folder_;
  storage::RunDirectory run_;
  DefaultSignals defaults_;
  SignalWatch signals_;
  LocalRunOptions options_;
  std::ostringstream out_;
  std::string failure_;
};

const fs::path kCoordinator = LENS_COORDINATOR;

TEST_F(LocalRunTest, WorkersThatKeepDyingEndTheRunWithTheirLastWords) {
  const fs::path worker =
      program("worker", "echo start >> $1/starts; echo no weights >&2; exit 3");
  EXPECT_EQ(supervise(kCoordinator, worker), RunOutcome::kFailed);
  EXPECT_THAT(failure_, HasSubstr("keep dying without progress (exit 3)"));
  EXPECT_THAT(failure_, HasSubstr("  no weights\n"));
  std::ifstream starts(run_.root() / "starts");
  std::string line;
  int count = 0;
  while (std::getline(starts, line)) ++count;
  EXPECT_EQ(count, 1 + RestartBudget::kMostInARow);
}

TEST_F(LocalRunTest, CoordinatorThatKeepsDyingEndsTheRunWithItsLastWords) {
  const fs::path coordinator = program("coordinator", "echo no disk; exit 1");
  EXPECT_EQ(supervise(coordinator, program("worker", "sleep 60")),
            RunOutcome::kFailed);
  EXPECT_THAT(failure_, HasSubstr("the coordinator keeps dying (exit 1)"));
  EXPECT_THAT(failure_, HasSubstr("  no disk\n"));
}

TEST_F(LocalRunTest, FirstSignalDrainsAndNothingStaysBehind) {
  const fs::path worker =
      program("worker",
              "echo $$ > $1/worker.pid; sleep 60 & echo $! > $1/child.pid; "
              "wait");
  std::jthread sender([this] {
    EXPECT_TRUE(in_time_exists("child.pid"));
    std::this_thread::sleep_for(50ms);
    kill(getpid(), SIGTERM);
  });
  EXPECT_EQ(supervise(kCoordinator, worker), RunOutcome::kInterrupted);
  EXPECT_FALSE(alive(run_.root() / "worker.pid"));
  EXPECT_FALSE(alive(run_.root() / "child.pid"));
  EXPECT_EQ(ledger_status(run_).state, RunState::kInterrupted);
}

TEST_F(LocalRunTest, KilledCoordinatorIsStartedAgain) {
  // Kills the coordinator once, then asks for a drain by a signal to us.
  const fs::path worker = program(
      "worker",
      "if [ ! -e $1/once ]; then touch $1/once; "
      "kill -9 $(sed 's/.*\"pid\": *\\([0-9]*\\).*/\\1/' $1/coordinator.json | "
      "grep -E '^[0-9]+$'); fi; sleep 60");
  std::jthread sender([this] {
    EXPECT_TRUE(in_time([&] { return served() == 2; }));
    std::this_thread::sleep_for(100ms);
    kill(getpid(), SIGTERM);
  });
  EXPECT_EQ(supervise(kCoordinator, worker), RunOutcome::kInterrupted);
  EXPECT_THAT(out_.str(),
              HasSubstr("the coordinator ended (killed by signal 9"));
}

TEST_F(LocalRunTest, SecondSignalKills) {
  const fs::path stubborn = program(
      "coordinator", "trap '' TERM; touch $1/up; sleep 60 & wait; wait");
  std::jthread sender([this] {
    EXPECT_TRUE(in_time_exists("up"));
    for (int i = 0; i < 2; ++i) {
      kill(getpid(), SIGINT);
      std::this_thread::sleep_for(200ms);
    }
  });
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(supervise(stubborn, program("worker", "sleep 60")),
            RunOutcome::kInterrupted);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
}

TEST_F(LocalRunTest, FrozenCoordinatorIsKilledSomeTimeAfterOneSignal) {
  options_.limits.drain.silent = 300ms;
  const fs::path frozen = program(
      "coordinator", "trap '' TERM; touch $1/up; kill -STOP $$; sleep 60");
  std::jthread sender([this] {
    EXPECT_TRUE(in_time_exists("up"));
    kill(getpid(), SIGTERM);
  });
  EXPECT_EQ(supervise(frozen, program("worker", "sleep 60")),
            RunOutcome::kInterrupted);
  EXPECT_THAT(out_.str(), HasSubstr("the coordinator has not answered"));
}

TEST_F(LocalRunTest, CoordinatorThatListensButNeverAnswersEndsTheRun) {
  options_.limits.first_answer = 300ms;
  // An address at which nobody is.
  const fs::path silent =
      program("coordinator",
              "echo '{\"host\": \"127.0.0.1\", \"port\": 1, \"run_id\": \"x\", "
              "\"epoch\": 1, \"pid\": 1, \"insecure\": false}' > "
              "$1/coordinator.json; exec sleep 60");
  EXPECT_EQ(supervise(silent, program("worker", "sleep 60")),
            RunOutcome::kFailed);
  EXPECT_THAT(failure_, HasSubstr("cannot reach the coordinator at "
                                  "127.0.0.1:1"));
}

TEST_F(LocalRunTest, WorkersThatDoNotJoinAreQuoted) {
  options_.limits.first_join = 300ms;
  std::jthread sender([this] {
    EXPECT_TRUE(in_time_exists("asked"));
    kill(getpid(), SIGTERM);
  });
  const fs::path worker = program(
      "worker", "echo loading the weights; sleep 3; touch $1/asked; sleep 60");
  EXPECT_EQ(supervise(kCoordinator, worker), RunOutcome::kInterrupted);
  EXPECT_THAT(out_.str(), HasSubstr("no worker has joined"));
  EXPECT_THAT(out_.str(), HasSubstr("last words: loading the weights"));
}

TEST_F(LocalRunTest, CoordinatorThatNeitherListensNorSpeaksEndsTheRun) {
  options_.limits.first_answer = 300ms;
  EXPECT_EQ(supervise(program("coordinator", "exec sleep 60"),
                      program("worker", "sleep 60")),
            RunOutcome::kFailed);
  EXPECT_THAT(failure_, HasSubstr("neither listens nor says anything"));
}

TEST_F(LocalRunTest, CoordinatorThatIsBusyAtItsStartIsWaitedFor) {
  options_.limits.first_answer = 300ms;
  const fs::path busy =
      program("coordinator", "echo reading the parts; sleep 2; exit 75");
  EXPECT_EQ(supervise(busy, program("worker", "sleep 60")),
            RunOutcome::kInterrupted);
  EXPECT_THAT(out_.str(), HasSubstr("last words: reading the parts"));
}

TEST_F(LocalRunTest, WorkersThatEndAreToldWithTheirOwnReasonAtOnce) {
  const fs::path worker = program("worker", "echo no weights >&2; exit 3");
  supervise(kCoordinator, worker);
  EXPECT_THAT(out_.str(), HasSubstr("the workers ended (exit 3: no weights)"));
}

TEST(ChildProcess, EndsWithItsStarterEvenWhenThatIsKilled) {
  const ScratchFolder folder;
  const pid_t starter = fork();
  if (starter == 0) {
    ChildProcess child(
        {.command = {"sleep", "60"}, .log = folder / "log", .environment = {}});
    std::ofstream(folder / "pid.tmp") << child.pid() << '\n';
    fs::rename(folder / "pid.tmp", folder / "pid");
    pause();
    _exit(0);
  }
  ASSERT_TRUE(in_time([&] { return fs::exists(folder / "pid"); }));
  pid_t pid = 0;
  std::ifstream(folder / "pid") >> pid;
  ASSERT_GT(pid, 0);
  kill(starter, SIGKILL);
  for (int i = 0; i < 200 && fs::exists("/proc/" + std::to_string(pid)); ++i) {
    // A zombie has ended; who reaps it is not ours to say.
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string word, name, state;
    stat >> word >> name >> state;
    if (state == "Z") break;
    std::this_thread::sleep_for(10ms);
    EXPECT_LT(i, 199) << "still alive";
  }
}

TEST(ChildProcess, ProgramsThatAreNotThereAreNamed) {
  const ScratchFolder folder;
  EXPECT_ANY_THROW(ChildProcess(
      {.command = {"lens-no-such"}, .log = folder / "log", .environment = {}}));
}

}  // namespace
}  // namespace lens::cli
