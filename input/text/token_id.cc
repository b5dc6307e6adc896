#include "input/text/token_id.h"

#include <cstddef>

#include "base/error.h"
#include "base/utf8.h"

namespace lens::text {
namespace {

constexpr std::size_t kQuotedBytes = 40;

}  // namespace

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
