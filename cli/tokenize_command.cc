#include "cli/tokenize_command.h"

#include <cstdint>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "base/exit_code.h"
#include "cli/home_path.h"
#include "input/file/hub_snapshot.h"
#include "input/text/tokenizer.h"
#include "model/families.h"

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

namespace {

class TokenizeCommand : public Command {
 public:
  CLI::App* add_to(CLI::App& program) override {
    CLI::App* command = program.add_subcommand(
        "tokenize", "Token ids of text: JSON strings in, JSON lists out");
    command->add_option("--model", model_, "Checkpoint folder")
        ->type_name("DIR")
        ->required();
    command->footer(
        "Example:\n"
        "  echo '\"Hello world\"' | lens tokenize --model " +
        model::example_name());
    return command;
  }
  int run(const std::string& /*line*/, std::ostream& out) const override {
    std::ios::sync_with_stdio(false);
    return tokenize_command(hub_snapshot(expand_home(model_)), std::cin, out);
  }

 private:
  std::string model_;
};

}  // namespace

std::unique_ptr<Command> make_tokenize_command() {
  return std::make_unique<TokenizeCommand>();
}

}  // namespace lens::cli
