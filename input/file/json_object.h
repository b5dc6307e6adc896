#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace lens {

// A JSON document, and a key that stands twice in one of its objects, of which
// readers would take one or the other; empty: none does. Throws what nlohmann's
// parser throws.
struct WatchedJson {
  nlohmann::json value;
  std::string doubled;
};
WatchedJson parse_watched(std::string_view text);

// The JSON object in a file of a checkpoint, of at most 64 MiB. Throws
// lens::InputError for anything else: no such file, as has_file does, not
// JSON, nested too deeply, not an object, or a key that stands twice.
nlohmann::json read_json_object(const std::filesystem::path& path);

}  // namespace lens
