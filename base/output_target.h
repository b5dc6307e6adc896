#pragma once

#include <filesystem>
#include <optional>

namespace lens {

// Where a file written under this name is to be placed by rename: where its
// links lead, so that a link stays a link and its target is replaced. Throws
// StorageError where that is a folder, or there already is what no file may
// replace: a device, a pipe, a socket.
std::filesystem::path output_target(const std::filesystem::path& name);

// A descriptor to write to where `name` is a device, a pipe or a descriptor of
// this process (/dev/null, /dev/stdout); the caller closes it. Nothing where it
// is a file, or nothing yet. Throws StorageError where it cannot be opened.
std::optional<int> open_if_not_a_file(const std::filesystem::path& name);

}  // namespace lens
