#include "storage/seal.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <optional>
#include <vector>

#include "base/durable.h"
#include "base/error.h"
#include "storage/hdf5/superblock.h"

namespace lens::storage {
namespace {

constexpr std::string_view kMagic = "\nLENS-SEAL 1 bytes=";
constexpr std::string_view kSamples = " samples=";
constexpr std::string_view kTokens = " tokens=";
constexpr std::string_view kHash = " sha256=";
constexpr std::size_t kDigits = 20;
constexpr std::size_t kHashDigits = 64;
constexpr std::size_t kHashedBytes = kMagic.size() + kSamples.size() +
                                     kTokens.size() + kHash.size() +
                                     3 * kDigits;
static_assert(kHashedBytes + kHashDigits + 1 == kSealBytes);

std::string digits(std::int64_t value) {
  char text[kDigits + 1];
  std::snprintf(text, sizeof text, "%020lld", static_cast<long long>(value));
  return text;
}

std::string hashed_text(const Seal& seal) {
  std::string text(kMagic);
  text += digits(seal.bytes);
  text += kSamples;
  text += digits(seal.samples);
  text += kTokens;
  text += digits(seal.tokens);
  text += kHash;
  return text;
}

[[noreturn]] void no_seal(const std::string& name) {
  throw StorageError(name +
                     " is not whole (its seal is missing: cut short, or "
                     "rewritten by another program); make it again");
}

// Reads the numbers; that they stand exactly as we write them is checked by
// writing them again. Nothing where `text` is no seal of this file.
std::optional<Seal> parse(std::string_view text, std::int64_t file_bytes) {
  if (text.size() != kSealBytes) return std::nullopt;
  const auto number = [&](std::size_t at) {
    std::int64_t value = -1;
    std::from_chars(text.data() + at, text.data() + at + kDigits, value);
    return value;
  };
  std::size_t at = kMagic.size();
  Seal seal;
  seal.bytes = number(at);
  at += kDigits + kSamples.size();
  seal.samples = number(at);
  at += kDigits + kTokens.size();
  seal.tokens = number(at);
  if (seal.bytes < 0 || seal.samples < 0 || seal.tokens < 0 ||
      text.substr(0, kHashedBytes) != hashed_text(seal) ||
      text.back() != '\n' ||
      seal.bytes + static_cast<std::int64_t>(kSealBytes) != file_bytes) {
    return std::nullopt;
  }
  return seal;
}

Seal parse_or_throw(std::string_view text, std::int64_t file_bytes,
                    const std::string& name) {
  const auto seal = parse(text, file_bytes);
  if (!seal) no_seal(name);
  return *seal;
}

[[noreturn]] void damaged(const std::string& name) {
  throw StorageError(name +
                     " is damaged (its bytes do not give the checksum in its "
                     "seal); make it again");
}

bool gives_checksum(std::string_view seal, Sha256 hash) {
  hash.update(seal.substr(0, kHashedBytes));
  return hash.finish_hex() == seal.substr(kHashedBytes, kHashDigits);
}

// The last bytes; "" where there are too few.
std::string read_seal(const InputDescriptor& input) {
  if (input.bytes() < static_cast<std::int64_t>(kSealBytes)) return "";
  std::string text(kSealBytes, '\0');
  const auto bytes = std::as_writable_bytes(std::span(text));
  for (std::size_t at = 0; at < bytes.size();) {
    const auto from =
        input.bytes() - static_cast<std::int64_t>(kSealBytes - at);
    at += input.read(from, bytes.subspan(at));
  }
  return text;
}

// Of a file whose last bytes are no seal of its length.
SealFinding without_seal(const InputDescriptor& input) {
  // A program that opens the file for writing makes HDF5 cut it where its
  // superblock says that it ends: the seal is gone and all else may be well.
  // Any other length is damage.
  const auto end = hdf5_end(read_superblock(input));
  if (end && input.bytes() < *end) {
    return {.state = SealState::kDamaged, .seal = {}, .why = "it is cut short"};
  }
  if (end && input.bytes() > *end) {
    return {.state = SealState::kDamaged,
            .seal = {},
            .why = "what follows its data is no seal"};
  }
  return {.state = SealState::kMissing,
          .seal = {},
          .why = "its seal is gone: another program opened it for writing"};
}

}  // namespace

std::string seal_text(const Seal& seal, Sha256 hash) {
  std::string text = hashed_text(seal);
  hash.update(text);
  return text + hash.finish_hex() + "\n";
}

Seal check_seal(std::span<const std::byte> file, const std::string& name) {
  if (file.size() < kSealBytes) no_seal(name);
  const auto body = file.first(file.size() - kSealBytes);
  const std::string_view text(
      reinterpret_cast<const char*>(file.data() + body.size()), kSealBytes);
  const Seal seal =
      parse_or_throw(text, static_cast<std::int64_t>(file.size()), name);
  Sha256 hash;
  hash.update(body);
  if (!gives_checksum(text, std::move(hash))) damaged(name);
  return seal;
}

SealFinding inspect_seal(const std::filesystem::path& file) {
  const InputDescriptor input(file);
  const std::string text = read_seal(input);
  const auto seal = parse(text, input.bytes());
  if (!seal) return without_seal(input);
  Sha256 hash;
  std::vector<std::byte> block(1 << 20);
  for (std::int64_t at = 0; at < seal->bytes;) {
    const auto wanted = std::min<std::int64_t>(
        seal->bytes - at, static_cast<std::int64_t>(block.size()));
    const std::size_t count = input.read(
        at, std::span(block).first(static_cast<std::size_t>(wanted)));
    hash.update(std::span<const std::byte>(block.data(), count));
    at += static_cast<std::int64_t>(count);
  }
  if (!gives_checksum(text, std::move(hash))) {
    return {.state = SealState::kDamaged,
            .seal = {},
            .why = "its bytes do not give the checksum in its seal"};
  }
  return {.state = SealState::kIntact, .seal = *seal, .why = {}};
}

Seal check_seal(const std::filesystem::path& file) {
  const SealFinding found = inspect_seal(file);
  if (found.state != SealState::kIntact) {
    throw StorageError(file.string() + " is not whole (" + found.why +
                       "); make it again");
  }
  return found.seal;
}

Seal peek_seal(const std::filesystem::path& file) {
  const InputDescriptor input(file);
  return parse_or_throw(read_seal(input), input.bytes(), file.string());
}

}  // namespace lens::storage
