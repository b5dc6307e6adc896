#pragma once

#include <cstdint>

#include "storage/lease.h"

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

using storage::LeaseToken;

}  // namespace lens::coordinator
