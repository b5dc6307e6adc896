#include "proto/address.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>

#include "base/error.h"
#include "base/json_section.h"

namespace lens::proto {
namespace {

absl::Status write_durably(const std::filesystem::path& file,
                           const std::string& text) {
  const int fd =
      ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) {
    return absl::UnavailableError("cannot write " + file.string() + " (" +
                                  std::strerror(errno) + ")");
  }
  const ssize_t written = ::write(fd, text.data(), text.size());
  const bool ok =
      written == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  const int error = errno;
  ::close(fd);
  if (ok) return absl::OkStatus();
  return absl::UnavailableError("cannot write " + file.string() + " (" +
                                std::strerror(error) + ")");
}

}  // namespace

std::string CoordinatorAddress::target() const {
  const bool ipv6 = host.find(':') != std::string::npos;
  // Without brackets the port could not be told from the address.
  return (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool is_loopback(const std::string& address) {
  in_addr ipv4{};
  if (::inet_pton(AF_INET, address.c_str(), &ipv4) == 1) {
    return (ntohl(ipv4.s_addr) >> 24) == IN_LOOPBACKNET;
  }
  in6_addr ipv6{};
  return ::inet_pton(AF_INET6, address.c_str(), &ipv6) == 1 &&
         IN6_IS_ADDR_LOOPBACK(&ipv6);
}

absl::StatusOr<CoordinatorAddress> read_address(
    const std::filesystem::path& file) {
  std::ifstream stream(file);
  if (!stream) {
    return absl::NotFoundError("no coordinator runs (there is no " +
                               file.string() + ")");
  }
  std::stringstream text;
  text << stream.rdbuf();
  const auto json = nlohmann::json::parse(text.str(), nullptr, false);
  const auto error = [&file](const JsonFault& fault) {
    return std::make_exception_ptr(
        InputError("cannot read " + file.string(),
                   (fault.place.empty() ? "it" : fault.place) + " " + fault.why,
                   "remove it and start the coordinator again"));
  };
  try {
    const JsonSection section(&json, {.error = error});
    return CoordinatorAddress{
        .host = section.string("host"),
        .port = section.integer<int>("port", 0),
        .run_id = section.string("run_id"),
        .epoch = static_cast<std::uint64_t>(section.integer("epoch", 0)),
        .pid = section.integer<int>("pid", 0),
        .insecure = section.boolean("insecure"),
    };
  } catch (const InputError& refused) {
    return absl::DataLossError(refused.what());
  }
}

absl::Status write_address(const std::filesystem::path& file,
                           const CoordinatorAddress& address) {
  const nlohmann::json json = {
      {"host", address.host},     {"port", address.port},
      {"run_id", address.run_id}, {"epoch", address.epoch},
      {"pid", address.pid},       {"insecure", address.insecure},
  };
  // By rename: workers look for the file all the time, and must never find half
  // of it.
  std::filesystem::path temporary = file;
  temporary += ".tmp";
  if (auto status = write_durably(temporary, json.dump(2) + "\n");
      !status.ok()) {
    return status;
  }
  std::error_code error;
  std::filesystem::rename(temporary, file, error);
  if (error) {
    return absl::UnavailableError("cannot place " + file.string() + " (" +
                                  error.message() + ")");
  }
  return absl::OkStatus();
}

void remove_address(const std::filesystem::path& file,
                    const CoordinatorAddress& address) {
  const auto present = read_address(file);
  // A successor may have placed its own.
  if (!present.ok() || *present != address) return;
  std::error_code ignored;
  std::filesystem::remove(file, ignored);
}

void mark_complete(const std::filesystem::path& file,
                   const std::string& run_id) {
  std::ofstream(file, std::ios::trunc) << run_id << '\n';
}

bool is_complete(const std::filesystem::path& file, const std::string& run_id) {
  std::ifstream stream(file);
  std::string marked;
  return std::getline(stream, marked) && marked == run_id;
}

}  // namespace lens::proto
