#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/child_process.h"
#include "cli/progress.h"
#include "cli/signal_watch.h"
#include "cli/status_source.h"
#include "cli/supervision.h"
#include "cli/worker_launch.h"
#include "storage/manifest.h"
#include "storage/run_directory.h"

namespace lens::cli {

struct LocalRunOptions {
  RunTools tools;
  WorldSize world = {};
  int threads = 1;  // of each of its processes
  // LENS_READ_WEIGHTS of the workers; empty: as it is here.
  std::string read_weights = {};
  std::chrono::milliseconds tick{200};
  // How long a worker world may take to leave once there is no more work.
  std::chrono::milliseconds patience{15'000};
  // How long the coordinator of a command that was killed may take to end: its
  // leases and then its linger.
  std::chrono::milliseconds former_patience{45'000};
  Supervision::Limits limits = {};
};

// One coordinator and one MPI world of workers on this machine, watched until
// the units of a planned run are committed. What is done about them is decided
// by Supervision; here it is seen and done. Whatever way the object is left, no
// process of the run stays behind.
class LocalRun {
 public:
  LocalRun(storage::RunDirectory run, LocalRunOptions options,
           SignalWatch& signals, ProgressPrinter& printer);
  ~LocalRun();
  LocalRun(const LocalRun&) = delete;
  LocalRun& operator=(const LocalRun&) = delete;

  // Returns once all processes have ended. The first signal drains the run,
  // the second kills it: both give kInterrupted.
  RunOutcome supervise();

  // After kFailed: what happened and what to do, with the last lines of a log.
  const std::string& failure() const { return failure_; }

 private:
  using Clock = std::chrono::steady_clock;

  void await_former_coordinator();
  Observation observe();
  void perform(const Action& action);
  void start(RunProgram program);
  void kill_all();
  void end_processes(RunOutcome outcome);
  std::filesystem::path log(RunProgram program) const;
  // Of this command, not of an earlier one.
  std::string last_lines(RunProgram program) const;

  const storage::RunDirectory run_;
  const LocalRunOptions options_;
  SignalWatch& signals_;
  ProgressPrinter& printer_;
  CoordinatorClient client_;
  Supervision supervision_;

  std::unique_ptr<ChildProcess> coordinator_;
  std::unique_ptr<ChildProcess> workers_;
  // Where the logs ended when this object was made, and when the program that
  // writes one was last started.
  std::map<RunProgram, std::int64_t> log_begin_;
  std::map<RunProgram, std::int64_t> words_begin_;
  std::string failure_;
};

}  // namespace lens::cli
