// Simulated workers for coordinator_load: many in one process.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>

namespace lens::bench {

inline constexpr char kDataset[] = "latex_ocr";
inline constexpr int kHeld = 2;  // leases of a worker while it sends heartbeats

// Ends the process with the line, without waiting for threads in calls.
[[noreturn]] void end_with(const std::string& line);

// A unit's part, below the run directory.
std::string part_name(int unit);

struct CrowdSettings {
  int workers = 4096;  // of all crowds together
  int processes = 4;   // crowds
  int callers = 256;   // of all crowds, at a time; 0: all workers
  int seconds = 20;    // of heartbeats
};

// What a crowd is told to do. It answers with a count.
enum class Order : char {
  kJoin = 'j',    // all at once; workers
  kHold = 'h',    // acquire kHeld each; leases
  kCommit = 'c',  // acquire and commit until no unit is left; units
  kBeat = 'b',    // heartbeats at the coordinator's interval; heartbeats
};

// A process with a crowd: every `processes`-th of the workers.
class CrowdProcess {
 public:
  // Forks: before the caller has any thread.
  CrowdProcess(const CrowdSettings& settings, const std::filesystem::path& run,
               const std::string& run_id, int process);
  ~CrowdProcess();
  CrowdProcess(const CrowdProcess&) = delete;
  CrowdProcess& operator=(const CrowdProcess&) = delete;

  void order(Order what) const;
  // To the last order, when it is carried out.
  std::int64_t answer() const;

 private:
  pid_t pid_ = -1;
  int socket_ = -1;
};

}  // namespace lens::bench
