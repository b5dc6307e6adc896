#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "base/process_id.h"
#include "storage/run_directory.h"
#include "worker/coordinator.h"

namespace lens::worker {

struct WorkerIdentity {
  std::string host;
  int pid = 0;
  int rank = 0;        // in its MPI world; 0 without MPI
  int world_size = 1;  // 1 without MPI
  std::string device_name;
  std::string software_version;
  ProcessId process = ProcessId::self();
};

struct ClientOptions {
  // Of one try of a call.
  std::chrono::milliseconds call_deadline{4'000};
  // How long the coordinator may be away before a call throws.
  std::chrono::milliseconds give_up{std::chrono::minutes(10)};
  // How long the run is marked complete before that is believed: a coordinator
  // that starts removes the mark.
  std::chrono::milliseconds believe_complete{20'000};
  // Ends the waiting between two tries: calls then throw at once.
  std::stop_token stop;
  // Told, in a line now and then, what is waited for and when that is over.
  std::function<void(const std::string&)> log = {};
  // Told, from another thread, that a call hangs for want of threads: nothing
  // but the end of the process helps. Empty: nobody is told.
  std::function<void(const std::string&)> stuck = {};
};

// The worker's side of the protocol (docs/protocol.md). Survives restarts of
// the coordinator and of the network: it reads the address again, connects or
// joins again and repeats the call. Text that is no UTF-8 is sent with its odd
// bytes spelled \xNN. Thread-safe; heartbeats come from a thread of their own.
// Calls throw CoordinatorError.
class Client final : public Coordinator {
 public:
  // Joins the coordinator of the run directory, waiting for it to appear.
  // `run_id` is the manifest's. Throws RunComplete where none will, and
  // std::runtime_error where there are no threads for it.
  Client(const storage::RunDirectory& run, std::string run_id,
         WorkerIdentity identity, ClientOptions options = {});
  // Says goodbye: leases still held are given back as lost. Does not wait long.
  ~Client() override;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  std::chrono::milliseconds heartbeat_interval() const override;
  std::chrono::milliseconds lease_duration() const;
  std::optional<std::chrono::milliseconds> stall_limit() const override;
  std::uint64_t epoch() const;  // of the coordinator joined last

  AcquireAnswer acquire() override;
  HeartbeatAnswer heartbeat(std::span<const LeaseProgress> leases) override;
  CommitAnswer commit(const Lease& lease, const storage::PartReceipt& receipt,
                      std::int64_t samples_ok, std::int64_t samples_failed,
                      std::int64_t tokens) override;
  void fail(const Lease& lease, FailureClass failure_class,
            const std::string& sample_id, const std::string& reason) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lens::worker
