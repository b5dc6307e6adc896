#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "proto/address.h"

namespace lens::proto {

// A channel to the coordinator of a run and the right to call it.
struct Connection {
  CoordinatorAddress address;
  std::shared_ptr<grpc::Channel> channel;
  std::string token;

  // Adds the run's token to a call. To be done for every call.
  void authorize(grpc::ClientContext& context) const;
};

// What an attempt to connect may take, handshake included, between busy hosts.
inline constexpr std::chrono::milliseconds kLeastAttempt{3'000};

// Reads coordinator.json and .auth of the run directory. Does not connect yet:
// the first call does. NOT_FOUND: no coordinator runs, or it has no credentials
// yet. FAILED_PRECONDITION: the token would leave this host in clear.
// DATA_LOSS, PERMISSION_DENIED: address or credentials cannot be used.
absl::StatusOr<Connection> connect(const std::filesystem::path& run_directory);
// To an address that was read from there. `attempt` takes the place of
// kLeastAttempt where it is longer.
absl::StatusOr<Connection> connect(
    const std::filesystem::path& run_directory,
    const CoordinatorAddress& address,
    std::chrono::milliseconds attempt = kLeastAttempt);

}  // namespace lens::proto
