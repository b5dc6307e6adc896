#include "storage/unit_hash.h"

namespace lens::storage {

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
