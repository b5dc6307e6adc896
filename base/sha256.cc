#include "base/sha256.h"

#include <openssl/evp.h>

#include <vector>

#include "base/durable.h"
#include "base/error.h"

namespace lens {

struct Sha256::Context {
  EVP_MD_CTX* handle = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(handle); }
};

namespace {

void require(int result) {
  if (result != 1) {
    throw StorageError(
        "cannot compute SHA-256 (OpenSSL refuses); check its configuration");
  }
}

}  // namespace

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  require(context_->handle != nullptr);
  require(EVP_DigestInit_ex(context_->handle, EVP_sha256(), nullptr));
}

Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::span<const std::byte> bytes) {
  require(EVP_DigestUpdate(context_->handle, bytes.data(), bytes.size()));
}

void Sha256::update(std::string_view text) {
  update(std::as_bytes(std::span(text.data(), text.size())));
}

Sha256::Digest Sha256::finish() {
  Digest digest;
  require(EVP_DigestFinal_ex(context_->handle, digest.data(), nullptr));
  return digest;
}

std::string Sha256::finish_hex() { return to_hex(finish()); }

std::string to_hex(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    hex.push_back(kDigits[byte >> 4]);
    hex.push_back(kDigits[byte & 15]);
  }
  return hex;
}

std::string sha256_hex(std::string_view text) {
  Sha256 hash;
  hash.update(text);
  return hash.finish_hex();
}

std::string sha256_file(const std::filesystem::path& file) {
  const InputDescriptor input(file);
  Sha256 hash;
  std::vector<std::byte> block(1 << 20);
  for (std::int64_t at = 0; at < input.bytes();) {
    // A read may give less than a block.
    const std::size_t count = input.read(at, block);
    hash.update(std::span<const std::byte>(block.data(), count));
    at += static_cast<std::int64_t>(count);
  }
  return hash.finish_hex();
}

}  // namespace lens
