#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/records.h"

namespace lens::cli {

using coordinator::RunState;

// A snapshot of a run, from whichever source could give one. Samples are
// counted where nothing else is said.
struct RunStatus {
  struct Dataset {
    std::string name;
    std::int64_t total = 0;
    std::int64_t done = 0;    // committed, ok or failed
    std::int64_t failed = 0;  // committed as failed
  };
  struct Worker {
    std::uint64_t id = 0;
    std::string host;
    int pid = 0;
    int rank = 0;  // of the first process, where several share a model
    std::string device;
    double seconds_since_heartbeat = 0;
    std::vector<int> units;  // leased now
    std::int64_t samples_done = 0;
  };
  struct Failure {
    int unit = 0;
    int attempt = 0;
    std::string failure_class;  // "lost", "crash", ...
    std::string sample_id;
    std::string reason;
  };

  RunState state = RunState::kInterrupted;
  std::string source;  // "coordinator" or "ledger"
  std::string run_id;
  std::string software_version;
  std::vector<Dataset> datasets;
  std::vector<Worker> workers;
  int tensor_parallel = 1;        // processes of each worker
  double samples_per_second = 0;  // 0: not known
  std::optional<double> eta_seconds;
  std::int64_t units_total = 0;
  std::int64_t units_committed = 0;
  std::int64_t units_leased = 0;
  std::vector<Failure> failures;  // latest first
  double oldest_lease_seconds = 0;
  double uptime_seconds = 0;  // of the coordinator
  bool draining = false;
  std::string message;  // one line: what is going on, what to do next
  std::string results;  // path of results.h5 once complete

  std::int64_t total() const;
  std::int64_t done() const;
  std::int64_t failed() const;
};

// The JSON object of `lens status --json`, on one line.
std::string status_json(const RunStatus& status);

// The same for people, several lines, each ended.
std::string status_text(const RunStatus& status);

// "3 s", "4 min 10 s", "2 h 05 min", "3 d 04 h".
std::string duration_text(double seconds);

}  // namespace lens::cli
