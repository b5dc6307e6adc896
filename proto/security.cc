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
#include <system_error>
#include <utility>
#include <vector>

#include "proto/certificate.h"

namespace lens::proto {
namespace {

constexpr std::string_view kBearer = "Bearer ";
constexpr std::size_t kTokenBytes = 32;
// No file of ours is longer.
constexpr std::size_t kMostBytes = 64 << 10;
// What mkdtemp() puts in the place of its pattern.
constexpr std::string_view kTemporary = ".XXXXXX";

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
  std::string text(kMostBytes, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text;
}

// A rename can reach the disk before the bytes of what is renamed.
absl::Status sync_folder(const std::filesystem::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno_status(folder, "sync");
  // Some file systems cannot sync a folder, and say so.
  const bool ok = ::fsync(fd) == 0 || errno == EINVAL;
  const absl::Status status =
      ok ? absl::OkStatus() : errno_status(folder, "sync");
  ::close(fd);
  return status;
}

absl::Status write_private(const std::filesystem::path& file,
                           const std::string& text) {
  const int fd =
      // O_EXCL: a file or link that somebody else has put there is not written
      // to.
      ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return errno_status(file, "write");
  const ssize_t written = ::write(fd, text.data(), text.size());
  const bool ok =
      written == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  const absl::Status status =
      ok ? absl::OkStatus() : errno_status(file, "write");
  if (::close(fd) != 0 && ok) return errno_status(file, "write");
  return status;
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

bool is_token(const std::string& text) {
  return text.size() == 2 * kTokenBytes &&
         text.find_first_not_of("0123456789abcdef") == std::string::npos;
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
  const auto damaged = [&](const std::string& name, const std::string& why) {
    return absl::DataLossError("cannot use " + (folder / name).string() + " (" +
                               why +
                               "); end the run and start it again: its "
                               "coordinator makes new credentials");
  };
  if (!is_signed_by(credentials.authority, credentials.authority)) {
    return damaged("authority.pem", "it is damaged");
  }
  if (!is_signed_by(credentials.certificate, credentials.authority)) {
    return damaged(side + ".pem",
                   "it is damaged, or not signed by authority.pem");
  }
  if (!is_pair({credentials.certificate, credentials.private_key})) {
    return damaged(side + ".key",
                   "it is damaged, or not the key of " + side + ".pem");
  }
  if (!is_token(credentials.token)) {
    return damaged("token", "it is not " + std::to_string(2 * kTokenBytes) +
                                " hexadecimal digits");
  }
  return credentials;
}

bool usable(const std::filesystem::path& folder) {
  return read_server_credentials(folder).ok() &&
         read_client_credentials(folder).ok();
}

// Folders with keys in them that a coordinator which died did not place.
void remove_leftovers(const std::filesystem::path& folder) {
  const std::string prefix = folder.filename().string() + ".";
  std::error_code error;
  std::vector<std::filesystem::path> left;
  for (std::filesystem::directory_iterator entry(folder.parent_path(), error),
       end;
       !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with(prefix) &&
        name.size() == prefix.size() + kTemporary.size() - 1) {
      left.push_back(entry->path());
    }
  }
  for (const auto& path : left) std::filesystem::remove_all(path, error);
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
  auto certificates = make_certificates();
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
  // Filled under a name of its own and then renamed, so that a client finds all
  // of the files or none.
  std::string pattern = folder.string().append(kTemporary);
  if (::mkdtemp(pattern.data()) == nullptr) {
    return errno_status(folder, "make");
  }
  const std::filesystem::path temporary = pattern;
  std::error_code error;
  absl::Status status = close_to_others(temporary);
  if (status.ok()) status = write_credentials(temporary);
  if (status.ok()) status = sync_folder(temporary);
  if (status.ok()) {
    // rename() takes the place of an empty folder only.
    std::filesystem::remove_all(folder, error);
    std::filesystem::rename(temporary, folder, error);
    if (error) {
      status = absl::UnavailableError("cannot place " + folder.string() + " (" +
                                      error.message() + ")");
    }
  }
  if (status.ok()) return sync_folder(folder.parent_path());
  std::filesystem::remove_all(temporary, error);
  return status;
}

}  // namespace

absl::Status ensure_credentials(const std::filesystem::path& folder) {
  remove_leftovers(folder);
  // The same ones again after a restart: workers that are out there go on with
  // theirs.
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
  // The length is no secret; where the first wrong byte stands would be one.
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
