#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cli/child_process.h"
#include "cli/drain_watch.h"
#include "cli/restart.h"
#include "cli/run_status.h"

namespace lens::cli {

enum class RunOutcome { kAllCommitted, kInterrupted, kFailed };

// The two programs of a local run: the coordinator, and the MPI world of its
// workers.
enum class RunProgram { kCoordinator, kWorkers };

// What there is to see of a local run at one time.
struct Observation {
  std::chrono::steady_clock::time_point now;
  int signals = 0;  // that ask to stop, received so far
  // Whether they live, and how they ended since the last observation.
  bool coordinator_runs = false, workers_run = false;
  std::optional<ChildExit> coordinator_exit = {}, workers_exit = {};
  // Whether the coordinator was asked, what it said, and why it said nothing.
  bool asked = false;
  std::optional<RunStatus> answer = {};
  std::string problem = {};
  // The ledger's, once the coordinator has ended.
  std::optional<RunStatus> ledger = {};
  // Where the coordinator listens; seen where it has not answered.
  std::optional<std::string> address = {};
  // What is wrong with this machine's network, "" for nothing. Asked for where
  // a coordinator that listens is not reached.
  std::function<std::string()> network = {};
  // The last line of a program since its latest start, "" where it has said
  // nothing; and its last lines since the command began, each indented and
  // ended. Asked for where they are to be quoted.
  std::function<std::string(RunProgram)> last_line = {};
  std::function<std::string(RunProgram)> last_lines = {};
};

// "WHAT; last lines of LOG: ...", for a person.
std::string quoted_failure(const std::string& what, const std::string& log,
                           const std::string& last_lines);

struct StartProgram {
  RunProgram program;
};
struct AskToDrain {};
struct KillAll {};
struct Say {
  std::string line;
};
// The latest status, which is new.
struct ShowStatus {};

using Action = std::variant<StartProgram, AskToDrain, KillAll, Say, ShowStatus>;

// What to do about a coordinator and its workers: both are started again when
// they die, with growing pauses, as long as the run makes progress in between.
// No wait is without an end and a word. Pure: it touches no process, no file
// and no clock.
class Supervision {
 public:
  using Clock = std::chrono::steady_clock;

  struct Limits {
    // Before the first restart of what died; doubled each time.
    std::chrono::milliseconds first_pause{500};
    // How long a coordinator that listens may leave the first question
    // unanswered, before the run is given up.
    std::chrono::milliseconds first_answer{30'000};
    // How long workers that live may take to join before their log is quoted.
    std::chrono::milliseconds first_join{60'000};
    // After a signal, before all processes are killed.
    DrainWatch::Limits drain = {};
  };

  // `log` names the log of a program, for messages.
  Supervision(const Limits& limits, std::function<std::string(RunProgram)> log);

  // What to do now, in this order. Called again and again until there is an
  // outcome.
  std::vector<Action> decide(const Observation& seen);

  // Whether the coordinator is to be asked for the next observation, besides
  // when workers have ended.
  bool wants_answer(Clock::time_point now) const;

  // Whether it has answered when it was last asked.
  bool answering() const { return answering_; }

  std::optional<RunOutcome> outcome() const;
  // The latest that anybody gave.
  const std::optional<RunStatus>& status() const { return status_; }
  // Where the outcome is kFailed: what happened and what to do; empty where the
  // coordinator's status tells it.
  const std::string& failure() const { return failure_; }

 private:
  void judge_signals();
  void judge_coordinator();
  void judge_answer();
  void judge_silence();
  void judge_workers();
  void judge_absence();
  void judge_drain();

  void begin_drain(const std::string& why);
  void start(RunProgram program);
  void say(std::string line) { actions_.push_back(Say{std::move(line)}); }
  void fail(const std::string& what);
  // With the last lines of a program's log.
  void fail(const std::string& what, RunProgram program);

  Limits limits_;
  std::function<std::string(RunProgram)> log_;
  const Observation* seen_ = nullptr;  // while decide() runs
  std::vector<Action> actions_;

  RestartBudget coordinator_budget_;
  RestartBudget worker_budget_;
  // When to start what does not run.
  std::optional<Clock::time_point> coordinator_due_;
  std::optional<Clock::time_point> workers_due_;
  std::optional<ChildExit> workers_exit_;          // not judged yet
  std::optional<Clock::time_point> absent_since_;  // they live, none has joined

  std::optional<RunStatus> status_;
  Clock::time_point status_time_;
  bool answering_ = false;  // the coordinator, when last asked
  bool heard_ = false;      // it has answered at least once
  bool coordinator_runs_ = false;
  bool workers_run_ = false;
  // Of the coordinator that runs now: its start or its latest answer.
  Clock::time_point last_sign_;
  bool spoken_ = false;        // it has answered since its start
  bool silence_told_ = false;  // and that it does not
  int signals_ = 0;
  DrainWatch drain_;
  bool failed_ = false;
  std::string failure_;
};

}  // namespace lens::cli
