#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

namespace lens {

// The JSON object in a file of a checkpoint, of at most 64 MiB. Throws
// lens::InputError for anything else: no such file, as has_file does, not
// JSON, nested too deeply, not an object, or a key that stands twice in one
// object, of which readers would take one or the other.
nlohmann::json read_json_object(const std::filesystem::path& path);

}  // namespace lens
