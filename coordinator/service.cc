#include "coordinator/service.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>
#include <vector>

#include "coordinator/convert.h"
#include "proto/security.h"

namespace lens::coordinator {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kDefaultWatch(1'000);
constexpr milliseconds kFastestWatch(100);
// Each watcher holds a thread.
constexpr int kMaxWatchers = 64;

// The codes of absl and gRPC are the same numbers.
grpc::Status to_grpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return {static_cast<grpc::StatusCode>(status.code()),
          std::string(status.message())};
}

// Counts one up for its life.
class Counted {
 public:
  explicit Counted(std::atomic<int>& counter)
      : counter_(counter), value_(++counter) {}
  ~Counted() { --counter_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  int value() const { return value_; }

 private:
  std::atomic<int>& counter_;
  const int value_;
};

}  // namespace

grpc::Status no_valid_token() {
  return {grpc::StatusCode::UNAUTHENTICATED,
          "the token is not that of the run (its coordinator wants .auth/token "
          "of the run directory as authorization: Bearer TOKEN); where the "
          "file has changed since it started, end the run and start it again"};
}

std::string authorization_of(
    const std::multimap<grpc::string_ref, grpc::string_ref>& metadata) {
  const auto entry = metadata.find("authorization");
  if (entry == metadata.end()) return "";
  return std::string(entry->second.data(), entry->second.size());
}

Service::Service(Run& run, std::string token)
    : run_(run), token_(std::move(token)) {}

template <typename Body>
grpc::Status Service::answer(const grpc::ServerContext& context, Body body) {
  try {
    const std::string sent = authorization_of(context.client_metadata());
    // Here as well: without TLS the server has no TokenCheck.
    if (!proto::is_authorized(sent, token_)) {
      return no_valid_token();
    }
    return to_grpc(body());
  } catch (const std::exception& error) {
    return {grpc::StatusCode::INTERNAL, error.what()};
  } catch (...) {
    return {grpc::StatusCode::INTERNAL, "unknown exception"};
  }
}

grpc::Status Service::Join(grpc::ServerContext* context,
                           const v1::JoinRequest* request,
                           v1::JoinResponse* response) {
  return answer(*context, [&]() -> absl::Status {
    const auto worker = run_.join(request->run_id(), from_wire(*request));
    if (!worker.ok()) return worker.status();
    response->set_worker_id(static_cast<std::uint64_t>(*worker));
    response->set_epoch(run_.epoch());
    *response->mutable_heartbeat_interval() = to_wire(run_.interval());
    *response->mutable_lease_duration() =
        to_wire(run_.options().lease_duration);
    if (run_.options().stall_limit.count() > 0) {
      *response->mutable_stall_limit() = to_wire(run_.options().stall_limit);
    }
    return absl::OkStatus();
  });
}

grpc::Status Service::Acquire(grpc::ServerContext* context,
                              const v1::AcquireRequest* request,
                              v1::AcquireResponse* response) {
  return answer(*context, [&]() -> absl::Status {
    // The caller has given up: a lease would only wait for its end.
    if (context->IsCancelled()) return absl::CancelledError("cancelled");
    const auto answered = run_.acquire(WorkerId{request->worker_id()});
    if (!answered.ok()) return answered.status();
    if (const auto* granted = std::get_if<Granted>(&*answered)) {
      *response->mutable_lease() = to_wire(*granted);
    } else if (const auto* wait = std::get_if<WaitFor>(&*answered)) {
      *response->mutable_wait() = to_wire(wait->duration);
    } else {
      response->mutable_leave()->set_reason(
          to_wire(std::get<Outcome>(*answered)));
    }
    return absl::OkStatus();
  });
}

grpc::Status Service::Heartbeat(grpc::ServerContext* context,
                                const v1::HeartbeatRequest* request,
                                v1::HeartbeatResponse* response) {
  return answer(*context, [&]() -> absl::Status {
    const WorkerId worker{request->worker_id()};
    if (request->leaving()) return run_.leave(worker);
    std::vector<LeaseProgress> leases;
    for (const v1::LeaseProgress& lease : request->leases()) {
      leases.push_back({from_wire(lease.token()), UnitIndex{lease.unit()},
                        lease.samples_done()});
    }
    const auto beat = run_.heartbeat(worker, leases);
    if (!beat.ok()) return beat.status();
    for (const LeaseToken token : beat->revoked) {
      *response->add_revoked() = to_wire(token);
    }
    response->set_draining(beat->draining);
    *response->mutable_next() = to_wire(beat->next);
    return absl::OkStatus();
  });
}

grpc::Status Service::Commit(grpc::ServerContext* context,
                             const v1::CommitRequest* request,
                             v1::CommitResponse*) {
  return answer(*context, [&] { return run_.commit(from_wire(*request)); });
}

grpc::Status Service::Fail(grpc::ServerContext* context,
                           const v1::FailRequest* request, v1::FailResponse*) {
  return answer(*context, [&] { return run_.fail(from_wire(*request)); });
}

grpc::Status Service::GetStatus(grpc::ServerContext* context,
                                const v1::GetStatusRequest*,
                                v1::Status* response) {
  return answer(*context, [&] {
    *response = to_wire(run_.snapshot());
    return absl::OkStatus();
  });
}

grpc::Status Service::WatchStatus(grpc::ServerContext* context,
                                  const v1::WatchStatusRequest* request,
                                  grpc::ServerWriter<v1::Status>* writer) {
  return answer(*context, [&]() -> absl::Status {
    const Counted watcher(watchers_);
    if (watcher.value() > kMaxWatchers) {
      return absl::ResourceExhaustedError(
          "too many watchers (at most " + std::to_string(kMaxWatchers) +
          "); ask GetStatus now and then instead");
    }
    const milliseconds interval =
        request->has_interval()
            ? std::max(from_wire(request->interval()), kFastestWatch)
            : kDefaultWatch;
    std::uint64_t seen = 0;
    while (!context->IsCancelled()) {
      const std::uint64_t revision =
          // Not longer, or a caller that has gone would keep its thread.
          run_.wait_for_change(seen, std::min(interval, kDefaultWatch));
      if (revision != seen) {
        if (!writer->Write(to_wire(run_.snapshot()))) break;
        seen = revision;
      }
      if (run_.watchers_dismissed()) break;
      run_.wait_unless_dismissed(interval);
    }
    return absl::OkStatus();
  });
}

grpc::Status Service::Drain(grpc::ServerContext* context,
                            const v1::DrainRequest*, v1::DrainResponse*) {
  return answer(*context, [&] {
    run_.drain("asked by " + context->peer());
    return absl::OkStatus();
  });
}

}  // namespace lens::coordinator
