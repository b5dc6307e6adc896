#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace lens::storage {

// Where things lie in a run directory. The names reach disk and other hosts:
// they must not change.
class RunDirectory {
 public:
  explicit RunDirectory(std::filesystem::path root) : root_(std::move(root)) {}

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path manifest() const { return root_ / "manifest.json"; }
  std::filesystem::path ledger() const { return root_ / "ledger.sqlite"; }
  // Address of the running coordinator, placed by rename.
  std::filesystem::path address() const { return root_ / "coordinator.json"; }
  // The id of the run, from the moment every unit is committed until the next
  // coordinator starts: whoever waits for one then need not.
  std::filesystem::path complete() const { return root_ / ".complete"; }
  // Certificates and the call token, 0700.
  std::filesystem::path auth() const { return root_ / ".auth"; }
  std::filesystem::path parts() const { return root_ / "parts"; }
  std::filesystem::path vocabulary() const { return root_ / "vocabulary.h5"; }
  std::filesystem::path results() const { return root_ / "results.h5"; }
  std::filesystem::path logs() const { return root_ / "logs"; }
  // Held by whoever runs or plans, and by whoever merges.
  std::filesystem::path run_lock() const { return root_ / ".run.lock"; }
  std::filesystem::path merge_lock() const { return root_ / ".merge.lock"; }

  // Notes of crashed workers (storage/crash_note.h), and of what living ones
  // are at (storage/work_note.h).
  std::filesystem::path crashes() const { return root_ / "crashes"; }
  std::filesystem::path crash_note(std::int32_t unit, std::uint64_t epoch,
                                   std::uint64_t number) const;

  std::filesystem::path work_note(std::int32_t unit, std::uint64_t epoch,
                                  std::uint64_t number,
                                  std::uint64_t serial) const;

  // parts/<dataset>/<unit, 6 digits>.<epoch>-<number>.h5
  std::filesystem::path part(const std::string& dataset, std::int32_t unit,
                             std::uint64_t epoch, std::uint64_t number) const;

 private:
  std::filesystem::path root_;
};

// The lease in the name of a part or a note.
struct LeaseFile {
  std::int32_t unit = 0;
  std::uint64_t epoch = 0;
  std::uint64_t number = 0;
};

// Reads "<unit>.<epoch>-<number>" off the front of a file's name; `rest` is
// what follows. Nothing where the name begins otherwise.
std::optional<LeaseFile> parse_lease_file(std::string_view name,
                                          std::string_view& rest);

}  // namespace lens::storage
