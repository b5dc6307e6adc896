#pragma once

#include <filesystem>
#include <istream>
#include <memory>
#include <ostream>

#include "cli/command.h"

namespace lens::cli {

// `lens tokenize`: one JSON string a line in, one JSON list of ids a line out,
// each sent at once, so that a program can talk with it through pipes. Special
// tokens that the text spells become those tokens. Throws lens::InputError with
// the line number for a line that is not a JSON string.
int tokenize_command(const std::filesystem::path& model, std::istream& in,
                     std::ostream& out);

std::unique_ptr<Command> make_tokenize_command();

}  // namespace lens::cli
