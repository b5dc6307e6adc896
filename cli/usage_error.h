#pragma once

#include <stdexcept>

namespace lens::cli {

// The command line (or its --config file) cannot be understood. One line; the
// program ends with kExitUsage.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace lens::cli
