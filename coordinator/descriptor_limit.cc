#include "coordinator/descriptor_limit.h"

#include <sys/resource.h>

#include <algorithm>

namespace lens::coordinator {
namespace {

// A thousand times the workers of a large run would fit, and the connections of
// strangers, each of which costs some 100 KB until its handshake times out, do
// not fill the memory.
constexpr rlim_t kMostDescriptors = 8'192;

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

}  // namespace lens::coordinator
