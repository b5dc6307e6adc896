#pragma once

#include <string>
#include <vector>

#include "storage/content.h"
#include "storage/unit_columns.h"

namespace lens::storage {

// The entries of a group of these extents, in the order of columns_of().
std::vector<ContentHasher::Entry> content_entries(
    const table::Extents& extents);

// The checksum of a group whose samples come as consecutive pieces.
class UnitHasher {
 public:
  explicit UnitHasher(const table::Extents& total);
  // Holds the promises of check_unit().
  void add(const UnitResult& piece);
  // Hex. Ends the hash.
  std::string finish();

 private:
  std::vector<const table::Column*> columns_;
  ContentHasher hasher_;
  RowBase base_;
};

// The checksum of one unit. Throws StorageError where it does not hold the
// promises of check_unit().
std::string content_sha256(const UnitResult& result);

}  // namespace lens::storage
