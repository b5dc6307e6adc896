#pragma once

#include <grpcpp/client_context.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <stop_token>
#include <utility>

#include "lens/v1/coordinator.grpc.pb.h"
#include "proto/channel.h"

namespace lens::proto {

// A worker's standing with whichever coordinator runs: connects, joins, and
// does both again when the coordinator was restarted. Thread-safe.
class Session {
 public:
  struct Options {
    std::chrono::milliseconds call_deadline{10'000};
    std::stop_token stop;  // ends the waiting between tries
  };

  // Does not call anybody yet.
  Session(std::filesystem::path run_directory, v1::JoinRequest identity,
          Options options);

  // What a coordinator said when it was joined.
  struct Joined {
    Connection connection;
    std::unique_ptr<v1::Coordinator::Stub> stub;
    v1::JoinResponse terms;
  };
  // The latest; null before the first.
  std::shared_ptr<const Joined> joined() const;

  // Joins, waiting for a coordinator for up to `patience`. Codes as `call`.
  grpc::Status join(std::chrono::milliseconds patience);

  // Calls with the present worker id, repeating on everything that a restart
  // of the coordinator or the network can cause, with growing, jittered pauses,
  // until `patience` is over; 0: one try, and one more after joining again.
  // PERMISSION_DENIED: the coordinator is another run's. CANCELLED: stopped.
  // Otherwise the last answer.
  template <typename Request, typename Response>
  grpc::Status call(grpc::Status (v1::Coordinator::Stub::*method)(
                        grpc::ClientContext*, const Request&, Response*),
                    Request request, Response* response,
                    std::chrono::milliseconds patience) {
    return repeat(patience, [&](const Joined& joined) {
      request.set_worker_id(joined.terms.worker_id());
      grpc::ClientContext context;
      prepare(context, joined.connection);
      return ((*joined.stub).*method)(&context, request, response);
    });
  }

 private:
  template <typename Try>
  grpc::Status repeat(std::chrono::milliseconds patience, Try once);

  void prepare(grpc::ClientContext& context,
               const Connection& connection) const;
  // One attempt to get from `used` (null: none) to a session that may work
  // better. True: there is a newer one. `why` is replaced by a better reason.
  bool renew(const std::shared_ptr<const Joined>& used, grpc::Status& why);
  grpc::Status try_join(std::uint64_t lowest_epoch);
  bool pause(std::chrono::milliseconds duration) const;

  const std::filesystem::path run_directory_;
  const v1::JoinRequest identity_;
  const Options options_;

  std::mutex renewing_;  // one thread joins, the others wait for it
  mutable std::mutex mutex_;
  std::shared_ptr<const Joined> joined_;  // guarded by mutex_
};

// Grows from 0.1 s to 5 s, each pause between half and one and a half of it.
class Backoff {
 public:
  std::chrono::milliseconds next();

 private:
  std::chrono::milliseconds pause_{100};
};

// Whether a restarted coordinator or a healed network can mend it.
bool is_transient(const grpc::Status& status);

template <typename Try>
grpc::Status Session::repeat(std::chrono::milliseconds patience, Try once) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  Backoff backoff;
  int renewals_in_a_row = 0;
  while (true) {
    const std::shared_ptr<const Joined> used = joined();
    grpc::Status status(grpc::StatusCode::UNAVAILABLE, "not joined yet");
    if (used) {
      status = once(*used);
      const bool unknown = status.error_code() == grpc::StatusCode::NOT_FOUND;
      if (!unknown && !is_transient(status)) return status;
    }
    // A new session is worth a try at once, but not for ever.
    if (renew(used, status) && ++renewals_in_a_row <= 2) continue;
    renewals_in_a_row = 0;
    if (status.error_code() == grpc::StatusCode::PERMISSION_DENIED) {
      return status;
    }
    const auto duration = backoff.next();
    if (std::chrono::steady_clock::now() + duration > deadline) return status;
    if (!pause(duration)) {
      return grpc::Status(grpc::StatusCode::CANCELLED, "asked to stop");
    }
  }
}

}  // namespace lens::proto
