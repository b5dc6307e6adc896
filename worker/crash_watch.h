#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "storage/run_directory.h"
#include "storage/work_note.h"
#include "worker/coordinator.h"

namespace lens::worker {

// Leaves a crash note (storage/crash_note.h) when SIGSEGV, SIGBUS, SIGFPE,
// SIGILL or SIGABRT ends the process; then what was to happen happens. To be
// called once, after MPI has put up handlers of its own.
void install_crash_watch();

// Gives the calling thread a stack for the handler, for the case that its own
// has overflowed. Done once a thread; by Doing as well.
void watch_this_thread();

using storage::Stage;

// While an object of this type lives, a death of the process is told of as one
// of its lease: a crash by the crash note of the thread that made the object
// (that of kModel, which works with many threads, holds for every thread that
// has none of its own), any other by the work note on disk. Objects of one
// thread nest.
class Doing {
 public:
  Doing(const storage::RunDirectory& run, const Lease& lease, Stage stage);
  ~Doing();
  Doing(const Doing&) = delete;
  Doing& operator=(const Doing&) = delete;

  // The samples that the stage has come to; one that is alone is named in the
  // notes.
  void come_to(std::span<const std::string> samples);
  // "" where there is not one alone.
  const std::string& sample() const { return sample_; }

  // Something got done: it does not hang. From any thread.
  void step() { ++steps_; }

  struct Note;

 private:
  friend struct Registry;
  void post();

  const std::string path_;
  const Stage stage_;
  const std::uint64_t id_;
  std::atomic<std::uint64_t> steps_{0};
  std::string sample_;
  storage::WorkNote work_note_;
  const Note* const outer_thread_note_;
  const Note* const outer_process_note_;
  // The last one holds. The others stay: a handler may be reading them.
  std::vector<std::unique_ptr<const Note>> notes_;
};

// What this process is at, for whoever watches that it gets on.
struct InWork {
  std::uint64_t id = 0;  // of one Doing, never given twice
  Stage stage{};
  std::uint64_t steps = 0;
};
std::vector<InWork> in_work();

// Leaves the note of a crash for the Doing `id`, with the reason that it made
// no step for so long, and ends the process with status 1. Returns where the
// object is no more.
void end_stalled(std::uint64_t id, std::chrono::seconds idle);

}  // namespace lens::worker
