#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "storage/manifest.h"

namespace lens::storage {

// The manifest as JSON, keys sorted.
nlohmann::json to_json(const Manifest& manifest);
nlohmann::json to_json(const RunConfig& config);

// Checks every type and range that one field alone decides. Throws StorageError
// that begins with `name` and says which field.
Manifest manifest_from_json(const nlohmann::json& json,
                            const std::string& name);

}  // namespace lens::storage
