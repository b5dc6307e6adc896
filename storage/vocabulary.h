#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lens::storage {

// Text and script class of every id of the vocabulary, and the class names.
struct Vocabulary {
  std::vector<std::string> token_text;     // [vocab]
  std::vector<std::uint8_t> token_script;  // [vocab], index into script_names
  std::vector<std::string> script_names;   // [script]
};

}  // namespace lens::storage
