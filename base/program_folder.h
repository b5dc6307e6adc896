#pragma once

#include <filesystem>

namespace lens {

// The folder of the running program: its companions lie beside it. Throws
// std::filesystem::filesystem_error where there is no /proc.
inline std::filesystem::path program_folder() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

}  // namespace lens
