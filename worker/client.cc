#include "worker/client.h"

#include <atomic>
#include <cstdio>
#include <mutex>
#include <random>
#include <stdexcept>
#include <thread>
#include <utility>

#include "base/storable_text.h"
#include "proto/client/session.h"
#include "proto/lease_wire.h"
#include "proto/threads.h"

namespace lens::worker {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// For what is said out of courtesy.
constexpr milliseconds kCourtesy(2'000);

// What gRPC and the heartbeats take; one client was seen to have 8.
constexpr std::size_t kThreads = 12;

// 128 random bits, hex.
std::string make_instance() {
  std::random_device random;
  std::string text;
  char word[9];
  for (int i = 0; i < 4; ++i) {
    std::snprintf(word, sizeof(word), "%08x", random());
    text += word;
  }
  return text;
}

// Text is made storable: a message with other bytes would be refused as a
// whole.
v1::JoinRequest to_request(const std::string& run_id,
                           const WorkerIdentity& identity) {
  v1::JoinRequest request;
  request.set_run_id(storable_text(run_id));
  request.set_host(storable_text(identity.host));
  request.set_pid(identity.pid);
  request.set_rank(identity.rank);
  request.set_world_size(identity.world_size);
  request.set_device_name(storable_text(identity.device_name));
  request.set_software_version(storable_text(identity.software_version));
  request.set_instance(make_instance());
  if (!identity.process.space.empty()) {
    request.set_process(to_text(identity.process));
  }
  return request;
}

using proto::from_wire;
using proto::to_wire;

milliseconds from_wire(const google::protobuf::Duration& duration) {
  return std::chrono::seconds(duration.seconds()) +
         milliseconds(duration.nanos() / 1'000'000);
}

Lease from_wire(const v1::Lease& lease) {
  Lease result;
  result.token = from_wire(lease.token());
  result.unit = lease.unit();
  result.attempt = lease.attempt();
  result.alone = lease.alone();
  for (const v1::QuarantinedSample& sample : lease.quarantined()) {
    result.quarantined.push_back({sample.sample_id(), sample.reason()});
  }
  return result;
}

Leave from_wire(const v1::Leave& leave) {
  switch (leave.reason()) {
    case v1::LEAVE_REASON_DRAINING:
      return {LeaveReason::kDraining};
    case v1::LEAVE_REASON_FAILED:
      return {LeaveReason::kFailed};
    default:
      return {LeaveReason::kComplete};
  }
}

// Without us: what is still held is nobody's need.
bool is_complete(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::OUT_OF_RANGE;
}

}  // namespace

class Client::Impl {
 public:
  Impl(std::filesystem::path run_directory, const std::string& run_id,
       const WorkerIdentity& identity, ClientOptions options)
      : run_directory_(std::move(run_directory)),
        options_(std::move(options)),
        session_(run_directory_, to_request(run_id, identity),
                 {.call_deadline = options_.call_deadline,
                  .believe_complete = options_.believe_complete,
                  .stop = options_.stop,
                  .log = options_.log,
                  .stuck = options_.stuck}) {
    const grpc::Status status = session_.join(options_.give_up);
    if (is_complete(status)) throw RunComplete();
    check(status);
    last_answer_ = steady_clock::now();
  }

  // Without the retries and the stop of the session: this is the end.
  ~Impl() {
    const auto joined = session_.joined();
    if (!joined) return;
    v1::HeartbeatRequest request;
    request.set_worker_id(joined->terms.worker_id());
    request.set_leaving(true);
    v1::HeartbeatResponse response;
    grpc::ClientContext context;
    joined->connection.authorize(context);
    context.set_deadline(std::chrono::system_clock::now() + kCourtesy);
    joined->stub->Heartbeat(&context, request, &response);
  }

  v1::JoinResponse terms() const { return session_.joined()->terms; }

  milliseconds heartbeat_interval() const {
    const v1::JoinResponse joined = terms();
    const std::lock_guard lock(mutex_);
    // A new coordinator begins anew.
    return next_heartbeat_.worker == joined.worker_id()
               ? next_heartbeat_.after
               : from_wire(joined.heartbeat_interval());
  }

  template <typename Method, typename Request, typename Response>
  grpc::Status call(Method method, const Request& request, Response* response) {
    return session_.call(method, request, response, options_.give_up);
  }

  AcquireAnswer acquire() {
    if (draining_) return Leave{LeaveReason::kDraining};
    v1::AcquireResponse response;
    const grpc::Status status =
        call(&Stub::Acquire, v1::AcquireRequest(), &response);
    if (is_complete(status)) return Leave{LeaveReason::kComplete};
    check(status);
    if (response.has_lease()) return from_wire(response.lease());
    if (response.has_leave()) return from_wire(response.leave());
    return Wait{from_wire(response.wait())};
  }

  HeartbeatAnswer heartbeat(std::span<const LeaseProgress> leases) {
    v1::HeartbeatRequest request;
    for (const LeaseProgress& lease : leases) {
      v1::LeaseProgress* const entry = request.add_leases();
      *entry->mutable_token() = to_wire(lease.token);
      entry->set_unit(lease.unit);
      entry->set_samples_done(lease.samples_done);
    }
    v1::HeartbeatResponse response;
    const grpc::Status status =
        session_.call(&Stub::Heartbeat, request, &response, milliseconds(0));
    const auto now = steady_clock::now();
    const std::lock_guard lock(mutex_);
    if (!status.ok()) {
      // Not known is not lost: the next coordinator, or the next call, decides.
      const bool unknown = status.error_code() == grpc::StatusCode::NOT_FOUND;
      if ((unknown || proto::is_transient(status)) &&
          now - last_answer_ < options_.give_up) {
        return {};
      }
      check(status);
    }
    last_answer_ = now;
    HeartbeatAnswer answer;
    answer.draining = response.draining();
    draining_ = answer.draining;
    if (response.has_next()) {
      next_heartbeat_ = {terms().worker_id(), from_wire(response.next())};
    }
    for (const v1::LeaseToken& token : response.revoked()) {
      answer.revoked.push_back(from_wire(token));
    }
    return answer;
  }

  // Throws what the user has to read.
  void check(const grpc::Status& status) const {
    if (status.ok()) return;
    if (options_.stop.stop_requested()) {
      throw CoordinatorError("stopped while waiting for the coordinator");
    }
    // Says itself what is to be done.
    if (status.error_code() == grpc::StatusCode::PERMISSION_DENIED) {
      throw CoordinatorError(status.error_message());
    }
    const std::string why = " (" + status.error_message() + "); ";
    if (proto::is_transient(status)) {
      throw CoordinatorError("the coordinator has not answered for " +
                             std::to_string(options_.give_up.count() / 1000) +
                             " s" + why + "see logs/ of " +
                             run_directory_.string() +
                             " and start the run again");
    }
    throw CoordinatorError("the coordinator refuses the call" + why +
                           "start the worker as the run's own program does");
  }

  using Stub = v1::Coordinator::Stub;

  const std::filesystem::path run_directory_;
  const ClientOptions options_;
  proto::Session session_;

  // What the coordinator has said of the next heartbeat of which worker id.
  struct Next {
    std::uint64_t worker = 0;
    milliseconds after{};
  };

  std::atomic<bool> draining_ = false;  // as the coordinator last said
  mutable std::mutex mutex_;
  steady_clock::time_point last_answer_;  // guarded by mutex_
  Next next_heartbeat_;                   // guarded by mutex_
};

Client::Client(const storage::RunDirectory& run, std::string run_id,
               WorkerIdentity identity, ClientOptions options) {
  const absl::Status threads =
      proto::check_threads(kThreads + std::thread::hardware_concurrency());
  if (!threads.ok()) throw std::runtime_error(std::string(threads.message()));
  impl_ =
      std::make_unique<Impl>(run.root(), run_id, identity, std::move(options));
}

Client::~Client() = default;

milliseconds Client::heartbeat_interval() const {
  return impl_->heartbeat_interval();
}

milliseconds Client::lease_duration() const {
  return from_wire(impl_->terms().lease_duration());
}

std::optional<milliseconds> Client::stall_limit() const {
  const v1::JoinResponse terms = impl_->terms();
  if (!terms.has_stall_limit()) return std::nullopt;
  return from_wire(terms.stall_limit());
}

std::uint64_t Client::epoch() const { return impl_->terms().epoch(); }

AcquireAnswer Client::acquire() { return impl_->acquire(); }

HeartbeatAnswer Client::heartbeat(std::span<const LeaseProgress> leases) {
  return impl_->heartbeat(leases);
}

CommitAnswer Client::commit(const Lease& lease,
                            const storage::PartReceipt& receipt,
                            std::int64_t samples_ok,
                            std::int64_t samples_failed, std::int64_t tokens) {
  v1::CommitRequest request;
  *request.mutable_token() = to_wire(lease.token);
  request.set_unit(lease.unit);
  request.set_part_file(storable_text(receipt.file_name));
  request.set_part_bytes(receipt.bytes);
  request.set_content_sha256(storable_text(receipt.content_sha256));
  request.set_samples_ok(samples_ok);
  request.set_samples_failed(samples_failed);
  request.set_tokens(tokens);
  v1::CommitResponse response;
  const grpc::Status status =
      impl_->call(&v1::Coordinator::Stub::Commit, request, &response);
  switch (status.error_code()) {
    case grpc::StatusCode::FAILED_PRECONDITION:
    // The coordinator cannot see the part. It has counted the attempt; for
    // this worker there is nothing more to do about the unit.
    case grpc::StatusCode::DATA_LOSS:
    // Or all is committed, by others.
    case grpc::StatusCode::OUT_OF_RANGE:
      return CommitAnswer::kStale;
    default:
      impl_->check(status);
      return CommitAnswer::kCommitted;
  }
}

void Client::fail(const Lease& lease, FailureClass failure_class,
                  const std::string& sample_id, const std::string& reason) {
  v1::FailRequest request;
  *request.mutable_token() = to_wire(lease.token);
  request.set_unit(lease.unit);
  request.set_failure_class(to_wire(failure_class));
  request.set_sample_id(storable_text(sample_id));
  request.set_reason(storable_text(reason));
  v1::FailResponse response;
  const auto method = &v1::Coordinator::Stub::Fail;
  if (failure_class == FailureClass::kLost) {
    impl_->session_.call(method, request, &response, kCourtesy);
    return;
  }
  const grpc::Status status = impl_->call(method, request, &response);
  if (!is_complete(status)) impl_->check(status);
}

}  // namespace lens::worker
