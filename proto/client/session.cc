#include "proto/client/session.h"

#include <algorithm>
#include <condition_variable>
#include <random>

#include "storage/run_directory.h"

namespace lens::proto {
namespace {

// Together with a first try it is less than the 10 s in which a worker is back.
constexpr std::chrono::milliseconds kLongestPause(2'000);
// Together with a pause it is what a worker needs to find a coordinator that
// was started anew on another host, while the old one's is silent.
constexpr std::chrono::seconds kLongestTry(8);
// A try to join takes so many limits. The workers of a large run come all at
// once, and their handshakes share the coordinator's processor: with 1,024 on
// two cores the last one ended after 8 s, and none would have within the first
// limit.
constexpr int kJoinTakes = 4;
// What a busy machine may add to the limit of a call.
constexpr std::chrono::seconds kGrace(20);

// Whatever is wrong with the address file or the credentials may be right in a
// moment; a missing file is what a coordinator that starts looks like.
grpc::Status not_connected(const absl::Status& status) {
  const bool away = absl::IsNotFound(status) || absl::IsUnavailable(status);
  return {
      away ? grpc::StatusCode::UNAVAILABLE : grpc::StatusCode::UNAUTHENTICATED,
      std::string(status.message())};
}

// Whether the connection may be what is wrong.
bool is_of_the_connection(const grpc::Status& status) {
  return is_transient(status) &&
         status.error_code() != grpc::StatusCode::UNAUTHENTICATED &&
         status.error_code() != grpc::StatusCode::RESOURCE_EXHAUSTED;
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
    // Of the run directory: complete, unless a coordinator comes.
    case grpc::StatusCode::OUT_OF_RANGE:
      return true;
    default:
      return false;
  }
}

std::chrono::milliseconds Backoff::next() {
  thread_local std::minstd_rand random{std::random_device{}()};
  // Workers that lost one coordinator together do not come back together.
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
      options_(std::move(options)),
      waiting_(options_.log),
      watch_(options_.stuck, kGrace),
      try_limit_(options_.call_deadline) {}

std::shared_ptr<const Session::Joined> Session::joined() const {
  const std::lock_guard lock(mutex_);
  return joined_;
}

grpc::Status Session::join(std::chrono::milliseconds patience) {
  return repeat(patience,
                [](const Joined&, Limit) { return grpc::Status::OK; });
}

void Session::prepare(grpc::ClientContext& context,
                      const Connection& connection, Limit limit) const {
  connection.authorize(context);
  context.set_deadline(std::chrono::system_clock::now() + limit);
}

void Session::keep(std::shared_ptr<const Joined> joined) {
  const std::lock_guard lock(mutex_);
  joined_ = std::move(joined);
}

absl::StatusOr<Connection> Session::connect_to(const Address& address,
                                               Limit limit) {
  auto connection = address.ok() ? connect(run_directory_, *address,
                                           TryLimit::to_connect(limit))
                                 : address.status();
  const std::lock_guard lock(mutex_);
  asked_ = connection.ok() ? connection->address.target() : "";
  return connection;
}

std::string Session::asked() const {
  const std::lock_guard lock(mutex_);
  return asked_;
}

void Session::note(const grpc::Status& status,
                   std::chrono::steady_clock::time_point begin) {
  if (!is_transient(status)) {
    waiting_.answered();
    try_limit_.answered();
  } else if (is_of_the_connection(status)) {
    try_limit_.failed_after(std::chrono::steady_clock::now() - begin,
                            kLongestTry);
  }
}

bool Session::renew(const std::shared_ptr<const Joined>& used,
                    grpc::Status& why) {
  const std::lock_guard renewing(renewing_);
  const storage::RunDirectory run(run_directory_);
  const std::shared_ptr<const Joined> present = joined();
  if (present != used) return true;  // another thread was faster
  // No coordinator, and the mark of a finished run: none will come.
  const Address address = read_address(run.address());
  if (absl::IsNotFound(address.status()) &&
      is_complete(run.complete(), identity_.run_id())) {
    why = {grpc::StatusCode::OUT_OF_RANGE, "the run is complete"};
    return false;
  }
  // A coordinator that was started anew has another address. At the same one at
  // most the connection is made again, and nobody joins twice.
  if (present && is_transient(why) &&
      why.error_code() != grpc::StatusCode::UNAUTHENTICATED) {
    if (!address.ok()) return false;
    if (*address == present->connection.address) {
      // The same coordinator, as far as anybody knows.
      if (!is_of_the_connection(why)) return false;
      const grpc::Status status = try_reconnect(address, *present);
      if (!status.ok()) why = status;
      return status.ok();
    }
  }
  const grpc::Status status =
      try_join(address, present ? present->terms.epoch() : 0);
  if (status.ok()) return true;
  why = status;
  return false;
}

grpc::Status Session::try_join(const Address& address,
                               std::uint64_t lowest_epoch) {
  const Limit limit = kJoinTakes * try_limit_.now();
  auto connection = connect_to(address, limit);
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
  prepare(context, joined->connection, limit);
  const std::stop_callback cancel(options_.stop, [&] { context.TryCancel(); });
  const CallWatch::Call call(watch_, limit);
  const auto begin = std::chrono::steady_clock::now();
  const grpc::Status status =
      joined->stub->Join(&context, identity_, &joined->terms);
  note(status, begin);
  if (status.ok()) {
    keep(std::move(joined));
    return status;
  }
  // Told apart from a stale lease, which has the same code.
  if (status.error_code() == grpc::StatusCode::FAILED_PRECONDITION) {
    return {grpc::StatusCode::PERMISSION_DENIED, status.error_message()};
  }
  return status;
}

// Not left to the channel: gRPC 1.51 moves one on only while a call waits on it
// and otherwise every 5 s, so that an attempt to connect, which has 1 to 3 s,
// never comes to its end between two calls.
grpc::Status Session::try_reconnect(const Address& address,
                                    const Joined& failed) {
  auto connection = connect_to(address, try_limit_.now());
  if (!connection.ok()) return not_connected(connection.status());
  auto joined = std::make_shared<Joined>();
  joined->connection = *std::move(connection);
  joined->stub = v1::Coordinator::NewStub(joined->connection.channel);
  // The same coordinator knows the worker still: nothing is joined anew.
  joined->terms = failed.terms;
  keep(std::move(joined));
  return grpc::Status::OK;
}

bool Session::pause(std::chrono::milliseconds duration) const {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  // A sleep that a stop ends at once.
  never.wait_for(lock, options_.stop, duration, [] { return false; });
  return !options_.stop.stop_requested();
}

}  // namespace lens::proto
