#include "coordinator/ledger_lock.h"

#include "coordinator/file_lock.h"

namespace lens::coordinator {

std::filesystem::path coordinator_lock(const std::filesystem::path& ledger) {
  return ledger.parent_path() / ".coordinator.lock";
}

std::string foreign_holder(const std::filesystem::path& ledger) {
  const auto holder = lock_holder(ledger);
  return holder ? holder->text() : "another program";
}

absl::Status foreign_lock(const std::filesystem::path& ledger) {
  return absl::AbortedError("cannot use " + ledger.string() + " (" +
                            foreign_holder(ledger) +
                            " holds a lock on it); end that program, then run "
                            "the same command again");
}

}  // namespace lens::coordinator
