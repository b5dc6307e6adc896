#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "storage/hdf5/hdf5.h"

namespace lens::storage::hdf5 {

// Scalar attributes; set() replaces nothing: each name is set once.
void set(H5::H5Object& object, const std::string& name, std::string_view text);
void set(H5::H5Object& object, const std::string& name, std::int32_t value);
void set(H5::H5Object& object, const std::string& name, std::int64_t value);
void set(H5::H5Object& object, const std::string& name, std::uint64_t value);
void set(H5::H5Object& object, const std::string& name, std::uint8_t value);
void set(H5::H5Object& object, const std::string& name, float value);
void set(H5::H5Object& object, const std::string& name,
         std::span<const std::uint8_t> values);

// nullopt where it is missing or of another kind.
std::optional<std::string> text_attribute(const H5::H5Object& object,
                                          const std::string& name);
std::optional<std::int64_t> integer_attribute(const H5::H5Object& object,
                                              const std::string& name);
std::optional<std::uint64_t> unsigned_attribute(const H5::H5Object& object,
                                                const std::string& name);

}  // namespace lens::storage::hdf5
