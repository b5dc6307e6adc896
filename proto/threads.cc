#include "proto/threads.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace lens::proto {
namespace {

std::string limit_text(const char* name, int resource, rlim_t unit) {
  rlimit limit{};
  ::getrlimit(resource, &limit);
  return std::string("`ulimit -") + name + "` is " +
         (limit.rlim_cur == RLIM_INFINITY
              ? "unlimited"
              : std::to_string(limit.rlim_cur / unit));
}

std::string limits() {
  return limit_text("u", RLIMIT_NPROC, 1) + " processes, " +
         limit_text("v", RLIMIT_AS, 1024) + " KiB, " +
         limit_text("s", RLIMIT_STACK, 1024) + " KiB); raise the limit";
}

// Why a thread was refused. The C library says "too many processes" also where
// there is no room for its stack.
std::string why_no_thread(const std::error_code& code) {
  std::size_t bytes = 0;
  pthread_attr_t usual;
  if (::pthread_getattr_default_np(&usual) != 0) return code.message();
  ::pthread_attr_getstacksize(&usual, &bytes);
  ::pthread_attr_destroy(&usual);
  bytes += static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));  // the guard
  // As the C library would: what refuses this refuses a thread.
  void* const stack =
      ::mmap(nullptr, bytes, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (stack == MAP_FAILED) return std::strerror(errno);
  ::munmap(stack, bytes);
  return code.message();
}

}  // namespace

absl::Status check_threads(std::size_t wanted) {
  std::mutex mutex;
  std::condition_variable stands, released;
  std::size_t standing = 0;
  bool done = false;
  std::vector<std::jthread> threads;
  std::string problem;
  try {
    while (threads.size() < wanted) {
      threads.emplace_back([&] {
        // Takes what the first allocation of a thread takes: an arena.
        const std::vector<char> arena(1024);
        std::unique_lock lock(mutex);
        ++standing;
        stands.notify_one();
        released.wait(lock, [&] { return done; });
      });
      // One after another: an arena takes twice its room for a moment, and a
      // thread that is refused for it would be told of a wrong reason.
      std::unique_lock lock(mutex);
      stands.wait(lock, [&] { return standing == threads.size(); });
    }
  } catch (const std::system_error& error) {
    problem = why_no_thread(error.code());
  } catch (const std::bad_alloc&) {
    problem = "no memory";
  }
  {
    const std::lock_guard lock(mutex);
    done = true;
  }
  released.notify_all();
  if (problem.empty()) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      "cannot start " + std::to_string(wanted) + " threads (" + problem +
      " at number " + std::to_string(threads.size() + 1) + "; " + limits());
}

std::string refused_thread(const std::error_code& code) {
  if (code != std::errc::resource_unavailable_try_again) return "";
  return "cannot start a thread (" + why_no_thread(code) + "; " + limits();
}

}  // namespace lens::proto
