#include "storage/guard.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fstream>
#include <new>
#include <system_error>

#include "base/error.h"
#include "storage/hdf5/read_watch.h"

namespace lens::storage {
namespace {

// In two literals: \x01d would be one byte.
constexpr std::string_view kDone =
    "\x01"
    "done";

using Clock = std::chrono::steady_clock;

StorageError cannot_start(int error) {
  return StorageError(std::string("cannot start a child to read with (") +
                      std::strerror(error) + "); close other programs");
}

// A page that parent and child see, for as long as the object lives.
class SharedWatch {
 public:
  SharedWatch() {
    void* page = ::mmap(nullptr, sizeof(ReadWatch), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) throw cannot_start(errno);
    watch_ = new (page) ReadWatch;
  }
  ~SharedWatch() { ::munmap(watch_, sizeof(ReadWatch)); }
  SharedWatch(const SharedWatch&) = delete;
  SharedWatch& operator=(const SharedWatch&) = delete;

  ReadWatch* get() { return watch_; }

 private:
  ReadWatch* watch_;
};

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// Writable memory of this process, as RLIMIT_DATA counts it.
std::uint64_t data_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t pages[6] = {};  // size resident shared text lib data
  for (std::uint64_t& count : pages) statm >> count;
  return pages[5] * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

void limit_memory(const GuardLimits& limits) {
  rlimit memory = {};
  if (::getrlimit(RLIMIT_DATA, &memory) != 0) return;
  memory.rlim_cur =
      std::min<rlim_t>(memory.rlim_cur, data_bytes() + limits.extra_bytes);
  ::setrlimit(RLIMIT_DATA, &memory);
}
#else
// Sanitizers reserve terabytes.
void limit_memory(const GuardLimits&) {}
#endif

void limit_child(const GuardLimits& limits) {
  // Dying of a damaged file is no defect that anybody looks into.
  const rlimit no_core = {.rlim_cur = 0, .rlim_max = 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  limit_memory(limits);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (null >= 0) ::dup2(null, STDERR_FILENO);
#endif
  for (const int signal :
       {SIGINT, SIGTERM, SIGHUP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGPIPE}) {
    struct sigaction former = {};
    if (::sigaction(signal, nullptr, &former) == 0 &&
        former.sa_handler != SIG_IGN)
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
                            const GuardLimits& limits, int descriptor,
                            ReadWatch* watch, pid_t parent) {
  // The parent may have died before it was asked for: then nobody will be told,
  // and another process is the parent.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(3);
  limit_child(limits);
  share_read_watch(watch);
  try {
    body([&](const std::string& line) { send_line(descriptor, line); });
    send_line(descriptor, std::string(kDone));
    // Not exit(): what the parent would flush and remove at its end is not
    // ours, though we have a copy of it.
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

// Whether a child has been inside the library for too long without a step.
class HangWatch {
 public:
  HangWatch(pid_t child, const ReadWatch& watch,
            std::chrono::milliseconds limit)
      : child_(child), watch_(watch), limit_(limit) {}

  bool hangs() {
    const std::uint64_t steps = watch_.steps.load(std::memory_order_relaxed);
    const auto busy = processor_time();
    const Clock::time_point now = Clock::now();
    // Any step, and any time outside of the library, begins anew.
    if (steps != steps_ || watch_.inside.load(std::memory_order_relaxed) == 0) {
      steps_ = steps;
      busy_ = busy;
      since_ = now;
    }
    // Processor time alone runs faster than the clock where there are threads;
    // the clock alone runs for a process that is stopped.
    return busy - busy_ >= limit_ && now - since_ >= limit_;
  }

 private:
  std::chrono::nanoseconds processor_time() const {
    clockid_t clock;
    timespec time = {};
    if (::clock_getcpuclockid(child_, &clock) != 0 ||
        ::clock_gettime(clock, &time) != 0)
      return busy_;  // it has ended
    return std::chrono::seconds(time.tv_sec) +
           std::chrono::nanoseconds(time.tv_nsec);
  }

  const pid_t child_;
  const ReadWatch& watch_;
  const std::chrono::milliseconds limit_;
  std::uint64_t steps_ = 0;
  std::chrono::nanoseconds busy_ = {};
  Clock::time_point since_ = Clock::now();
};

// Collects lines until the child closes its end. False: it hangs.
bool collect(int descriptor, HangWatch& watch, std::string& text) {
  constexpr int kLookMs = 100;
  char block[4096];
  for (;;) {
    pollfd poll_for = {.fd = descriptor, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&poll_for, 1, kLookMs);
    if (ready < 0 && errno == EINTR) continue;
    if (watch.hangs()) return false;
    if (ready == 0) continue;
    const ssize_t count = ::read(descriptor, block, sizeof block);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return true;
    text.append(block, static_cast<std::size_t>(count));
  }
}

std::string failure_of(int status, bool hung) {
  if (hung) return "it kept the reader busy without end";
  if (WIFSIGNALED(status)) {
    return "the reader died of signal " + std::to_string(WTERMSIG(status));
  }
  return "the reader gave up";
}

}  // namespace

GuardLimits guard_limits(const std::filesystem::path& file) {
  GuardLimits limits;
  std::error_code error;
  const std::uintmax_t bytes = std::filesystem::file_size(file, error);
  // Ours unpack to some twice their size.
  if (!error) limits.extra_bytes += 16 * static_cast<std::uint64_t>(bytes);
  return limits;
}

GuardOutcome run_guarded(const std::function<void(const GuardSend&)>& body,
                         const GuardLimits& limits) {
  SharedWatch shared;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw cannot_start(errno);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) {
    const int error = errno;
    ::close(ends[0]);
    ::close(ends[1]);
    throw cannot_start(error);
  }
  if (child == 0) {
    ::close(ends[0]);
    run_child(body, limits, ends[1], shared.get(), parent);
  }
  ::close(ends[1]);
  std::string text;
  // Our own copy of the writing end is closed by now: with it the end of the
  // child would not be the end of the pipe.
  HangWatch watch(child, *shared.get(), limits.busy);
  const bool ended = collect(ends[0], watch, text);
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
  // The last line and not the exit code: a child that was killed behind its
  // work, or whose library crashes at the end, has done it.
  if (!outcome.lines.empty() && outcome.lines.back() == kDone) {
    outcome.lines.pop_back();
  } else {
    outcome.failure = failure_of(status, !ended);
    if (ended && WIFSIGNALED(status)) outcome.signal = WTERMSIG(status);
  }
  return outcome;
}

}  // namespace lens::storage
