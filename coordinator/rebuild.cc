#include "coordinator/rebuild.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <exception>
#include <filesystem>
#include <string>
#include <system_error>

#include "base/error.h"
#include "coordinator/part_check.h"
#include "storage/part.h"
#include "storage/scan_parts.h"

namespace lens::coordinator {
namespace {

// Of "<unit>.<epoch>-<number>.h5"; 0 for any other name.
std::uint64_t epoch_in_name(const std::string& name) {
  const std::size_t dot = name.find('.');
  if (dot == std::string::npos) return 0;
  std::uint64_t epoch = 0;
  const char* const end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data() + dot + 1, end, epoch);
  const bool fits =
      parsed.ec == std::errc() && parsed.ptr != end && *parsed.ptr == '-';
  return fits ? epoch : 0;
}

// By name alone: a part that cannot be read has used up its epoch as well.
std::uint64_t highest_epoch(const std::filesystem::path& parts) {
  std::uint64_t highest = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(parts)) {
    highest =
        std::max(highest, epoch_in_name(entry.path().filename().string()));
  }
  return highest;
}

UnitCommit commit_of(const storage::CommittedPart& committed,
                     const storage::Part& part) {
  UnitCommit commit;
  commit.unit = UnitIndex{committed.unit};
  commit.token = {part.header.epoch, part.header.number};
  commit.receipt = committed.receipt;
  for (const storage::SampleRecord& sample : part.result.samples) {
    const bool ok = sample.status == storage::SampleStatus::kOk;
    ++(ok ? commit.samples_ok : commit.samples_failed);
  }
  commit.tokens = static_cast<std::int64_t>(part.result.tokens.size());
  return commit;
}

Rebuilt rebuild(const storage::RunDirectory& run,
                const storage::Manifest& manifest) {
  Rebuilt rebuilt;
  rebuilt.highest_epoch = highest_epoch(run.parts());
  for (const storage::CommittedPart& committed :
       storage::scan_parts(run, manifest)) {
    try {
      const storage::Part part =
          storage::read_part(run.root() / committed.receipt.file_name);
      rebuilt.commits.push_back(commit_of(committed, part));
    } catch (const StorageError&) {
      // Done again: nothing says any more that it was acknowledged.
    }
  }
  return rebuilt;
}

// A shared file system may show what another host wrote a moment late.
constexpr std::chrono::milliseconds kPatience(1000);

}  // namespace

absl::StatusOr<Rebuilt> rebuild_from_parts(const storage::RunDirectory& run,
                                           const storage::Manifest& manifest) {
  std::error_code error;
  if (!std::filesystem::exists(run.parts(), error)) return Rebuilt{};
  try {
    return rebuild(run, manifest);
  } catch (const std::exception& failure) {
    return absl::DataLossError(
        std::string("cannot rebuild the ledger from the parts (") +
        failure.what() + ")");
  }
}

std::vector<UnitIndex> lost_parts(const storage::RunDirectory& run,
                                  const LedgerContents& contents) {
  std::vector<UnitIndex> lost;
  std::error_code error;
  if (std::filesystem::exists(run.results(), error)) return lost;
  // Once for all: many may be gone.
  std::chrono::milliseconds patience = kPatience;
  for (const UnitCommit& commit : contents.commits) {
    const auto file = run.root() / commit.receipt.file_name;
    if (check_part_file(file, commit.receipt.bytes, patience).ok()) continue;
    lost.push_back(commit.unit);
    patience = {};
  }
  return lost;
}

}  // namespace lens::coordinator
