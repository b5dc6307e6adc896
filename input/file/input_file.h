#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace lens {

// Whether a file is at `path`; false where there is nothing at all. What is
// there and cannot be read is never taken for absent: throws lens::InputError
// for a link into nothing (with its target), a folder, a pipe or device, and
// for a file or a folder on the way that may not be read.
bool has_file(const std::filesystem::path& path);

// The whole of a file of at most `limit` bytes. Throws lens::InputError as
// has_file does, and where there is nothing.
std::string read_whole(const std::filesystem::path& path, std::uintmax_t limit);

}  // namespace lens
