#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/child_process.h"
#include "cli/drain_watch.h"
#include "cli/progress.h"
#include "cli/restart.h"
#include "cli/run_status.h"
#include "cli/signal_watch.h"
#include "cli/status_source.h"
#include "cli/worker_launch.h"
#include "storage/manifest.h"
#include "storage/run_directory.h"

namespace lens::cli {

struct LocalRunOptions {
  RunTools tools;
  int workers = 1;
  int threads = 1;  // of each worker
  std::chrono::milliseconds tick{200};
  // Before the first restart of what died; doubled each time.
  std::chrono::milliseconds first_pause{500};
  // How long a worker world may take to leave once there is no more work.
  std::chrono::milliseconds patience{15'000};
  // How long the coordinator of a command that was killed may take to end: its
  // leases and then its linger.
  std::chrono::milliseconds former_patience{45'000};
  // How long a coordinator that listens may leave the first question
  // unanswered, before the run is given up.
  std::chrono::milliseconds first_answer{30'000};
  // How long workers that live may take to join before their log is quoted.
  std::chrono::milliseconds first_join{60'000};
  // After a signal, before all processes are killed.
  DrainWatch::Limits drain = {};
};

// One coordinator and one MPI world of workers on this machine, watched until
// the units of a planned run are committed. Both are restarted when they die,
// with growing pauses, as long as the run makes progress in between. No wait is
// without an end and a word. Whatever way the object is left, no process of the
// run stays behind.
class LocalRun {
 public:
  enum class Outcome { kAllCommitted, kInterrupted, kFailed };

  LocalRun(storage::RunDirectory run, LocalRunOptions options,
           SignalWatch& signals, ProgressPrinter& printer);
  ~LocalRun();
  LocalRun(const LocalRun&) = delete;
  LocalRun& operator=(const LocalRun&) = delete;

  // Returns once all processes have ended. The first signal drains the run,
  // the second kills it: both give kInterrupted.
  Outcome supervise();

  // After kFailed: what happened and what to do, with the last lines of a log.
  const std::string& failure() const { return failure_; }

 private:
  using Clock = std::chrono::steady_clock;

  void await_former_coordinator();
  void start_coordinator();
  void start_workers();
  void tend_coordinator();
  void tend_workers();
  void tend_signals();
  void tend_silence();
  void tend_absence();
  void tend_drain();
  void refresh_status();
  void kill_all();
  std::optional<Outcome> outcome() const;
  void end_processes(Outcome outcome);
  void fail(const std::string& what, const std::filesystem::path& log);
  std::string words(const std::filesystem::path& log, int count) const;

  const storage::RunDirectory run_;
  const LocalRunOptions options_;
  SignalWatch& signals_;
  ProgressPrinter& printer_;
  CoordinatorClient client_;

  std::unique_ptr<ChildProcess> coordinator_;
  std::unique_ptr<ChildProcess> workers_;
  std::optional<ChildExit> workers_exit_;          // not judged yet
  std::optional<Clock::time_point> absent_since_;  // they live, none has joined
  RestartBudget coordinator_budget_;
  RestartBudget worker_budget_;
  // When to start again what has died.
  std::optional<Clock::time_point> coordinator_due_;
  std::optional<Clock::time_point> workers_due_;

  // Where the logs ended when this object was made.
  std::map<std::filesystem::path, std::int64_t> log_begin_;

  std::optional<RunStatus> status_;  // the latest that anybody gave
  Clock::time_point status_time_;
  bool answering_ = false;  // the coordinator, when last asked
  bool heard_ = false;      // it has answered at least once
  // Of the coordinator that runs now: its start or its latest answer.
  Clock::time_point last_sign_;
  bool spoken_ = false;                     // it has answered since its start
  bool silence_told_ = false;               // and that it does not
  std::int64_t coordinator_log_begin_ = 0;  // where its words begin
  int signals_seen_ = 0;
  DrainWatch drain_;
  bool failed_ = false;
  std::string failure_;
};

}  // namespace lens::cli
