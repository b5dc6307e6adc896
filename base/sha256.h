#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace lens {

// SHA-256 over bytes that come piece by piece.
class Sha256 {
 public:
  using Digest = std::array<std::uint8_t, 32>;

  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::span<const std::byte> bytes);
  void update(std::string_view text);

  // Ends the hash; the object must not be used afterwards.
  Digest finish();
  std::string finish_hex();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// Lower-case hex digits.
std::string to_hex(std::span<const std::uint8_t> bytes);

std::string sha256_hex(std::string_view text);

// Of a whole file, read in blocks. Throws StorageError.
std::string sha256_file(const std::filesystem::path& file);

}  // namespace lens
