// The tokenizer on a pipe, for tokenizer_oracle.py.
//
//   lens_text_tokenize CHECKPOINT MODE
//
// reads one JSON value a line and writes one JSON value a line:
//
//   encode       text -> ids
//   decode       ids -> text
//   decode-skip  ids -> text without special tokens
//   nfc          text -> its canonical composition
//   pieces       text -> lengths of its pieces in code points, after NFC
//
// nfc and pieces use no vocabulary; CHECKPOINT is ignored.

#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "input/text/nfc.h"
#include "input/text/splitter.h"
#include "input/text/tokenizer.h"

namespace {

using lens::text::Tokenizer;
using nlohmann::json;
using Step = std::function<json(const json&)>;

json piece_lengths(const std::string& text) {
  json lengths = json::array();
  const std::string normal = lens::text::to_nfc(text);
  for (const std::string_view piece : lens::text::split_pieces(normal)) {
    int length = 0;
    for (const char byte : piece) length += (byte & 0xC0) != 0x80;
    lengths.push_back(length);
  }
  return lengths;
}

Step step_of(std::string_view mode, const std::string& checkpoint) {
  if (mode == "nfc") {
    return [](const json& line) {
      return lens::text::to_nfc(line.get<std::string>());
    };
  }
  if (mode == "pieces") {
    return
        [](const json& line) { return piece_lengths(line.get<std::string>()); };
  }
  const auto tokenizer =
      std::make_shared<const Tokenizer>(Tokenizer::load(checkpoint));
  if (mode == "encode") {
    return [=](const json& line) {
      return tokenizer->encode(line.get<std::string>());
    };
  }
  const bool skip_special_tokens = mode == "decode-skip";
  return [=](const json& line) {
    return tokenizer->decode(line.get<std::vector<std::int32_t>>(),
                             skip_special_tokens);
  };
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: lens_text_tokenize CHECKPOINT MODE\n";
    return 2;
  }
  std::ios::sync_with_stdio(false);
  try {
    const Step step = step_of(argv[2], argv[1]);
    for (std::string line; std::getline(std::cin, line);) {
      std::cout << step(json::parse(line)).dump() << '\n';
    }
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  return 0;
}
