#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lens::storage {

// What a check of files has found.
struct VerifyReport {
  std::vector<std::string> problems;  // one line each; empty: all is well
  std::vector<std::string> notes;     // what is no problem but has to be said
  std::int64_t parts_checked = 0;
  std::int64_t samples = 0;
  std::int64_t tokens = 0;

  bool ok() const { return problems.empty(); }
};

}  // namespace lens::storage
