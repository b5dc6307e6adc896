#pragma once

#include <string>

namespace lens::cli {

// `path` with a leading "~/", or "~" alone, as the home folder (HOME, else the
// user's entry in the password file). Shells do this only at the start of a
// word: not behind NAME= or --flag=, and never in a file of flags.
std::string expand_home(const std::string& path);

}  // namespace lens::cli
