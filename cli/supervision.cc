#include "cli/supervision.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <utility>

#include "base/exit_code.h"

namespace lens::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto kAskInterval = 500ms;

std::string seconds_text(std::chrono::milliseconds time, int digits) {
  return fmt::format("{:.{}f} s", std::chrono::duration<double>(time).count(),
                     digits);
}

// Nothing of a process that was ended from outside: its log then tells of its
// work.
std::string because(const ChildExit& exit, const std::string& said) {
  const bool from_outside = exit.signal == SIGKILL || exit.signal == SIGTERM;
  return exit.text() + (from_outside || said.empty() ? "" : ": " + said);
}

}  // namespace

std::string quoted_failure(const std::string& what, const std::string& log,
                           const std::string& last_lines) {
  return last_lines.empty()
             ? what + "; it said nothing in " + log +
                   ": a limit may be too low (ulimit -u, -v)\n"
             : what + "; last lines of " + log + ":\n" + last_lines;
}

Supervision::Supervision(const Limits& limits,
                         std::function<std::string(RunProgram)> log)
    : limits_(limits),
      log_(std::move(log)),
      coordinator_budget_(limits.first_pause),
      worker_budget_(limits.first_pause),
      coordinator_due_(Clock::time_point{}),
      workers_due_(Clock::time_point{}),
      drain_(limits.drain) {}

std::vector<Action> Supervision::decide(const Observation& seen) {
  seen_ = &seen;
  // The order matters: signals say what may still be started, the answer says
  // whether workers that have ended had reason to, and the drain is judged over
  // what all others have found.
  actions_.clear();
  judge_signals();
  judge_coordinator();
  judge_answer();
  judge_silence();
  judge_workers();
  judge_absence();
  judge_drain();
  seen_ = nullptr;
  return std::exchange(actions_, {});
}

bool Supervision::wants_answer(Clock::time_point now) const {
  return now - status_time_ >= kAskInterval;
}

std::optional<RunOutcome> Supervision::outcome() const {
  if (failed_) return RunOutcome::kFailed;
  if (signals_ > 1) return RunOutcome::kInterrupted;
  // The coordinator waits for its workers; those that stay on after its end
  // have not heard of it, for example because they are loading the weights.
  if (drain_.begun()) {
    return coordinator_runs_ ? std::nullopt
                             : std::optional(RunOutcome::kInterrupted);
  }
  if (!status_) return std::nullopt;
  if (status_->units_committed == status_->units_total) {
    return RunOutcome::kAllCommitted;
  }
  // A failed state found in the ledger is that of an earlier attempt until
  // this coordinator has spoken.
  if (status_->state == RunState::kFailed && heard_) return RunOutcome::kFailed;
  return std::nullopt;
}

void Supervision::begin_drain(const std::string& why) {
  drain_.begin(seen_->now);
  say("stopping: " + why);
}

void Supervision::start(RunProgram program) {
  actions_.push_back(StartProgram{program});
  if (program == RunProgram::kWorkers) {
    workers_due_.reset();
    workers_run_ = true;
    return;
  }
  coordinator_due_.reset();
  coordinator_runs_ = true;
  spoken_ = false;
  silence_told_ = false;
  last_sign_ = seen_->now;
}

void Supervision::fail(const std::string& what) {
  failed_ = true;
  failure_ = what + "\n";
}

void Supervision::fail(const std::string& what, RunProgram program) {
  failed_ = true;
  failure_ = quoted_failure(what, log_(program), seen_->last_lines(program));
}

void Supervision::judge_signals() {
  if (seen_->signals == signals_) return;
  signals_ = seen_->signals;
  if (signals_ > 1) {
    actions_.push_back(KillAll{});
    return;
  }
  begin_drain("work in hand is finished or handed back; again to kill");
  actions_.push_back(AskToDrain{});
}

void Supervision::judge_coordinator() {
  coordinator_runs_ = seen_->coordinator_runs;
  if (const std::optional<ChildExit>& exit = seen_->coordinator_exit) {
    answering_ = false;
    if (!drain_.begun() && exit->code == kExitResumable) {
      // Somebody else asked it to, and it had ended before it could say so.
      begin_drain("the coordinator was asked to drain");
    }
    // Nobody can be asked any more; its last words about the run are in the
    // ledger.
    if (seen_->ledger) {
      status_ = seen_->ledger;
      status_time_ = seen_->now;
    }
    if (drain_.begun() || outcome()) return;
    const auto pause = coordinator_budget_.next();
    if (!pause) {
      fail("the coordinator keeps dying (" + exit->text() + ")",
           RunProgram::kCoordinator);
      return;
    }
    say("the coordinator ended (" +
        because(*exit, seen_->last_line(RunProgram::kCoordinator)) +
        "); starting it again in " + seconds_text(*pause, 1));
    coordinator_due_ = seen_->now + *pause;
  }
  if (coordinator_due_ && seen_->now >= *coordinator_due_ && !drain_.begun()) {
    start(RunProgram::kCoordinator);
  }
}

void Supervision::judge_answer() {
  if (!seen_->asked) return;
  status_time_ = seen_->now;
  answering_ = seen_->answer.has_value();
  if (!answering_) return;
  if (silence_told_) say("the coordinator answers again");
  silence_told_ = false;
  spoken_ = true;
  heard_ = true;
  last_sign_ = seen_->now;
  const RunStatus& status = *seen_->answer;
  drain_.answered(status, seen_->now);
  // Samples that get done show that the restarts are worth it.
  coordinator_budget_.progress(status.done());
  worker_budget_.progress(status.done());
  worker_budget_.learnt(std::count_if(
      status.failures.begin(), status.failures.end(),
      [](const auto& failure) { return !failure.sample_id.empty(); }));
  // Somebody else asked for it, for example through the RPC.
  if (status.draining && !drain_.begun()) {
    begin_drain("the coordinator was asked to drain");
  }
  status_ = status;
  actions_.push_back(ShowStatus{});
}

// A coordinator that lives but says nothing. One that listens and cannot be
// reached at all ends the run, as does one that has not even a word in its log.
// One that does not listen yet may have much to read, and one that spoke before
// may have been stopped: they are waited for.
void Supervision::judge_silence() {
  if (!coordinator_runs_ || drain_.begun() || failed_ || answering_) return;
  const std::optional<std::string>& address = seen_->address;
  if (silence_told_ && !spoken_ && address) {
    // It listens at last: now it has as long to answer.
    silence_told_ = false;
    last_sign_ = seen_->now;
  }
  if (silence_told_ || seen_->now - last_sign_ < limits_.first_answer) return;
  silence_told_ = true;
  const std::string time = seconds_text(limits_.first_answer, 0);
  const std::string said = seen_->last_line(RunProgram::kCoordinator);
  if (spoken_) {
    say("the coordinator has not answered for " + time + " (" + seen_->problem +
        "); waiting for it");
  } else if (address) {
    const std::string network = seen_->network();
    fail("cannot reach the coordinator at " + *address + " for " + time + " (" +
         (network.empty() ? seen_->problem : network) + "); " +
         (network.empty() ? "see " + log_(RunProgram::kCoordinator)
                          : "run `ip link set lo up`"));
  } else if (said.empty()) {
    fail("the coordinator neither listens nor says anything after " + time +
         " (it was stopped, or a limit is too low: ulimit -u, -v); run `lens "
         "doctor`");
  } else {
    say("the coordinator does not listen yet after " + time +
        "; its last words: " + said);
  }
}

void Supervision::judge_workers() {
  workers_run_ = seen_->workers_run;
  if (seen_->workers_exit) {
    workers_exit_ = seen_->workers_exit;
    // What they left for may be that all is done. Where nobody answers the
    // coordinator has ended too, and is judged first.
    answering_ = seen_->answer.has_value();
  }
  if (workers_run_ || drain_.begun() || !answering_ || outcome()) return;
  if (workers_exit_) {
    const auto pause = worker_budget_.next();
    if (!pause) {
      fail("the workers keep dying without progress (" + workers_exit_->text() +
               ")",
           RunProgram::kWorkers);
      return;
    }
    say("the workers ended (" +
        because(*workers_exit_, seen_->last_line(RunProgram::kWorkers)) +
        "); starting them again in " + seconds_text(*pause, 1));
    workers_exit_.reset();
    workers_due_ = seen_->now + *pause;
  }
  if (workers_due_ && seen_->now >= *workers_due_) start(RunProgram::kWorkers);
}

// Loading the weights may take long; a word says what they are at.
void Supervision::judge_absence() {
  const bool absent = workers_run_ && answering_ && status_ &&
                      status_->workers.empty() && !drain_.begun();
  if (!absent) absent_since_.reset();
  if (absent && !absent_since_) absent_since_ = seen_->now;
  if (!absent || seen_->now - *absent_since_ < limits_.first_join) return;
  absent_since_ = seen_->now;
  const std::string said = seen_->last_line(RunProgram::kWorkers);
  say("no worker has joined for " + seconds_text(limits_.first_join, 0) +
      (said.empty() ? "; they have said nothing"
                    : "; their last words: " + said));
}

// A stop that stands still is ended too: what is committed is kept.
void Supervision::judge_drain() {
  if (!coordinator_runs_) return;
  const std::string why = drain_.standstill(seen_->now);
  if (why.empty()) return;
  say(why + ": all processes are killed; what is done is kept");
  actions_.push_back(KillAll{});
}

}  // namespace lens::cli
