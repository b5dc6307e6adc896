#include "analysis/figures/check.h"

#include <fmt/format.h>

#include <cmath>

#include "base/error.h"

namespace lens::analysis::figures {

void check_length(std::string_view figure, std::string_view list,
                  std::size_t length, std::size_t expected) {
  if (length == expected) return;
  throw InputError(
      fmt::format("cannot draw the {}", figure),
      fmt::format("{} has {} entries, not {}", list, length, expected),
      "give every list the same tokens, layers and parts");
}

void check_range(std::string_view figure, double smallest, double largest) {
  if (std::isfinite(smallest) && std::isfinite(largest) && smallest < largest) {
    return;
  }
  throw InputError(
      fmt::format("cannot draw the {}", figure),
      fmt::format("its scale goes from {} to {}", smallest, largest),
      "give a finite scale whose end is above its start");
}

}  // namespace lens::analysis::figures
