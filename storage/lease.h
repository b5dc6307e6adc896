#pragma once

#include <compare>
#include <cstdint>

namespace lens::storage {

// What coordinator and workers say of a lease; a part carries the token in its
// name.

// Fences writers: a commit counts only with the token of the current lease.
struct LeaseToken {
  std::uint64_t epoch = 0;   // raised durably each time a coordinator starts
  std::uint64_t number = 0;  // unique within the epoch

  auto operator<=>(const LeaseToken&) const = default;
};

// Why a unit was not finished: coordinator.proto says what each means. The
// values reach disk and the wire: they must not change.
enum class FailureClass {
  kLost = 1,
  kCrash = 2,
  kOutOfMemory = 3,
  kCheck = 4,
  kStore = 5,
  kKilled = 6,
  kInput = 7,
};

}  // namespace lens::storage
