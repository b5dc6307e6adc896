#include "proto/client/session.h"

#include <algorithm>
#include <condition_variable>
#include <random>

#include "storage/run_directory.h"

namespace lens::proto {
namespace {

constexpr std::chrono::milliseconds kLongestPause(5'000);

// The codes of absl and gRPC are the same numbers. Whatever is wrong with the
// address file or the credentials may be right in a moment.
grpc::Status not_connected(const absl::Status& status) {
  return {grpc::StatusCode::UNAVAILABLE, std::string(status.message())};
}

}  // namespace

bool is_transient(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
    // A server that dies under a call shows as one of these.
    case grpc::StatusCode::CANCELLED:
    case grpc::StatusCode::UNKNOWN:
    case grpc::StatusCode::INTERNAL:
    // The credentials were made anew since we read them.
    case grpc::StatusCode::UNAUTHENTICATED:
      return true;
    default:
      return false;
  }
}

std::chrono::milliseconds Backoff::next() {
  thread_local std::minstd_rand random{std::random_device{}()};
  const double jitter = std::uniform_real_distribution<>(0.5, 1.5)(random);
  const auto pause = std::chrono::milliseconds(
      static_cast<std::int64_t>(static_cast<double>(pause_.count()) * jitter));
  pause_ = std::min(2 * pause_, kLongestPause);
  return pause;
}

Session::Session(std::filesystem::path run_directory, v1::JoinRequest identity,
                 Options options)
    : run_directory_(std::move(run_directory)),
      identity_(std::move(identity)),
      options_(std::move(options)) {}

std::shared_ptr<const Session::Joined> Session::joined() const {
  const std::lock_guard lock(mutex_);
  return joined_;
}

grpc::Status Session::join(std::chrono::milliseconds patience) {
  return repeat(patience, [](const Joined&) { return grpc::Status::OK; });
}

void Session::prepare(grpc::ClientContext& context,
                      const Connection& connection) const {
  connection.authorize(context);
  context.set_deadline(std::chrono::system_clock::now() +
                       options_.call_deadline);
}

bool Session::renew(const std::shared_ptr<const Joined>& used,
                    grpc::Status& why) {
  const std::lock_guard renewing(renewing_);
  const std::shared_ptr<const Joined> present = joined();
  if (present != used) return true;  // another thread was faster
  if (present && is_transient(why) &&
      why.error_code() != grpc::StatusCode::UNAUTHENTICATED) {
    // The same coordinator, as far as anybody knows: the channel mends itself.
    const auto address =
        read_address(storage::RunDirectory(run_directory_).address());
    if (!address.ok() || *address == present->connection.address) return false;
  }
  const grpc::Status status = try_join(present ? present->terms.epoch() : 0);
  if (status.ok()) return true;
  why = status;
  return false;
}

grpc::Status Session::try_join(std::uint64_t lowest_epoch) {
  auto connection = connect(run_directory_);
  if (!connection.ok()) return not_connected(connection.status());
  // A coordinator that has been replaced may still be dying.
  if (connection->address.epoch < lowest_epoch) {
    return {grpc::StatusCode::UNAVAILABLE,
            "coordinator.json is of an earlier coordinator"};
  }
  auto joined = std::make_shared<Joined>();
  joined->connection = *std::move(connection);
  joined->stub = v1::Coordinator::NewStub(joined->connection.channel);
  grpc::ClientContext context;
  prepare(context, joined->connection);
  const grpc::Status status =
      joined->stub->Join(&context, identity_, &joined->terms);
  if (status.ok()) {
    const std::lock_guard lock(mutex_);
    joined_ = std::move(joined);
    return status;
  }
  // Told apart from a stale lease, which has the same code.
  if (status.error_code() == grpc::StatusCode::FAILED_PRECONDITION) {
    return {grpc::StatusCode::PERMISSION_DENIED, status.error_message()};
  }
  return status;
}

bool Session::pause(std::chrono::milliseconds duration) const {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, options_.stop, duration, [] { return false; });
  return !options_.stop.stop_requested();
}

}  // namespace lens::proto
