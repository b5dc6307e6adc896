#include "worker/text/json_file.h"

#include <cstddef>
#include <fstream>
#include <iterator>
#include <system_error>

#include "worker/error.h"
#include "worker/text/utf8.h"

namespace lens::text {
namespace {

constexpr std::uintmax_t kFileLimit = std::uintmax_t{64} << 20;
constexpr std::size_t kQuotedBytes = 40;

// Deeper than any tokenizer file, shallow enough for every parser.
constexpr std::size_t kDepthLimit = 64;

// Brackets outside strings are counted before the file is parsed, because the
// parser's tree grows with depth as fast as a hostile file likes.
bool is_too_deep(std::string_view json) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < json.size(); ++at) {
    const char byte = json[at];
    if (in_string) {
      if (byte == '\\') ++at;
      if (byte == '"') in_string = false;
    } else if (byte == '"') {
      in_string = true;
    } else if (byte == '[' || byte == '{') {
      if (++depth > kDepthLimit) return true;
    } else if ((byte == ']' || byte == '}') && depth > 0) {
      --depth;
    }
  }
  return false;
}

}  // namespace

std::string read_file(const std::filesystem::path& path) {
  const std::string problem = "cannot read " + path.string();
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error) throw InputError(problem, error.message());
  if (size > kFileLimit) {
    throw InputError(problem,
                     "it has " + std::to_string(size) +
                         " bytes, a tokenizer file has less than " +
                         std::to_string(kFileLimit),
                     "check the checkpoint folder");
  }
  std::ifstream stream(path, std::ios::binary);
  std::string content((std::istreambuf_iterator<char>(stream)),
                      std::istreambuf_iterator<char>());
  if (!stream.good() && !stream.eof()) {
    throw InputError(problem, "input error");
  }
  return content;
}

nlohmann::json read_json_object(const std::filesystem::path& path) {
  const std::string problem = "cannot read " + path.string();
  const std::string remedy = "copy the file from its source again";
  const std::string content = read_file(path);
  if (is_too_deep(content)) {
    throw InputError(problem, "JSON nested too deeply", remedy);
  }
  nlohmann::json json;
  try {
    json = nlohmann::json::parse(content);
  } catch (const nlohmann::json::parse_error& error) {
    throw InputError(problem, "not JSON at byte " + std::to_string(error.byte),
                     remedy);
  } catch (const nlohmann::json::exception&) {
    // A number beyond a double.
    throw InputError(problem, "JSON with a value out of range", remedy);
  }
  if (!json.is_object()) throw InputError(problem, "not a JSON object", remedy);
  return json;
}

std::int32_t read_id(const nlohmann::json& value,
                     const std::filesystem::path& path,
                     std::string_view token) {
  // Negative numbers are integers but not unsigned ones.
  if (!value.is_number_unsigned() ||
      value.get<std::uint64_t>() >= std::uint64_t{kIdLimit}) {
    throw InputError("cannot use " + path.string(),
                     "the id of token " + quote(token) +
                         " is not a whole number from 0 to " +
                         std::to_string(kIdLimit - 1),
                     "correct the file");
  }
  return value.get<std::int32_t>();
}

std::string quote(std::string_view text) {
  std::string line = "\"";
  std::size_t at = 0;
  while (at < text.size() && at < kQuotedBytes) {
    const Utf8Step step = read_utf8(text, at);
    const bool is_control = step.code_point < 0x20 || step.code_point == 0x7F ||
                            (step.code_point >= 0x80 && step.code_point < 0xA0);
    if (step.valid && !is_control) {
      line.append(text.substr(at, step.length));
    } else {
      line.push_back('?');
    }
    at += step.length;
  }
  if (at < text.size()) line.append("...");
  return line + "\"";
}

}  // namespace lens::text
