#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "storage/lease.h"
#include "storage/part_receipt.h"

namespace lens::worker {

// The coordinator cannot be used: out of reach for too long, another run's, or
// it refuses what we say. One line for the user.
class CoordinatorError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// There was no coordinator to be joined, for the run is complete.
class RunComplete : public std::exception {
 public:
  const char* what() const noexcept override { return "the run is complete"; }
};

using storage::FailureClass;
using storage::LeaseToken;

struct QuarantinedSample {
  std::string sample_id;
  std::string reason;

  bool operator==(const QuarantinedSample&) const = default;
};

// The right to work on a unit, for as long as heartbeats name it.
struct Lease {
  LeaseToken token;
  std::int32_t unit = 0;     // index into the manifest's units
  std::int32_t attempt = 1;  // 1 for the first
  // Not to be run but recorded as failed with the reason given.
  std::vector<QuarantinedSample> quarantined;
  // An attempt at the unit died: its samples are to be run one at a time, and
  // nothing beside them.
  bool alone = false;
};
// Nothing is free now; ask again after this time.
struct Wait {
  std::chrono::milliseconds duration{0};
};
enum class LeaveReason { kComplete, kDraining, kFailed };
// No work is to come: finish the leases at hand and end.
struct Leave {
  LeaveReason reason = LeaveReason::kComplete;
};
using AcquireAnswer = std::variant<Lease, Wait, Leave>;

struct LeaseProgress {
  LeaseToken token;
  std::int32_t unit = 0;
  std::int64_t samples_done = 0;  // of this unit so far
};
struct HeartbeatAnswer {
  std::vector<LeaseToken> revoked;  // stop working on these
  bool draining = false;            // acquire nothing more
};

enum class CommitAnswer {
  kCommitted,  // in the ledger
  kStale,      // does not count; drop the part and go on
};

// What a worker asks of its coordinator (docs/protocol.md). Thread-safe. Calls
// throw CoordinatorError.
class Coordinator {
 public:
  virtual ~Coordinator() = default;

  // As the coordinator asks for.
  virtual std::chrono::milliseconds heartbeat_interval() const = 0;
  // Nothing: a worker may be at a sample for ever.
  virtual std::optional<std::chrono::milliseconds> stall_limit() const = 0;

  virtual AcquireAnswer acquire() = 0;

  // To be called every heartbeat_interval with all leases held. Does not wait
  // for a coordinator that is away: answers that nothing is revoked, because
  // the next one decides. Throws only once it has been away for give_up.
  virtual HeartbeatAnswer heartbeat(std::span<const LeaseProgress> leases) = 0;

  virtual CommitAnswer commit(const Lease& lease,
                              const storage::PartReceipt& receipt,
                              std::int64_t samples_ok,
                              std::int64_t samples_failed,
                              std::int64_t tokens) = 0;

  // `sample_id` where one is known to be the cause, else empty. kLost is a
  // courtesy (the lease would expire): it is tried for a moment and never
  // throws.
  virtual void fail(const Lease& lease, FailureClass failure_class,
                    const std::string& sample_id,
                    const std::string& reason) = 0;
};

}  // namespace lens::worker
