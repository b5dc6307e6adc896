#include "storage/unit_hash.h"

namespace lens::storage {

std::vector<ContentHasher::Entry> content_entries(
    const table::Extents& extents) {
  std::vector<ContentHasher::Entry> entries;
  for (const table::Column* column : table::columns_of(extents.widths)) {
    entries.push_back({.name = std::string(column->name),
                       .type = column->type,
                       .shape = extents.shape(*column)});
  }
  return entries;
}

UnitHasher::UnitHasher(const table::Extents& total)
    : columns_(table::columns_of(total.widths)),
      hasher_(content_entries(total)) {}

void UnitHasher::add(const UnitResult& piece) {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    table::ColumnValues scratch;
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
