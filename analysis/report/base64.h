#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace lens::analysis::report {

// RFC 4648 with padding.
std::string base64(std::span<const std::byte> bytes);
std::string base64(std::span<const std::uint8_t> bytes);

// Columns of numbers as the page holds them: base64 of little-endian numbers of
// two or three bytes. A float loses its lowest eight bits (rounded to nearest;
// relative error at most 2^-16), which is more than the page shows; NaN stays
// NaN.
std::string packed_floats(std::span<const float> values);
// Each value in 0 .. 256^bytes - 1; `bytes` is 1, 2 or 3.
std::string packed_integers(std::span<const std::int32_t> values, int bytes);

}  // namespace lens::analysis::report
