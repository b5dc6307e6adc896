#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "storage/run_directory.h"
#include "worker/client.h"

namespace lens::worker {

// Leaves a crash note (storage/crash_note.h) when SIGSEGV, SIGBUS, SIGFPE,
// SIGILL or SIGABRT ends the process; then what was to happen happens. To be
// called once, after MPI has put up handlers of its own.
void install_crash_watch();

// What is being done for a lease.
enum class Stage { kRows, kImage, kModel, kStore };

// While an object of this type lives, a crash of the thread that made it is
// told of as one of its lease. That of kModel, which works with many threads,
// holds for every thread that has none of its own.
//
// Tests make a process crash by the environment variable LENS_TEST_CRASH =
// STAGE:SAMPLE (stage image or model): SIGSEGV is raised where that stage comes
// to that sample.
class Doing {
 public:
  Doing(const storage::RunDirectory& run, const Lease& lease, Stage stage);
  ~Doing();
  Doing(const Doing&) = delete;
  Doing& operator=(const Doing&) = delete;

  // The samples that the stage has come to; one that is alone is named in the
  // note.
  void come_to(std::span<const std::string> samples);
  // "" where there is not one alone.
  const std::string& sample() const { return sample_; }

  struct Note;

 private:
  void post();

  const std::string path_;
  const Stage stage_;
  std::string sample_;
  // The last one holds. The others stay: a handler may be reading them.
  std::vector<std::unique_ptr<const Note>> notes_;
};

}  // namespace lens::worker
