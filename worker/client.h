#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "storage/part.h"
#include "storage/run_directory.h"

namespace lens::worker {

// The coordinator cannot be used: out of reach for too long, another run's, or
// it refuses what we say. One line for the user.
class CoordinatorError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct WorkerIdentity {
  std::string host;
  int pid = 0;
  int rank = 0;        // in its MPI world; 0 without MPI
  int world_size = 1;  // 1 without MPI
  std::string device_name;
  std::string software_version;
};

struct LeaseToken {
  std::uint64_t epoch = 0;
  std::uint64_t number = 0;

  auto operator<=>(const LeaseToken&) const = default;
};

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
  // An attempt at the unit died: its samples are to be run one at a time.
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

// Why a unit was not finished: coordinator.proto says what each means.
enum class FailureClass { kLost, kCrash, kOutOfMemory, kCheck, kStore };

struct ClientOptions {
  // Of one try of a call.
  std::chrono::milliseconds call_deadline{4'000};
  // How long the coordinator may be away before a call throws.
  std::chrono::milliseconds give_up{std::chrono::minutes(10)};
  // Ends the waiting between two tries: calls then throw at once.
  std::stop_token stop;
  // Told, in a line now and then, what is waited for and when that is over.
  std::function<void(const std::string&)> log = {};
};

// The worker's side of the protocol (docs/protocol.md). Survives restarts of
// the coordinator and of the network: it reads the address again, connects or
// joins again and repeats the call. Text that is no UTF-8 is sent with its odd
// bytes spelled \xNN. Thread-safe; heartbeats come from a thread of their own.
// Calls throw CoordinatorError.
class Client {
 public:
  // Joins the coordinator of the run directory, waiting for it to appear.
  // `run_id` is the manifest's.
  Client(const storage::RunDirectory& run, std::string run_id,
         WorkerIdentity identity, ClientOptions options = {});
  // Says goodbye: leases still held are given back as lost. Does not wait long.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // As the coordinator asks for.
  std::chrono::milliseconds heartbeat_interval() const;
  std::chrono::milliseconds lease_duration() const;
  std::uint64_t epoch() const;  // of the coordinator joined last

  AcquireAnswer acquire();

  // To be called every heartbeat_interval with all leases held. Does not wait
  // for a coordinator that is away: answers that nothing is revoked, because
  // the next one decides. Throws only once it has been away for give_up.
  HeartbeatAnswer heartbeat(std::span<const LeaseProgress> leases);

  CommitAnswer commit(const Lease& lease, const storage::PartReceipt& receipt,
                      std::int64_t samples_ok, std::int64_t samples_failed,
                      std::int64_t tokens);

  // `sample_id` where one is known to be the cause, else empty. kLost is a
  // courtesy (the lease would expire): it is tried for a moment and never
  // throws.
  void fail(const Lease& lease, FailureClass failure_class,
            const std::string& sample_id, const std::string& reason);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lens::worker
