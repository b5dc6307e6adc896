#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace lens::proto {

// Where the coordinator of a run listens: the contents of coordinator.json.
// The keys reach disk and clients in other languages: they must not change.
struct CoordinatorAddress {
  std::string host;  // name, IPv4 or IPv6 address, without brackets
  int port = 0;
  std::string run_id;
  std::uint64_t epoch = 0;
  int pid = 0;
  bool insecure = false;  // no TLS; on the loopback interface only

  // As gRPC wants it: "host:port", "[host]:port" for IPv6.
  std::string target() const;

  bool operator==(const CoordinatorAddress&) const = default;
};

// Whether `address`, in numbers, is of the loopback interface. Names are not:
// what they stand for may change between a look and a call.
bool is_loopback(const std::string& address);

// NOT_FOUND where there is no file: no coordinator runs. DATA_LOSS where the
// file is not an address.
absl::StatusOr<CoordinatorAddress> read_address(
    const std::filesystem::path& file);

// Placed by rename: a reader sees the old address, the new one or none.
absl::Status write_address(const std::filesystem::path& file,
                           const CoordinatorAddress& address);

// Removes the file if it still holds `address`; another's is left alone.
void remove_address(const std::filesystem::path& file,
                    const CoordinatorAddress& address);

// The mark RunDirectory::complete(): all is committed, no coordinator will
// come. A mark that cannot be written only makes workers wait.
void mark_complete(const std::filesystem::path& file,
                   const std::string& run_id);
bool is_complete(const std::filesystem::path& file, const std::string& run_id);

}  // namespace lens::proto
