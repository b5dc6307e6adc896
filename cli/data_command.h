#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <ostream>
#include <string>

#include "cli/command.h"
#include "input/data/guess.h"

namespace lens::cli {

struct DataOptions {
  std::string name;
  std::filesystem::path path;
  std::string split;
  std::int64_t limit = 0;  // rows that are looked at; 0: all
  data::Wishes wishes;
};

// Says what `lens run` would see at the path: format, columns, what is guessed,
// counts, three samples, and which rows would fail and why: every picture is
// decoded. Returns the exit code: an error where no sample is of use.
int data_command(const DataOptions& options, std::ostream& out);

std::unique_ptr<Command> make_data_command();

}  // namespace lens::cli
