#pragma once

#include <stdexcept>

namespace lens::collective {

// The ranks can no longer work together: one of them is dead, hangs, or calls
// something else than the others. One line. In a header without torch, for who
// only has to know what to do about it.
class CollectiveError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace lens::collective
