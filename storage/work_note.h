#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "storage/run_directory.h"

namespace lens::storage {

// What is being done for a lease.
enum class Stage { kRows, kImage, kModel, kStore };
inline constexpr int kStages = 4;

// "rows", "image", "model", "store": the names reach disk and must not change.
std::string_view stage_name(Stage stage);
// "while the model ran", behind a death. A signal handler may call it.
const char* stage_phrase(Stage stage);

// What a worker is at, on disk while it is at it, so that a death without a
// word (SIGKILL, the kernel's memory killer) is not without a trace:
//
//   RUN/crashes/<unit, 6 digits>.<epoch>-<number>.<serial>.work
//     line 1  the process (base/process_id.h)
//     line 2  the stage
//     line 3  the samples in work, a space between two
//
// Not synced: it has to outlive its process, not the machine. Where the file
// cannot be written there is no note.
class WorkNote {
 public:
  WorkNote(const RunDirectory& run, const LeaseFile& lease, Stage stage);
  ~WorkNote();
  WorkNote(const WorkNote&) = delete;
  WorkNote& operator=(const WorkNote&) = delete;

  void come_to(std::span<const std::string> samples);

  // Removes all notes of this process, and lets none be written from now on: it
  // was asked to end, and whoever kills it now means the process, not a sample;
  // or it has told itself what it dies of. A signal handler may call it.
  static void withdraw_all();

 private:
  bool appear();  // false where another process has a note of this name

  std::filesystem::path path_;
  std::string head_;  // lines 1 and 2
  int slot_ = -1;     // in the table of this process's notes
  int descriptor_ = -1;
};

// Turns the work notes of processes that have ended into crash notes
// (storage/crash_note.h): of each process one, for what it most likely died of
// (the model before an image, an image before the rest), the sample named where
// only one was in work. Called by whoever can see the processes of a host: its
// coordinator, or a worker that starts where another has ended.
void settle_work_notes(const RunDirectory& run);

}  // namespace lens::storage
