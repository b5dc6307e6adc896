#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/run_directory.h"

namespace lens::storage {

// What is left of a worker that a fatal signal ended: the lease it was working
// for and, where it was at one sample alone, which. The file is
// RUN/crashes/<unit, 6 digits>.<epoch>-<number>.txt with the sample in its
// first line, the reason in its second, and "killed" in its third one where
// others found the process dead (storage/work_note.h).
struct CrashNote {
  std::int32_t unit = 0;
  std::uint64_t epoch = 0;  // of the lease, with number
  std::uint64_t number = 0;
  std::string sample_id;  // "" where several were in flight
  std::string reason;
  bool killed = false;
};

// Nothing where there is none. What a dying process did not get to write is
// left empty.
std::optional<CrashNote> read_crash_note(const RunDirectory& run,
                                         std::int32_t unit, std::uint64_t epoch,
                                         std::uint64_t number);

// All that are there, in the order of their names.
std::vector<CrashNote> read_crash_notes(const RunDirectory& run);

// By rename. What cannot be written is lost: the death counts for nothing then.
void write_crash_note(const RunDirectory& run, const CrashNote& note);

void remove_crash_note(const RunDirectory& run, const CrashNote& note);

}  // namespace lens::storage
