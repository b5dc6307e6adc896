#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/lease_table.h"
#include "coordinator/records.h"

namespace lens::coordinator {

struct WorkerSnapshot {
  WorkerId id{};
  WorkerIdentity identity;
  std::chrono::steady_clock::duration since_heartbeat{};
  std::vector<UnitIndex> units;  // leased now
  std::int64_t samples_committed = 0;
};

// A run at one moment, for people and tools.
struct RunSnapshot {
  RunState state = RunState::kRunning;
  std::string run_id;
  std::uint64_t epoch = 0;
  std::string software_version;
  std::vector<std::pair<std::string, DatasetCounts>> datasets;
  std::vector<WorkerSnapshot> workers;
  int tensor_parallel = 1;        // processes that make one worker
  double samples_per_second = 0;  // 0: not known
  std::optional<std::chrono::duration<double>> eta;
  std::int64_t units_total = 0;
  std::int64_t units_committed = 0;
  std::int64_t units_leased = 0;
  std::vector<UnitFailure> failures;  // latest first
  std::optional<std::chrono::steady_clock::duration> oldest_lease;
  bool draining = false;
  std::chrono::steady_clock::duration uptime{};
  std::string message;  // one line for people
};

}  // namespace lens::coordinator
