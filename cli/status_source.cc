#include "cli/status_source.h"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <thread>

#include "base/error.h"
#include "cli/run_lock.h"
#include "coordinator/ledger_reader.h"
#include "lens/v1/coordinator.grpc.pb.h"
#include "storage/manifest.h"
#include "storage/manifest_file.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// Long enough for a busy coordinator on another host; a dead one on a living
// host refuses at once.
constexpr auto kStatusDeadline = 2s;
constexpr int kLedgerTries = 5;

double seconds(const google::protobuf::Duration& duration) {
  return static_cast<double>(duration.seconds()) + duration.nanos() * 1e-9;
}

RunState state_of(v1::RunState state) {
  switch (state) {
    case v1::RUN_STATE_MERGING:
      return RunState::kMerging;
    case v1::RUN_STATE_COMPLETE:
      return RunState::kComplete;
    case v1::RUN_STATE_INTERRUPTED:
      return RunState::kInterrupted;
    case v1::RUN_STATE_FAILED:
      return RunState::kFailed;
    default:
      return RunState::kRunning;
  }
}

std::string class_name(int failure_class) {
  if (failure_class == v1::FAILURE_CLASS_UNSPECIFIED) return "unknown";
  return std::string(coordinator::failure_class_name(
      static_cast<coordinator::FailureClass>(failure_class)));
}

RunStatus from_message(const v1::Status& message) {
  RunStatus status;
  status.state = state_of(message.state());
  status.source = "coordinator";
  status.run_id = message.run_id();
  status.software_version = message.software_version();
  for (const v1::DatasetStatus& dataset : message.datasets())
    status.datasets.push_back(
        {dataset.name(), dataset.total(), dataset.done(), dataset.failed()});
  for (const v1::WorkerStatus& worker : message.workers())
    status.workers.push_back(
        {.id = worker.worker_id(),
         .host = worker.host(),
         .pid = worker.pid(),
         .rank = worker.rank(),
         .device = worker.device_name(),
         .seconds_since_heartbeat = seconds(worker.since_heartbeat()),
         .units = {worker.units().begin(), worker.units().end()},
         .samples_done = worker.samples_done()});
  for (const v1::UnitFailure& failure : message.failures())
    status.failures.push_back({failure.unit(), failure.attempt(),
                               class_name(failure.failure_class()),
                               failure.sample_id(), failure.reason()});
  status.tensor_parallel = std::max(1, message.tensor_parallel());
  status.samples_per_second = message.samples_per_second();
  if (message.has_eta()) status.eta_seconds = seconds(message.eta());
  status.units_total = message.units_total();
  status.units_committed = message.units_committed();
  status.units_leased = message.units_leased();
  status.oldest_lease_seconds = seconds(message.oldest_lease());
  status.uptime_seconds = seconds(message.uptime());
  status.draining = message.draining();
  status.message = message.message();
  return status;
}

void count_from_ledger(const coordinator::LedgerReader& ledger,
                       const storage::Manifest& manifest, RunStatus& status) {
  status.datasets.clear();
  for (const auto& [name, counts] : ledger.counts(manifest))
    status.datasets.push_back({name, counts.total, counts.done, counts.failed});
  const coordinator::LedgerContents& contents = ledger.contents();
  status.units_committed = static_cast<std::int64_t>(contents.commits.size());
  for (auto failure = contents.failures.rbegin();
       failure != contents.failures.rend() && status.failures.size() < 100;
       ++failure)
    status.failures.push_back(
        {coordinator::to_int(failure->unit), failure->attempt,
         std::string(coordinator::failure_class_name(failure->failure_class)),
         failure->sample_id, failure->reason});
}

// The ledger's state is what a program wrote last; what is on disk and which
// program lives decide what it means now.
void decide_state(const storage::RunDirectory& run, RunState recorded,
                  const std::string& reason, Asker asker, RunStatus& status) {
  const bool all_done = status.units_committed == status.units_total;
  const std::string progress = fmt::format(
      "{} of {} units are done", status.units_committed, status.units_total);
  // Before results that stand: a merge may be about to replace them.
  if (RunLock::held(run, Activity::kMerging)) {
    status.state = RunState::kMerging;
    status.message = all_done ? "results.h5 is being written; wait"
                              : progress + "; a partial file is being written";
  } else if (all_done && fs::exists(run.results())) {
    status.state = RunState::kComplete;
    status.results = run.results().string();
    status.message = "the results are in " + run.results().string();
  } else if (asker == Asker::kAnyone &&
             RunLock::held(run, Activity::kRunning)) {
    status.state = all_done ? RunState::kMerging : RunState::kRunning;
    status.message =
        progress + (all_done ? "; the merge is about to begin"
                             : "; the coordinator is being (re)started");
  } else if (all_done) {
    status.state = RunState::kInterrupted;
    status.message = progress +
                     ", results.h5 is not written; run the same "
                     "command again, or `lens merge " +
                     run.root().string() + "`";
  } else if (recorded == RunState::kFailed) {
    status.state = RunState::kFailed;
    status.message = (reason.empty() ? progress : reason) + "; see " +
                     run.logs().string() +
                     ", then run the same command again to retry";
  } else {
    status.state = RunState::kInterrupted;
    status.message = progress + "; run the same command again to go on";
  }
}

}  // namespace

bool CoordinatorClient::ensure_connected() {
  const auto address = proto::read_address(run_.address());
  if (!address.ok()) {
    connection_.reset();
    // Nobody to answer is no problem.
    problem_ = absl::IsNotFound(address.status())
                   ? ""
                   : std::string(address.status().message());
    return false;
  }
  if (connection_ && connection_->address == *address) return true;
  connection_.reset();
  auto connection = proto::connect(run_.root(), *address);
  if (!connection.ok()) {
    problem_ = std::string(connection.status().message());
    return false;
  }
  connection_ = *std::move(connection);
  return true;
}

bool CoordinatorClient::answered(const grpc::Status& status) {
  problem_ = status.ok() ? "" : status.error_message();
  if (!status.ok()) connection_.reset();
  return status.ok();
}

std::optional<RunStatus> CoordinatorClient::status(
    std::chrono::milliseconds deadline) {
  if (!ensure_connected()) return std::nullopt;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + deadline);
  connection_->authorize(context);
  v1::Status message;
  const auto stub = v1::Coordinator::NewStub(connection_->channel);
  if (!answered(stub->GetStatus(&context, {}, &message))) return std::nullopt;
  RunStatus status = from_message(message);
  // Complete is a run whose results are there, not only its parts.
  if (status.state == RunState::kComplete) {
    if (fs::exists(run_.results()))
      status.results = run_.results().string();
    else
      status.state = RunState::kMerging;
  }
  return status;
}

bool CoordinatorClient::drain(std::chrono::milliseconds deadline) {
  if (!ensure_connected()) return false;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + deadline);
  connection_->authorize(context);
  v1::DrainResponse response;
  const auto stub = v1::Coordinator::NewStub(connection_->channel);
  return answered(stub->Drain(&context, {}, &response));
}

namespace {

std::string owner_of(const fs::path& file) {
  struct stat info;
  if (stat(file.c_str(), &info) != 0) return "another user";
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> text{};
  if (getpwuid_r(info.st_uid, &entry, text.data(), text.size(), &found) != 0 ||
      found == nullptr)
    return fmt::format("user {}", info.st_uid);
  return entry.pw_name;
}

// `problem` as CoordinatorClient::problem().
InputError silent_coordinator(const storage::RunDirectory& run,
                              const std::string& problem) {
  if (access(run.auth().c_str(), R_OK | X_OK) != 0 && errno == EACCES) {
    const std::string owner = owner_of(run.auth());
    return InputError(
        "cannot ask the coordinator of " + run.root().string(),
        "it is running; its credentials in .auth are not yours to read",
        "ask " + owner);
  }
  constexpr const char* kRemedy =
      "try again in a while; logs/coordinator.log says what it does";
  const auto address = proto::read_address(run.address());
  if (address.ok() && !problem.empty())
    return InputError(
        "the coordinator at " + address->target() + " does not answer", problem,
        kRemedy);
  return InputError("cannot ask the coordinator of " + run.root().string(),
                    "it is starting or ending", kRemedy);
}

// NOT_FOUND is no error here. Others as LedgerReader::open.
absl::StatusOr<RunStatus> read_ledger_status(const storage::RunDirectory& run,
                                             Asker asker) {
  if (!fs::exists(run.manifest()))
    throw InputError(
        "no run in " + run.root().string(),
        fs::exists(run.root()) ? "no manifest.json" : "no such folder",
        "give the folder of --out");
  const storage::Manifest manifest = storage::read_manifest(run.manifest());
  RunStatus status;
  status.source = "ledger";
  status.run_id = manifest.run_id;
  status.tensor_parallel = manifest.config.tensor_parallel;
  status.units_total = static_cast<std::int64_t>(manifest.units.size());
  for (const storage::DatasetInput& dataset : manifest.datasets)
    status.datasets.push_back({.name = dataset.name, .total = dataset.samples});

  const auto ledger = coordinator::LedgerReader::open(run.ledger());
  if (absl::IsNotFound(ledger.status())) {
    decide_state(run, RunState::kInterrupted, "", asker, status);
    if (status.state == RunState::kInterrupted)
      status.message = "planned, not started; `lens run` or sbatch starts it";
    return status;
  }
  if (!ledger.ok()) return ledger.status();
  count_from_ledger(*ledger, manifest, status);
  decide_state(run, ledger->state(), ledger->contents().reason, asker, status);
  return status;
}

RunStatus value_or_throw(const storage::RunDirectory& run,
                         absl::StatusOr<RunStatus> status,
                         const std::string& problem = "") {
  if (status.ok()) return *std::move(status);
  if (absl::IsUnavailable(status.status()))
    throw silent_coordinator(run, problem);
  throw InputError(std::string(status.status().message()));
}

}  // namespace

RunStatus ledger_status(const storage::RunDirectory& run, Asker asker) {
  return value_or_throw(run, read_ledger_status(run, asker));
}

RunStatus run_status(const storage::RunDirectory& run,
                     CoordinatorClient& client) {
  for (int attempt = 1;; ++attempt) {
    if (auto status = client.status(kStatusDeadline)) return *std::move(status);
    absl::StatusOr<RunStatus> status = read_ledger_status(run, Asker::kAnyone);
    // A coordinator that is just starting holds the ledger before it can be
    // asked.
    if (!absl::IsUnavailable(status.status()) || attempt == kLedgerTries)
      return value_or_throw(run, std::move(status), client.problem());
    std::this_thread::sleep_for(200ms);
  }
}

}  // namespace lens::cli
