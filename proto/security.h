#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace lens::proto {

// What one side needs to speak to the other. PEM texts.
struct Credentials {
  std::string authority;    // certificate of the run's authority
  std::string certificate;  // own
  std::string private_key;  // own
  std::string token;        // 64 hex digits: 256 random bits
};

// Makes `folder` (0700; files 0600: authority.pem, server.pem, server.key,
// client.pem, client.key, token) unless it is there and whole. Appears at once,
// and only once it would survive a loss of power: a reader never sees half of
// it. Removes what coordinators that died over the same have left. To be called
// by the one coordinator of the run only.
absl::Status ensure_credentials(const std::filesystem::path& folder);

// What is read fits together. NOT_FOUND where a file is missing,
// PERMISSION_DENIED where it is not ours, DATA_LOSS where one is damaged: the
// message names it.
absl::StatusOr<Credentials> read_server_credentials(
    const std::filesystem::path& folder);
absl::StatusOr<Credentials> read_client_credentials(
    const std::filesystem::path& folder);

// Takes the same time wherever the two differ; their lengths are no secret.
bool equal_in_constant_time(std::string_view left, std::string_view right);

// Whether `authorization`, as sent, is "Bearer " and the token.
bool is_authorized(std::string_view authorization, std::string_view token);
std::string bearer(std::string_view token);

}  // namespace lens::proto
