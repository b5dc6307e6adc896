#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/run_directory.h"

namespace lens::storage {

// What a worker leaves behind when a fatal signal ends it: the lease it was
// working for and, where it was at one sample alone, which. The file is
// RUN/crashes/<unit, 6 digits>.<epoch>-<number>.txt with the sample in its
// first line and the reason in its second.
struct CrashNote {
  std::int32_t unit = 0;
  std::uint64_t epoch = 0;  // of the lease, with number
  std::uint64_t number = 0;
  std::string sample_id;  // "" where several were in flight
  std::string reason;
};

// Nothing where there is none. What a dying process did not get to write is
// left empty.
std::optional<CrashNote> read_crash_note(const RunDirectory& run,
                                         std::int32_t unit, std::uint64_t epoch,
                                         std::uint64_t number);

// All that are there, in the order of their names.
std::vector<CrashNote> read_crash_notes(const RunDirectory& run);

void remove_crash_note(const RunDirectory& run, const CrashNote& note);

}  // namespace lens::storage
