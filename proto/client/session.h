#pragma once

#include <grpcpp/client_context.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <utility>

#include "lens/v1/coordinator.grpc.pb.h"
#include "proto/channel.h"
#include "proto/client/call_watch.h"
#include "proto/client/try_limit.h"
#include "proto/client/waiting.h"

namespace lens::proto {

// A worker's standing with whichever coordinator runs: connects, joins, does
// both again when the coordinator was restarted, and connects again when a
// connection has failed. Thread-safe.
class Session {
 public:
  struct Options {
    // Of the first try. Short: into a connection that is dead without a word a
    // call waits in vain, and only then is the next one made over a new
    // connection. Later ones may take longer (TryLimit).
    std::chrono::milliseconds call_deadline{4'000};
    // How long a run is marked complete before that is believed: a coordinator
    // that starts removes the mark.
    std::chrono::milliseconds believe_complete{20'000};
    std::stop_token stop;   // ends the waiting between tries
    Waiting::Log log = {};  // told what is waited for
    // Told of a call that gRPC leaves without an answer; empty: nobody is.
    CallWatch::Stuck stuck = {};
  };

  // Does not call anybody yet. Throws std::system_error where there is no
  // thread for `stuck`.
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
  // until `patience` is over; 0: one try, and one more after connecting or
  // joining again. PERMISSION_DENIED: the coordinator is another run's, or the
  // credentials stay unusable. OUT_OF_RANGE: the run is complete, and no
  // coordinator comes any more. CANCELLED: stopped. Otherwise the last answer.
  template <typename Request, typename Response>
  grpc::Status call(grpc::Status (v1::Coordinator::Stub::*method)(
                        grpc::ClientContext*, const Request&, Response*),
                    Request request, Response* response,
                    std::chrono::milliseconds patience) {
    return repeat(patience, [&](const Joined& joined, Limit limit) {
      request.set_worker_id(joined.terms.worker_id());
      grpc::ClientContext context;
      prepare(context, joined.connection, limit);
      const CallWatch::Call call(watch_, limit);
      return ((*joined.stub).*method)(&context, request, response);
    });
  }

 private:
  using Limit = std::chrono::milliseconds;             // of one try
  using Address = absl::StatusOr<CoordinatorAddress>;  // as read, once a try

  template <typename Try>
  grpc::Status repeat(std::chrono::milliseconds patience, Try once);

  void prepare(grpc::ClientContext& context, const Connection& connection,
               Limit limit) const;
  // One attempt to get from `used` (null: none) to a session that may work
  // better. True: there is a newer one. `why` is replaced by a better reason.
  bool renew(const std::shared_ptr<const Joined>& used, grpc::Status& why);
  // What came of a try that began at `begin`.
  void note(const grpc::Status& status,
            std::chrono::steady_clock::time_point begin);
  grpc::Status try_join(const Address& address, std::uint64_t lowest_epoch);
  // A new connection in the place of a failed one, to the same coordinator.
  grpc::Status try_reconnect(const Address& address, const Joined& failed);
  void keep(std::shared_ptr<const Joined> joined);
  absl::StatusOr<Connection> connect_to(const Address& address, Limit limit);
  std::string asked() const;
  bool pause(std::chrono::milliseconds duration) const;

  const std::filesystem::path run_directory_;
  const v1::JoinRequest identity_;
  const Options options_;

  Waiting waiting_;
  CallWatch watch_;
  TryLimit try_limit_;
  std::mutex renewing_;  // one thread joins, the others wait for it
  mutable std::mutex mutex_;
  std::shared_ptr<const Joined> joined_;  // guarded by mutex_
  std::string asked_;                     // guarded by mutex_; host and port
};

// Grows from 0.1 s to 2 s, each pause between half and one and a half of it.
class Backoff {
 public:
  std::chrono::milliseconds next();

 private:
  std::chrono::milliseconds pause_{100};
};

// Whether a restarted coordinator or a healed network can mend it.
bool is_transient(const grpc::Status& status);

// How long credentials may be unusable: a coordinator that starts makes them
// anew where they are damaged.
inline constexpr std::chrono::seconds kUnusableCredentials(20);
inline constexpr std::chrono::milliseconds kShortestTry(100);

template <typename Try>
grpc::Status Session::repeat(std::chrono::milliseconds patience, Try once) {
  using std::chrono::steady_clock;
  const auto begin = steady_clock::now();
  const auto limit = [&] {
    const Limit longest = try_limit_.now();
    if (patience.count() == 0) return longest;
    const auto left = std::chrono::duration_cast<Limit>(begin + patience -
                                                        steady_clock::now());
    return std::min(longest, std::max(left, kShortestTry));
  };
  Backoff backoff;
  int renewals_in_a_row = 0;
  while (true) {
    const std::shared_ptr<const Joined> used = joined();
    grpc::Status status(grpc::StatusCode::UNAVAILABLE, "not joined yet");
    if (used) {
      const auto tried = steady_clock::now();
      status = once(*used, limit());
      note(status, tried);
      const bool unknown = status.error_code() == grpc::StatusCode::NOT_FOUND;
      if (!unknown && !is_transient(status)) return status;
    }
    // A new session is worth a try at once, but not for ever.
    const int most = steady_clock::now() - begin < patience ? 2 : 1;
    if (renew(used, status) && ++renewals_in_a_row <= most) continue;
    renewals_in_a_row = 0;
    if (status.error_code() == grpc::StatusCode::PERMISSION_DENIED) {
      return status;
    }
    waiting_.failed(asked(), status.error_message());
    const auto duration = backoff.next();
    const auto waited = steady_clock::now() + duration - begin;
    if (status.error_code() == grpc::StatusCode::UNAUTHENTICATED &&
        waited > kUnusableCredentials) {
      return grpc::Status(grpc::StatusCode::PERMISSION_DENIED,
                          status.error_message());
    }
    if (waited > patience) return status;
    if (status.error_code() == grpc::StatusCode::OUT_OF_RANGE &&
        waited > options_.believe_complete) {
      return status;
    }
    if (!pause(duration)) {
      return grpc::Status(grpc::StatusCode::CANCELLED, "asked to stop");
    }
  }
}

}  // namespace lens::proto
