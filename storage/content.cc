#include "storage/content.h"

#include <bit>
#include <cstring>

#include "storage/part.h"

namespace lens::storage {

static_assert(std::endian::native == std::endian::little,
              "values enter checksums as they lie in memory: little-endian");

void hash_values(Sha256& hash, const ColumnView& values) {
  if (const auto* texts = std::get_if<std::span<const std::string>>(&values)) {
    for (const std::string& text : *texts) {
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

void ContentHasher::add(std::size_t index, const ColumnView& values) {
  hash_values(hashes_[index], values);
}

std::string ContentHasher::finish() {
  Sha256 hash;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    std::string line = entries_[i].name;
    line += ' ';
    line += type_name(entries_[i].type);
    char separator = ' ';
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

std::vector<ContentHasher::Entry> content_entries(const Extents& extents) {
  std::vector<ContentHasher::Entry> entries;
  for (const Column* column : columns_for(extents)) {
    entries.push_back({.name = std::string(column->name),
                       .type = column->type,
                       .shape = column->shape(extents)});
  }
  return entries;
}

UnitHasher::UnitHasher(const Extents& total)
    : columns_(columns_for(total)), hasher_(content_entries(total)) {}

void UnitHasher::add(const UnitResult& piece) {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    ColumnValues scratch;
    hasher_.add(i, column_view(*columns_[i], piece, base_, scratch));
  }
  base_ = next(base_, piece);
}

std::string UnitHasher::finish() { return hasher_.finish(); }

std::string content_sha256(const UnitResult& result) {
  check_unit(result, "the result of a unit");
  UnitHasher hasher(extents_of(result));
  hasher.add(result);
  return hasher.finish();
}

}  // namespace lens::storage
