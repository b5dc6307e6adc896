#include "storage/content.h"

#include <bit>
#include <cstring>

namespace lens::storage {

static_assert(std::endian::native == std::endian::little,
              "values enter checksums as they lie in memory: little-endian");

void hash_values(Sha256& hash, const table::ColumnView& values) {
  if (const auto* texts = std::get_if<std::span<const std::string>>(&values)) {
    for (const std::string& text : *texts) {
      // With their lengths: "ab", "c" must not hash as "a", "bc" does.
      const std::uint64_t length = text.size();
      hash.update(std::as_bytes(std::span(&length, 1)));
      hash.update(text);
    }
    return;
  }
  std::visit([&](const auto& numbers) { hash.update(std::as_bytes(numbers)); },
             values);
}

ContentHasher::ContentHasher(std::vector<Entry> entries)
    : entries_(std::move(entries)), hashes_(entries_.size()) {}

void ContentHasher::add(std::size_t index, const table::ColumnView& values) {
  hash_values(hashes_[index], values);
}

std::string ContentHasher::finish() {
  Sha256 hash;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    std::string line = entries_[i].name;
    line += ' ';
    line += type_name(entries_[i].type);
    char separator = ' ';
    // The shape goes in: the same bytes cut into other rows are other values.
    for (const std::int64_t length : entries_[i].shape) {
      line += separator + std::to_string(length);
      separator = ',';
    }
    hash.update(line + "\n");
    const Sha256::Digest digest = hashes_[i].finish();
    hash.update(std::as_bytes(std::span(digest)));
  }
  return hash.finish_hex();
}

}  // namespace lens::storage
