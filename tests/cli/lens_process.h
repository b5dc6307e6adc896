#pragma once

#include <string>
#include <vector>

namespace lens::cli {

// How `lens WORDS` ended in a process of its own.
struct LensEnd {
  int code = -1;   // its exit code; -1: it died
  int signal = 0;  // that it died of
  std::string out;
  std::string error;

  bool operator==(const LensEnd&) const = default;
};

// Standard output goes to the file `output`, "" keeps it in LensEnd::out.
LensEnd run_lens(const std::vector<std::string>& words,
                 const std::string& output = "");

}  // namespace lens::cli
