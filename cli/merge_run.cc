#include "cli/merge_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "cli/run_lock.h"
#include "cli/version.h"
#include "coordinator/ledger_reader.h"
#include "worker/error.h"

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

void set_state(const storage::RunDirectory& run, RunState state) {
  const absl::Status status = coordinator::set_run_state(run.ledger(), state);
  if (!status.ok()) throw InputError(std::string(status.message()));
}

}  // namespace

MergeResult merge_run(const storage::RunDirectory& run,
                      const MergeRequest& request) {
  const storage::Manifest manifest = storage::read_manifest(run.manifest());
  const auto lock = RunLock::acquire(run, Activity::kMerging);
  if (!lock)
    throw InputError("cannot merge " + run.root().string(),
                     "another process is merging it", "wait for its end");
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
  if (completes) set_state(run, RunState::kMerging);
  storage::MergeOptions options;
  options.output = result.output;
  options.partial = request.partial;
  options.software = software_info();
  options.progress = request.progress;
  result.summary = storage::merge(run, manifest, parts, options);
  if (completes) set_state(run, RunState::kComplete);
  return result;
}

bool has_committed_parts(const storage::RunDirectory& run) {
  const auto ledger = LedgerReader::open(run.ledger());
  if (!ledger.ok()) return false;
  const std::vector<storage::CommittedPart> parts = ledger->committed_parts();
  return std::all_of(
      parts.begin(), parts.end(), [&](const storage::CommittedPart& part) {
        std::error_code error;
        const auto bytes =
            fs::file_size(run.root() / part.receipt.file_name, error);
        return !error && static_cast<std::int64_t>(bytes) == part.receipt.bytes;
      });
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
