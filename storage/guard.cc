#include "storage/guard.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>

#include "storage/error.h"

namespace lens::storage {
namespace {

constexpr std::string_view kDone =
    "\x01"
    "done";

std::uint64_t address_space_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t pages = 0;
  statm >> pages;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

void limit_child(const GuardLimits& limits) {
  const rlimit no_core = {.rlim_cur = 0, .rlim_max = 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  // Sanitizers reserve terabytes of addresses.
  const std::uint64_t bytes = address_space_bytes() + limits.extra_bytes;
  const rlimit memory = {.rlim_cur = bytes, .rlim_max = bytes};
  ::setrlimit(RLIMIT_AS, &memory);
#else
  (void)limits;
#endif
  // What the C library says when it aborts is for no one, and the parent's
  // buffered output must not come out twice.
  const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (null >= 0) {
    ::dup2(null, STDOUT_FILENO);
    ::dup2(null, STDERR_FILENO);
  }
  for (const int signal :
       {SIGINT, SIGTERM, SIGHUP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGPIPE}) {
    ::signal(signal, SIG_DFL);
  }
}

void send_line(int descriptor, std::string line) {
  std::replace(line.begin(), line.end(), '\n', ' ');
  line += '\n';
  for (std::size_t at = 0; at < line.size();) {
    const ssize_t count =
        ::write(descriptor, line.data() + at, line.size() - at);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) ::_exit(3);  // the parent is gone
    at += static_cast<std::size_t>(count);
  }
}

[[noreturn]] void run_child(const std::function<void(const GuardSend&)>& body,
                            const GuardLimits& limits, int descriptor) {
  limit_child(limits);
  try {
    body([&](const std::string& line) { send_line(descriptor, line); });
    send_line(descriptor, std::string(kDone));
    ::_exit(0);
  } catch (const std::bad_alloc&) {
    send_line(descriptor, "it claims more memory than it may take");
  } catch (const std::exception& error) {
    send_line(descriptor, error.what());
  } catch (...) {
    send_line(descriptor, "an unknown error");
  }
  ::_exit(2);
}

// Collects lines until the child closes its end. False: it was silent too long.
bool collect(int descriptor, std::chrono::milliseconds silence,
             std::string& text) {
  const auto limit = static_cast<int>(silence.count());
  char block[4096];
  for (;;) {
    pollfd poll_for = {.fd = descriptor, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&poll_for, 1, limit);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    const ssize_t count = ::read(descriptor, block, sizeof block);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return true;
    text.append(block, static_cast<std::size_t>(count));
    // Signs of life need no keeping.
    if (text == "\n") text.clear();
  }
}

std::string failure_of(int status, bool silent) {
  if (silent) return "it kept the reader busy without end";
  if (WIFSIGNALED(status)) {
    return "the reader died of signal " + std::to_string(WTERMSIG(status));
  }
  return "the reader gave up";
}

}  // namespace

GuardOutcome run_guarded(const std::function<void(const GuardSend&)>& body,
                         const GuardLimits& limits) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    throw StorageError(std::string("cannot start a child to read with (") +
                       std::strerror(errno) + "); close other programs");
  }
  const pid_t child = ::fork();
  if (child < 0) {
    const int error = errno;
    ::close(ends[0]);
    ::close(ends[1]);
    throw StorageError(std::string("cannot start a child to read with (") +
                       std::strerror(error) + "); close other programs");
  }
  if (child == 0) {
    ::close(ends[0]);
    run_child(body, limits, ends[1]);
  }
  ::close(ends[1]);
  std::string text;
  const bool ended = collect(ends[0], limits.silence, text);
  ::close(ends[0]);
  if (!ended) ::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  GuardOutcome outcome;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    if (end > begin) outcome.lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  if (!outcome.lines.empty() && outcome.lines.back() == kDone) {
    outcome.lines.pop_back();
  } else {
    outcome.failure = failure_of(status, !ended);
  }
  return outcome;
}

}  // namespace lens::storage
