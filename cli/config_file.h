#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace lens::cli {

// A TOML file with flags as keys, as command line arguments: `limit = 10`
// becomes "--limit=10", `save_hidden = [0, 28]` two arguments,
// `generation-config = true` a bare flag. Underscores and dashes are the same.
// A table gives NAME=VALUE pairs: `[dataset]` with `mtvqa = "PATH"`.
//
//   known   long names of the command's flags, without dashes in front
//   given   those on the command line already: their keys are left out
//
// Throws UsageError: no such file, not TOML (with the line), an unknown key.
std::vector<std::string> config_arguments(const std::filesystem::path& file,
                                          const std::set<std::string>& known,
                                          const std::set<std::string>& given);

}  // namespace lens::cli
