#include "coordinator/process_limits.h"

#include <sys/resource.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace lens::coordinator {
namespace {

// A thousand times the workers of a large run would fit, and the connections of
// strangers, each of which costs some 100 KB until its handshake times out, do
// not fill the memory.
constexpr rlim_t kMostDescriptors = 8'192;
// A server of few workers was seen to have 12, and gRPC starts one a core.
constexpr std::size_t kThreads = 24;

std::string limit_text(const char* name, int resource, rlim_t unit) {
  rlimit limit{};
  ::getrlimit(resource, &limit);
  return std::string("`ulimit -") + name + "` is " +
         (limit.rlim_cur == RLIM_INFINITY
              ? "unlimited"
              : std::to_string(limit.rlim_cur / unit));
}

}  // namespace

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = std::min(limit.rlim_max, kMostDescriptors);
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = wanted;
  // Where it is refused the old limit holds.
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::uint64_t descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kMostDescriptors;
  return std::min(limit.rlim_cur, kMostDescriptors);
}

absl::Status check_threads() {
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  std::vector<std::jthread> threads;
  std::string problem;
  const std::size_t wanted = kThreads + std::thread::hardware_concurrency();
  try {
    while (threads.size() < wanted) {
      threads.emplace_back([&] {
        // Takes what the first allocation of a thread takes: an arena.
        const std::vector<char> arena(1024);
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return done; });
      });
    }
  } catch (const std::system_error& error) {
    problem = error.code().message();
  } catch (const std::bad_alloc&) {
    problem = "no memory";
  }
  {
    const std::lock_guard lock(mutex);
    done = true;
  }
  changed.notify_all();
  if (problem.empty()) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      "cannot start " + std::to_string(wanted) + " threads (" + problem +
      " at number " + std::to_string(threads.size() + 1) + "; " +
      limit_text("u", RLIMIT_NPROC, 1) + " processes, " +
      limit_text("v", RLIMIT_AS, 1024) + " KiB, " +
      limit_text("s", RLIMIT_STACK, 1024) + " KiB); raise the limit");
}

}  // namespace lens::coordinator
