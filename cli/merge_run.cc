#include "cli/merge_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "cli/run_lock.h"
#include "cli/version.h"
#include "coordinator/ledger_reader.h"
#include "storage/manifest_file.h"
#include "storage/scan_parts.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
using coordinator::LedgerReader;
using coordinator::RunState;

std::vector<storage::CommittedPart> parts_to_merge(
    const storage::RunDirectory& run, const storage::Manifest& manifest,
    bool partial) {
  const auto ledger = LedgerReader::open(run.ledger());
  if (ledger.ok()) return ledger->committed_parts();
  if (absl::IsNotFound(ledger.status())) return {};
  if (absl::IsUnavailable(ledger.status())) {
    if (partial) return storage::scan_parts(run, manifest);
    throw InputError("cannot merge " + run.root().string(),
                     "its coordinator is running",
                     "wait for its end, or give --partial");
  }
  throw InputError(std::string(ledger.status().message()));
}

void set_state(const storage::RunDirectory& run, RunState state,
               const std::function<void(const std::string&)>& note) {
  coordinator::LockWait wait;
  wait.note = note;
  const absl::Status status =
      coordinator::set_run_state(run.ledger(), state, wait);
  if (!status.ok()) throw InputError(std::string(status.message()));
}

// A partial merge may be under way when the run ends.
constexpr auto kMergePatience = std::chrono::minutes(10);

RunLock lock_merge(const storage::RunDirectory& run,
                   const MergeRequest& request) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point deadline = Clock::now() + kMergePatience;
  bool told = false;
  for (;;) {
    if (auto lock = RunLock::acquire(run, Activity::kMerging))
      return *std::move(lock);
    const std::string holder = RunLock::holder(run, Activity::kMerging);
    if (!request.pause || Clock::now() >= deadline)
      throw InputError("cannot merge " + run.root().string(), holder,
                       "wait for its end, then run the same command again");
    if (!told) request.note("waiting: " + holder);
    told = true;
    request.pause();
  }
}

}  // namespace

MergeResult merge_run(const storage::RunDirectory& run,
                      const MergeRequest& request) {
  const storage::Manifest manifest = storage::read_manifest(run.manifest());
  // Before parts are chosen: while it is held no coordinator that starts takes
  // leftovers away.
  const RunLock lock = lock_merge(run, request);
  const std::vector<storage::CommittedPart> parts =
      parts_to_merge(run, manifest, request.partial);
  MergeResult result;
  result.units = static_cast<std::int64_t>(parts.size());
  result.units_total = static_cast<std::int64_t>(manifest.units.size());
  if (!request.partial && result.units < result.units_total)
    throw InputError(
        "cannot merge " + run.root().string(),
        fmt::format("{} of {} units are not done",
                    result.units_total - result.units, result.units_total),
        "finish the run by its own command, or give --partial for what is "
        "there");
  result.output = request.output;
  if (result.output.empty())
    result.output =
        request.partial ? run.root() / "results.partial.h5" : run.results();

  const bool completes = !request.partial && request.output.empty();
  if (completes) set_state(run, RunState::kMerging, request.note);
  storage::MergeOptions options;
  options.output = result.output;
  options.partial = request.partial;
  options.software = software_info();
  options.progress = request.progress;
  result.summary = storage::merge(run, manifest, parts, options);
  // Behind the rename: a kill in between leaves results that stand, which
  // mark_complete() finds.
  if (completes) set_state(run, RunState::kComplete, request.note);
  return result;
}

bool has_committed_parts(const storage::RunDirectory& run,
                         const storage::Manifest& manifest) {
  const auto ledger = LedgerReader::open(run.ledger());
  if (!ledger.ok()) return false;
  const std::vector<storage::CommittedPart> parts = ledger->committed_parts();
  if (parts.size() != manifest.units.size()) return false;
  return std::all_of(
      parts.begin(), parts.end(), [&](const storage::CommittedPart& part) {
        std::error_code error;
        const auto bytes =
            fs::file_size(run.root() / part.receipt.file_name, error);
        return !error && static_cast<std::int64_t>(bytes) == part.receipt.bytes;
      });
}

void mark_complete(const storage::RunDirectory& run,
                   const std::function<void(const std::string&)>& note) {
  const auto ledger = LedgerReader::open(run.ledger());
  if (ledger.ok() && ledger->contents().state == RunState::kMerging)
    set_state(run, RunState::kComplete, note);
}

void remove_parts(const storage::RunDirectory& run) {
  const auto ledger = LedgerReader::open(run.ledger());
  if (!ledger.ok()) return;
  for (const storage::CommittedPart& part : ledger->committed_parts()) {
    std::error_code ignored;
    fs::remove(run.root() / part.receipt.file_name, ignored);
  }
}

}  // namespace lens::cli
