#include "cli/guarded_command.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <iostream>
#include <string>

#include "base/error.h"
#include "base/exit_code.h"
#include "storage/guard.h"
#include "storage/run_directory.h"

namespace lens::cli {
namespace {

// std::cerr on a descriptor of its own. What cannot be written is lost, as it
// is for std::cerr.
class ErrorBuffer : public std::streambuf {
 public:
  explicit ErrorBuffer(int descriptor) : descriptor_(descriptor) {}

 protected:
  int_type overflow(int_type character) override {
    const char one = traits_type::to_char_type(character);
    xsputn(&one, 1);
    return traits_type::not_eof(character);
  }
  std::streamsize xsputn(const char* text, std::streamsize count) override {
    for (std::streamsize at = 0; at < count;) {
      const ssize_t written =
          ::write(descriptor_, text + at, static_cast<std::size_t>(count - at));
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) break;
      at += written;
    }
    return count;
  }

 private:
  const int descriptor_;
};

bool is_sent_by_others(int signal) {
  const int sent[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
  return std::find(std::begin(sent), std::end(sent), signal) != std::end(sent);
}

[[noreturn]] void die_of(int signal) {
  ::signal(signal, SIG_DFL);
  ::raise(signal);
  ::_exit(128 + signal);
}

// The file that is read; of a run directory its size decides the limits.
std::filesystem::path results_of(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored)
             ? storage::RunDirectory(path).results()
             : path;
}

storage::GuardLimits limits_of(std::span<const std::filesystem::path> paths) {
  storage::GuardLimits limits;
  const std::uint64_t alone = limits.extra_bytes;
  for (const std::filesystem::path& path : paths)
    limits.extra_bytes +=
        storage::guard_limits(results_of(path)).extra_bytes - alone;
  return limits;
}

std::string names_of(std::span<const std::filesystem::path> paths) {
  std::string names;
  for (const std::filesystem::path& path : paths)
    names += (names.empty() ? "" : " and ") + path.string();
  return names;
}

}  // namespace

int run_guarded_command(std::span<const std::filesystem::path> paths,
                        const std::function<int()>& body) {
  // What waits in it would be written by both processes.
  std::cerr.flush();
  const int errors = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  const storage::GuardOutcome outcome = storage::run_guarded(
      [&](const storage::GuardSend& send) {
        ErrorBuffer buffer(errors);
        std::streambuf* const former = std::cerr.rdbuf(&buffer);
        const int code = body();
        std::cerr.rdbuf(former);
        send(std::to_string(code));
      },
      limits_of(paths));
  if (errors >= 0) ::close(errors);
  if (outcome.failure.empty() && outcome.lines.size() == 1)
    return std::stoi(outcome.lines.front());
  if (is_sent_by_others(outcome.signal)) die_of(outcome.signal);
  throw StorageError(
      "cannot read " + names_of(paths) + " (" + outcome.failure +
      ": it is damaged, or this is a defect of Lens); take another copy of it, "
      "or merge again");
}

}  // namespace lens::cli
