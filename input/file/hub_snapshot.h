#pragma once

#include <filesystem>

namespace lens {

// `path` itself, or where it is a folder of the Hub's cache (it has snapshots/)
// the folder of one revision below it: the one that refs/main names, else the
// only one there is. Throws lens::InputError where neither decides.
std::filesystem::path hub_snapshot(const std::filesystem::path& path);

}  // namespace lens
