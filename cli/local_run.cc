#include "cli/local_run.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/exit_code.h"
#include "cli/last_words.h"
#include "cli/network.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto kAskInterval = 500ms;
constexpr auto kAnswerDeadline = 1s;
constexpr int kQuotedLines = 6;
// A process that has to go gets this long before it is killed. mpirun itself
// gives its ranks 1 s.
constexpr auto kStopPatience = 3s;

fs::path coordinator_log(const storage::RunDirectory& run) {
  return run.logs() / "coordinator.log";
}
fs::path workers_log(const storage::RunDirectory& run) {
  return run.logs() / "workers.log";
}

// What a process said at its end; nothing where it was ended from outside,
// since its log then tells of its work.
std::string reason(const ChildExit& exit, const std::string& words) {
  const bool from_outside = exit.signal == SIGKILL || exit.signal == SIGTERM;
  return from_outside ? "" : last_line(words);
}

std::string seconds_text(std::chrono::milliseconds time) {
  return fmt::format("{:.0f} s", std::chrono::duration<double>(time).count());
}

}  // namespace

LocalRun::LocalRun(storage::RunDirectory run, LocalRunOptions options,
                   SignalWatch& signals, ProgressPrinter& printer)
    : run_(std::move(run)),
      options_(std::move(options)),
      signals_(signals),
      printer_(printer),
      client_(run_),
      coordinator_budget_(options_.first_pause),
      worker_budget_(options_.first_pause),
      drain_(options_.drain) {
  adopt_orphans();
  for (const fs::path& log : {coordinator_log(run_), workers_log(run_)})
    log_begin_[log] = log_bytes(log);
}

LocalRun::~LocalRun() {
  // Workers first, so that the coordinator hears of it.
  if (workers_) workers_->stop(kStopPatience);
  if (coordinator_) coordinator_->stop(kStopPatience);
  kill_descendants(1s);
}

LocalRun::Outcome LocalRun::supervise() {
  check_launcher(options_.tools, options_.workers,
                 run_.logs() / "launcher.log");
  await_former_coordinator();
  // Left behind by a coordinator that was killed: workers must not follow it.
  std::error_code ignored;
  fs::remove(run_.address(), ignored);

  start_coordinator();
  workers_due_ = Clock::now();
  for (;;) {
    tend_signals();
    tend_coordinator();
    refresh_status();
    tend_silence();
    tend_workers();
    tend_absence();
    tend_drain();
    if (const std::optional<Outcome> end = outcome()) {
      end_processes(*end);
      if (status_) {
        // Read from the ledger, before anybody has begun to merge.
        if (*end == Outcome::kAllCommitted) status_->state = RunState::kMerging;
        printer_.finish(*status_);
      }
      return *end;
    }
    signals_.wait_for(options_.tick);
  }
}

// The run's lock is ours: a coordinator that answers was left behind by a
// `lens run` that was killed, and is about to end, or was started by hand.
void LocalRun::await_former_coordinator() {
  const Clock::time_point deadline = Clock::now() + options_.former_patience;
  // It may not have noticed yet that its parent has died.
  const Clock::time_point noticed = Clock::now() + 1s;
  bool told = false;
  while (const std::optional<RunStatus> status =
             client_.status(kAnswerDeadline)) {
    const bool ending = status->draining || status->state != RunState::kRunning;
    if ((!ending && Clock::now() >= noticed) || Clock::now() >= deadline ||
        signals_.count() > 0)
      throw InputError("cannot run " + run_.root().string(),
                       "a coordinator is running there already",
                       "`lens status " + run_.root().string() + "` shows it");
    if (ending && !told)
      printer_.note("waiting for the coordinator of an earlier command to end");
    told |= ending;
    signals_.wait_for(options_.tick);
  }
}

void LocalRun::start_coordinator() {
  coordinator_due_.reset();
  spoken_ = false;
  silence_told_ = false;
  last_sign_ = Clock::now();
  coordinator_log_begin_ = log_bytes(coordinator_log(run_));
  coordinator_ = std::make_unique<ChildProcess>(
      // On one machine a heartbeat costs nothing, and a worker that has died is
      // noticed after one.
      ChildOptions{.command = {options_.tools.coordinator, run_.root(),
                               "--heartbeat-seconds", "1"},
                   .log = coordinator_log(run_),
                   .environment = {}});
}

void LocalRun::start_workers() {
  workers_due_.reset();
  // Inside a Slurm allocation mpirun would spread the ranks over its nodes and
  // ask Slurm to start them; this is a local run.
  workers_ = std::make_unique<ChildProcess>(ChildOptions{
      .command = worker_command(options_.tools, options_.workers, run_.root()),
      .log = workers_log(run_),
      .environment = {{"OMP_NUM_THREADS", std::to_string(options_.threads)},
                      {"SLURM_JOBID", ""},
                      {"SLURM_JOB_ID", ""}},
      .without = launcher_variables()});
}

void LocalRun::tend_signals() {
  const int count = signals_.count();
  if (count == signals_seen_) return;
  signals_seen_ = count;
  if (count == 1) {
    drain_.begin(Clock::now());
    printer_.note(
        "stopping: work in hand is finished or handed back; again to kill");
    // Where nobody answers, nobody has work to hand back either.
    if (!client_.drain(kAnswerDeadline) && coordinator_)
      coordinator_->signal(SIGTERM);
    return;
  }
  kill_all();
}

void LocalRun::kill_all() {
  if (workers_) workers_->stop(0ms);
  if (coordinator_) coordinator_->stop(0ms);
}

void LocalRun::tend_coordinator() {
  if (coordinator_) {
    const std::optional<ChildExit> exit = coordinator_->poll();
    if (!exit) return;
    coordinator_.reset();
    answering_ = false;
    if (!drain_.begun() && exit->code == kExitResumable) {
      // Somebody else asked it to, and it had ended before it could say so.
      drain_.begin(Clock::now());
      printer_.note("stopping: the coordinator was asked to drain");
    }
    try {
      status_ = ledger_status(run_, Asker::kRunHolder);
      status_time_ = Clock::now();
    } catch (const std::exception&) {
      // A ledger that cannot be read is told of by the next coordinator.
    }
    if (drain_.begun() || outcome()) return;
    const auto pause = coordinator_budget_.next();
    if (!pause) {
      fail("the coordinator keeps dying (" + exit->text() + ")",
           coordinator_log(run_));
      return;
    }
    const std::string said = reason(
        *exit, last_words(coordinator_log(run_), coordinator_log_begin_, 1));
    printer_.note(fmt::format(
        "the coordinator ended ({}{}); starting it again in {:.1f} s",
        exit->text(), said.empty() ? "" : ": " + said,
        std::chrono::duration<double>(*pause).count()));
    coordinator_due_ = Clock::now() + *pause;
  }
  if (coordinator_due_ && Clock::now() >= *coordinator_due_ && !drain_.begun())
    start_coordinator();
}

void LocalRun::refresh_status() {
  if (!coordinator_ || Clock::now() - status_time_ < kAskInterval) return;
  std::optional<RunStatus> status = client_.status(kAnswerDeadline);
  status_time_ = Clock::now();
  answering_ = status.has_value();
  if (!status) return;
  if (silence_told_) printer_.note("the coordinator answers again");
  silence_told_ = false;
  spoken_ = true;
  last_sign_ = status_time_;
  drain_.answered(*status, status_time_);
  coordinator_budget_.progress(status->done());
  worker_budget_.progress(status->done());
  worker_budget_.learnt(std::count_if(
      status->failures.begin(), status->failures.end(),
      [](const auto& failure) { return !failure.sample_id.empty(); }));
  heard_ = true;
  if (status->draining && !drain_.begun()) {
    // Somebody else asked for it, for example through the RPC.
    drain_.begin(Clock::now());
    printer_.note("stopping: the coordinator was asked to drain");
  }
  status_ = std::move(status);
  printer_.update(*status_);
}

// A coordinator that lives but says nothing. One that listens and cannot be
// reached at all ends the run, as does one that has not even a word in its log.
// One that does not listen yet may have much to read, and one that spoke before
// may have been stopped: they are waited for.
void LocalRun::tend_silence() {
  if (!coordinator_ || drain_.begun() || failed_ || answering_) return;
  const auto address = proto::read_address(run_.address());
  if (silence_told_ && !spoken_ && address.ok()) {
    // It listens at last: now it has as long to answer.
    silence_told_ = false;
    last_sign_ = Clock::now();
  }
  if (silence_told_ || Clock::now() - last_sign_ < options_.first_answer)
    return;
  silence_told_ = true;
  const std::string time = seconds_text(options_.first_answer);
  const std::string said =
      last_line(last_words(coordinator_log(run_), coordinator_log_begin_, 1));
  if (spoken_) {
    printer_.note("the coordinator has not answered for " + time + " (" +
                  client_.problem() + "); waiting for it");
  } else if (address.ok()) {
    const std::string network = loopback_problem();
    failed_ = true;
    failure_ = fmt::format(
        "cannot reach the coordinator at {} for {} ({}); {}\n",
        address->target(), time, network.empty() ? client_.problem() : network,
        network.empty() ? "see " + coordinator_log(run_).string()
                        : "run `ip link set lo up`");
  } else if (said.empty()) {
    failed_ = true;
    failure_ = "the coordinator neither listens nor says anything after " +
               time +
               " (it was stopped, or a limit is too low: ulimit -u, -v); run "
               "`lens doctor`\n";
  } else {
    printer_.note("the coordinator does not listen yet after " + time +
                  "; its last words: " + said);
  }
}

// Loading the weights may take long; a word says what they are at.
void LocalRun::tend_absence() {
  const bool absent = workers_ && answering_ && status_ &&
                      status_->workers.empty() && !drain_.begun();
  const Clock::time_point now = Clock::now();
  if (!absent) absent_since_.reset();
  if (absent && !absent_since_) absent_since_ = now;
  if (!absent || now - *absent_since_ < options_.first_join) return;
  absent_since_ = now;
  const std::string said = last_line(words(workers_log(run_), 1));
  printer_.note("no worker has joined for " +
                seconds_text(options_.first_join) +
                (said.empty() ? "; they have said nothing"
                              : "; their last words: " + said));
}

// A stop that stands still is ended too: what is committed is kept.
void LocalRun::tend_drain() {
  if (!coordinator_) return;
  const std::string why = drain_.standstill(Clock::now());
  if (why.empty()) return;
  printer_.note(why + ": all processes are killed; what is done is kept");
  kill_all();
}

void LocalRun::tend_workers() {
  if (workers_) {
    workers_exit_ = workers_->poll();
    if (!workers_exit_) return;
    workers_.reset();
    // What they left for may be that all is done: ask before judging. When
    // nobody answers the coordinator has ended too, and is judged first.
    answering_ = false;
    status_time_ = {};
    refresh_status();
  }
  if (drain_.begun() || !answering_ || outcome()) return;
  if (workers_exit_) {
    const auto pause = worker_budget_.next();
    if (!pause) {
      fail("the workers keep dying without progress (" + workers_exit_->text() +
               ")",
           workers_log(run_));
      return;
    }
    const std::string said =
        reason(*workers_exit_, words(workers_log(run_), 1));
    printer_.note(
        fmt::format("the workers ended ({}{}); starting them again in {:.1f} s",
                    workers_exit_->text(), said.empty() ? "" : ": " + said,
                    std::chrono::duration<double>(*pause).count()));
    workers_exit_.reset();
    workers_due_ = Clock::now() + *pause;
  }
  if (workers_due_ && Clock::now() >= *workers_due_) start_workers();
}

std::optional<LocalRun::Outcome> LocalRun::outcome() const {
  if (failed_) return Outcome::kFailed;
  if (signals_.count() > 1) return Outcome::kInterrupted;
  // The coordinator waits for its workers; those that stay on after its end
  // have not heard of it, for example because they are loading the weights.
  if (drain_.begun())
    return coordinator_ ? std::nullopt : std::optional(Outcome::kInterrupted);
  if (!status_) return std::nullopt;
  if (status_->units_committed == status_->units_total)
    return Outcome::kAllCommitted;
  // A failed state found in the ledger is that of an earlier attempt until
  // this coordinator has spoken.
  if (status_->state == RunState::kFailed && heard_) return Outcome::kFailed;
  return std::nullopt;
}

void LocalRun::end_processes(Outcome outcome) {
  // Once there is no more work they leave by themselves, the coordinator last.
  const Clock::time_point deadline =
      Clock::now() +
      (outcome == Outcome::kAllCommitted ? options_.patience : 0ms);
  for (std::unique_ptr<ChildProcess>* child : {&workers_, &coordinator_}) {
    while (*child && (*child)->running() && Clock::now() < deadline &&
           signals_.count() < 2)
      signals_.wait_for(20ms);
    if (*child) (*child)->stop(kStopPatience);
    child->reset();
  }
  kill_descendants(1s);
  if (outcome == Outcome::kFailed && !failed_)
    fail(status_->message.empty() ? "the run failed" : status_->message,
         workers_log(run_));
}

void LocalRun::fail(const std::string& what, const fs::path& log) {
  failed_ = true;
  const std::string said = words(log, kQuotedLines);
  failure_ = said.empty()
                 ? what + "; it said nothing in " + log.string() +
                       ": a limit may be too low (ulimit -u, -v)\n"
                 : what + "; last lines of " + log.string() + ":\n" + said;
}

// Of this command, not of an earlier one.
std::string LocalRun::words(const fs::path& log, int count) const {
  return last_words(log, log_begin_.at(log), count);
}

}  // namespace lens::cli
