#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "input/text/tokenizer.h"

namespace lens::text {

// A checkpoint folder of a test's own, removed with it.
class ScratchCheckpoint {
 public:
  ScratchCheckpoint();
  ~ScratchCheckpoint();
  ScratchCheckpoint(const ScratchCheckpoint&) = delete;
  ScratchCheckpoint& operator=(const ScratchCheckpoint&) = delete;

  const std::filesystem::path& path() const { return path_; }
  void write(const std::string& name, const std::string& content) const;
  Tokenizer load() const { return Tokenizer::load(path_); }

  // The message of the InputError that loading throws, "" if it loads.
  std::string load_error() const;

 private:
  std::filesystem::path path_;
};

// vocab.json with the 256 bytes (id = byte) and `more` from id 256 on, in the
// spelling of the file: what they say is JSON text without quotes.
std::string vocabulary_json(const std::vector<std::string>& more);

// tokenizer.json around a vocabulary, merges and added tokens in JSON.
std::string tokenizer_json(const std::string& vocabulary,
                           const std::string& merges,
                           const std::string& added = "[]");

// The real vocabulary, unpacked by the build.
const Tokenizer& qwen2_tokenizer();

}  // namespace lens::text
