#include "tests/input/text/scratch_checkpoint.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "base/error.h"
#include "input/text/byte_letters.h"

namespace lens::text {

ScratchCheckpoint::ScratchCheckpoint() {
  std::string name =
      (std::filesystem::temp_directory_path() / "lens-text-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
  path_ = name;
}

ScratchCheckpoint::~ScratchCheckpoint() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void ScratchCheckpoint::write(const std::string& name,
                              const std::string& content) const {
  std::ofstream(path_ / name, std::ios::binary) << content;
}

std::string ScratchCheckpoint::load_error() const {
  try {
    load();
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

std::string vocabulary_json(const std::vector<std::string>& more) {
  std::string json = "{";
  for (int byte = 0; byte < 256; ++byte) {
    const std::string letter = letter_of(static_cast<std::uint8_t>(byte));
    const bool needs_escape = letter == "\"" || letter == "\\";
    json += (byte == 0 ? "\"" : ",\"") + std::string(needs_escape ? "\\" : "") +
            letter + "\":" + std::to_string(byte);
  }
  int id = 256;
  for (const std::string& spelling : more) {
    json += ",\"" + spelling + "\":" + std::to_string(id++);
  }
  return json + "}";
}

std::string tokenizer_json(const std::string& vocabulary,
                           const std::string& merges,
                           const std::string& added) {
  return R"({"model":{"type":"BPE","vocab":)" + vocabulary + R"(,"merges":)" +
         merges + R"(},"added_tokens":)" + added + "}";
}

const Tokenizer& qwen2_tokenizer() {
  static const Tokenizer tokenizer = Tokenizer::load(LENS_QWEN2_TOKENIZER_DIR);
  return tokenizer;
}

}  // namespace lens::text
