#include "proto/security.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

#include "proto/certificate.h"

namespace lens::proto {
namespace {

constexpr std::string_view kBearer = "Bearer ";
constexpr int kCertificateDays = 5 * 365;
// A run resumed after years gets new credentials before the old ones end.
constexpr int kRenewDays = 90;
constexpr std::size_t kTokenBytes = 32;

absl::Status errno_status(const std::filesystem::path& path, const char* what) {
  const int error = errno;
  const std::string line = std::string("cannot ") + what + " " + path.string() +
                           " (" + std::strerror(error) + ")";
  if (error == ENOENT) return absl::NotFoundError(line);
  if (error == EACCES || error == EPERM) {
    return absl::PermissionDeniedError(line);
  }
  return absl::UnavailableError(line);
}

absl::StatusOr<std::string> read_text(const std::filesystem::path& file) {
  errno = 0;
  std::ifstream stream(file);
  if (!stream) return errno_status(file, "read");
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

absl::Status write_private(const std::filesystem::path& file,
                           const std::string& text) {
  const int fd =
      ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return errno_status(file, "write");
  const ssize_t written = ::write(fd, text.data(), text.size());
  const bool ok = written == static_cast<ssize_t>(text.size());
  if (::close(fd) != 0 || !ok) return errno_status(file, "write");
  return absl::OkStatus();
}

absl::StatusOr<std::string> make_token() {
  std::array<unsigned char, kTokenBytes> bytes;
  if (RAND_bytes(bytes.data(), bytes.size()) != 1) {
    return absl::InternalError("cannot make a token (no random bytes)");
  }
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const unsigned char byte : bytes) {
    hex.push_back(kDigits[byte >> 4]);
    hex.push_back(kDigits[byte & 15]);
  }
  return hex;
}

absl::StatusOr<Credentials> read_credentials(
    const std::filesystem::path& folder, const std::string& side) {
  Credentials credentials;
  const std::pair<std::string*, std::string> files[] = {
      {&credentials.authority, "authority.pem"},
      {&credentials.certificate, side + ".pem"},
      {&credentials.private_key, side + ".key"},
      {&credentials.token, "token"}};
  for (const auto& [text, name] : files) {
    auto read = read_text(folder / name);
    if (!read.ok()) return read.status();
    *text = *std::move(read);
  }
  return credentials;
}

bool usable(const std::filesystem::path& folder) {
  const auto server = read_server_credentials(folder);
  const auto client = read_client_credentials(folder);
  return server.ok() && client.ok() &&
         server->token.size() == 2 * kTokenBytes &&
         valid_for_days(server->certificate, kRenewDays) &&
         valid_for_days(client->certificate, kRenewDays);
}

// Refuses to keep secrets where others can read them: the run directory's
// rights are the root of the trust.
absl::Status close_to_others(const std::filesystem::path& folder) {
  struct stat info;
  if (::chmod(folder.c_str(), 0700) != 0 ||
      ::stat(folder.c_str(), &info) != 0) {
    return errno_status(folder, "protect");
  }
  if ((info.st_mode & 077) == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "cannot protect " + folder.string() +
      " (its file system keeps no access rights); put the run directory on "
      "another file system");
}

absl::Status write_credentials(const std::filesystem::path& folder) {
  auto certificates = make_certificates(kCertificateDays);
  if (!certificates.ok()) return certificates.status();
  auto token = make_token();
  if (!token.ok()) return token.status();
  const std::pair<const char*, std::string> files[] = {
      {"authority.pem", certificates->authority},
      {"server.pem", certificates->server.certificate},
      {"server.key", certificates->server.private_key},
      {"client.pem", certificates->client.certificate},
      {"client.key", certificates->client.private_key},
      {"token", *token}};
  for (const auto& [name, text] : files) {
    if (auto status = write_private(folder / name, text); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status create(const std::filesystem::path& folder) {
  std::string pattern = folder.string() + ".XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) {
    return errno_status(folder, "make");
  }
  const std::filesystem::path temporary = pattern;
  std::error_code error;
  absl::Status status = close_to_others(temporary);
  if (status.ok()) status = write_credentials(temporary);
  if (status.ok()) {
    std::filesystem::remove_all(folder, error);
    std::filesystem::rename(temporary, folder, error);
    if (error) {
      status = absl::UnavailableError("cannot place " + folder.string() + " (" +
                                      error.message() + ")");
    }
  }
  if (!status.ok()) std::filesystem::remove_all(temporary, error);
  return status;
}

}  // namespace

absl::Status ensure_credentials(const std::filesystem::path& folder) {
  if (usable(folder)) return close_to_others(folder);
  return create(folder);
}

absl::StatusOr<Credentials> read_server_credentials(
    const std::filesystem::path& folder) {
  return read_credentials(folder, "server");
}

absl::StatusOr<Credentials> read_client_credentials(
    const std::filesystem::path& folder) {
  return read_credentials(folder, "client");
}

bool equal_in_constant_time(std::string_view left, std::string_view right) {
  return left.size() == right.size() &&
         CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

bool is_authorized(std::string_view authorization, std::string_view token) {
  return equal_in_constant_time(authorization, bearer(token));
}

std::string bearer(std::string_view token) {
  return std::string(kBearer).append(token);
}

}  // namespace lens::proto
