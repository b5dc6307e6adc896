#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace lens::text {

// A token id: an integer in [0, kIdLimit). Throws lens::InputError naming
// `path` and the token otherwise.
inline constexpr std::int32_t kIdLimit = 1 << 21;
std::int32_t read_id(const nlohmann::json& value,
                     const std::filesystem::path& path, std::string_view token);

// Text out of a file made fit for a one-line message: in double quotes, at most
// 40 bytes of it, control characters and bytes that are not UTF-8 as '?'.
std::string quote(std::string_view text);

}  // namespace lens::text
