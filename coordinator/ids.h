#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace lens::coordinator {

// Position in Manifest::units.
enum class UnitIndex : std::int32_t {};

constexpr std::int32_t to_int(UnitIndex unit) {
  return static_cast<std::int32_t>(unit);
}

// Never given twice, not even by two coordinators of one run: the upper half
// is the epoch. A worker of an earlier coordinator is thereby unknown to this
// one, and joins again.
enum class WorkerId : std::uint64_t {};

// Fences writers: a commit counts only with the token of the current lease.
struct LeaseToken {
  std::uint64_t epoch = 0;   // raised durably each time a coordinator starts
  std::uint64_t number = 0;  // unique within the epoch

  auto operator<=>(const LeaseToken&) const = default;
};

}  // namespace lens::coordinator
