#include "cli/local_run.h"

#include <signal.h>

#include <system_error>
#include <utility>

#include "base/error.h"
#include "cli/last_words.h"
#include "cli/network.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto kAnswerDeadline = 1s;
constexpr int kQuotedLines = 6;
// A process that has to go gets this long before it is killed. mpirun itself
// gives its ranks 1 s.
constexpr auto kStopPatience = 3s;

}  // namespace

LocalRun::LocalRun(storage::RunDirectory run, LocalRunOptions options,
                   SignalWatch& signals, ProgressPrinter& printer)
    : run_(std::move(run)),
      options_(std::move(options)),
      signals_(signals),
      printer_(printer),
      client_(run_),
      supervision_(options_.limits, [this](RunProgram program) {
        return log(program).string();
      }) {
  // Before anything is started: ranks whose mpirun dies fall to us, and are
  // found.
  adopt_orphans();
  for (const auto program : {RunProgram::kCoordinator, RunProgram::kWorkers})
    log_begin_[program] = words_begin_[program] = log_bytes(log(program));
}

LocalRun::~LocalRun() {
  // Workers first, so that the coordinator hears of it.
  if (workers_) workers_->stop(kStopPatience);
  if (coordinator_) coordinator_->stop(kStopPatience);
  kill_descendants(1s);
}

RunOutcome LocalRun::supervise() {
  check_launcher(options_.tools, options_.world, run_.logs() / "launcher.log");
  await_former_coordinator();
  // Left behind by a coordinator that was killed: workers must not follow it.
  std::error_code ignored;
  fs::remove(run_.address(), ignored);

  for (;;) {
    for (const Action& action : supervision_.decide(observe())) perform(action);
    if (const std::optional<RunOutcome> end = supervision_.outcome()) {
      end_processes(*end);
      if (std::optional<RunStatus> status = supervision_.status()) {
        // Read from the ledger, before anybody has begun to merge.
        if (*end == RunOutcome::kAllCommitted)
          status->state = RunState::kMerging;
        printer_.finish(*status);
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

Observation LocalRun::observe() {
  Observation seen;
  seen.signals = signals_.count();
  if (coordinator_ && (seen.coordinator_exit = coordinator_->poll())) {
    coordinator_.reset();
    try {
      seen.ledger = ledger_status(run_, Asker::kRunHolder);
    } catch (const std::exception&) {
      // A ledger that cannot be read is told of by the next coordinator.
    }
  }
  if (workers_ && (seen.workers_exit = workers_->poll())) workers_.reset();
  seen.coordinator_runs = coordinator_ != nullptr;
  seen.workers_run = workers_ != nullptr;
  if (coordinator_ && (seen.workers_exit ||
                       supervision_.wants_answer(Supervision::Clock::now()))) {
    seen.asked = true;
    seen.answer = client_.status(kAnswerDeadline);
    seen.problem = client_.problem();
  }
  if (coordinator_ && !seen.answer && !supervision_.answering()) {
    if (const auto address = proto::read_address(run_.address()); address.ok())
      seen.address = address->target();
  }
  seen.network = loopback_problem;
  seen.last_line = [this](RunProgram program) {
    return last_line(last_words(log(program), words_begin_.at(program), 1));
  };
  seen.last_lines = [this](RunProgram program) { return last_lines(program); };
  // Last: asking may have taken a second, and what is decided counts from now.
  seen.now = Supervision::Clock::now();
  return seen;
}

void LocalRun::perform(const Action& action) {
  if (const auto* start_it = std::get_if<StartProgram>(&action)) {
    start(start_it->program);
  } else if (std::holds_alternative<AskToDrain>(action)) {
    // Where nobody answers, nobody has work to hand back either.
    if (!client_.drain(kAnswerDeadline) && coordinator_)
      coordinator_->signal(SIGTERM);
  } else if (std::holds_alternative<KillAll>(action)) {
    kill_all();
  } else if (const auto* say = std::get_if<Say>(&action)) {
    printer_.note(say->line);
  } else if (std::holds_alternative<ShowStatus>(action)) {
    printer_.update(*supervision_.status());
  }
}

void LocalRun::start(RunProgram program) {
  words_begin_[program] = log_bytes(log(program));
  if (program == RunProgram::kCoordinator) {
    coordinator_ = std::make_unique<ChildProcess>(
        // On one machine a heartbeat costs nothing, and a worker that has died
        // is noticed after one.
        ChildOptions{.command = {options_.tools.coordinator, run_.root(),
                                 "--heartbeat-seconds", "1"},
                     .log = log(program),
                     .environment = {}});
    return;
  }
  // Inside a Slurm allocation mpirun would spread the ranks over its nodes and
  // ask Slurm to start them; this is a local run.
  decltype(ChildOptions::environment) environment = {
      {"OMP_NUM_THREADS", std::to_string(options_.threads)},
      {"SLURM_JOBID", ""},
      {"SLURM_JOB_ID", ""}};
  if (!options_.read_weights.empty()) {
    environment.emplace_back("LENS_READ_WEIGHTS", options_.read_weights);
  }
  workers_ = std::make_unique<ChildProcess>(ChildOptions{
      .command = worker_command(options_.tools, options_.world, run_.root()),
      .log = log(program),
      .environment = std::move(environment),
      .without = launcher_variables()});
}

void LocalRun::kill_all() {
  if (workers_) workers_->stop(0ms);
  if (coordinator_) coordinator_->stop(0ms);
}

void LocalRun::end_processes(RunOutcome outcome) {
  // Once there is no more work they leave by themselves, the coordinator last.
  const Clock::time_point deadline =
      Clock::now() +
      (outcome == RunOutcome::kAllCommitted ? options_.patience : 0ms);
  for (std::unique_ptr<ChildProcess>* child : {&workers_, &coordinator_}) {
    while (*child && (*child)->running() && Clock::now() < deadline &&
           signals_.count() < 2)
      signals_.wait_for(20ms);
    if (*child) (*child)->stop(kStopPatience);
    child->reset();
  }
  kill_descendants(1s);
  if (outcome != RunOutcome::kFailed) return;
  failure_ = supervision_.failure();
  if (!failure_.empty()) return;
  const std::string& told = supervision_.status()->message;
  failure_ = quoted_failure(told.empty() ? "the run failed" : told,
                            log(RunProgram::kWorkers).string(),
                            last_lines(RunProgram::kWorkers));
}

fs::path LocalRun::log(RunProgram program) const {
  return run_.logs() / (program == RunProgram::kCoordinator ? "coordinator.log"
                                                            : "workers.log");
}

std::string LocalRun::last_lines(RunProgram program) const {
  return last_words(log(program), log_begin_.at(program), kQuotedLines);
}

}  // namespace lens::cli
