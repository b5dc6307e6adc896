#include "cli/tokenize_command.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "base/exit_code.h"
#include "input/text/tokenizer.h"

namespace lens::cli {

int tokenize_command(const std::filesystem::path& model, std::istream& in,
                     std::ostream& out) {
  const text::Tokenizer tokenizer = text::Tokenizer::load(model);
  std::string line;
  for (std::int64_t number = 1; std::getline(in, line); ++number) {
    const auto parsed =
        nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!parsed.is_string())
      throw InputError("line " + std::to_string(number) +
                           " of the input cannot be tokenized",
                       "not a JSON string",
                       "write one string in double quotes a line");
    out << nlohmann::json(
               tokenizer.encode(parsed.get_ref<const std::string&>()))
               .dump()
        << '\n'
        << std::flush;
  }
  return kExitOk;
}

}  // namespace lens::cli
