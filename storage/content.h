#pragma once

#include <string>
#include <vector>

#include "base/sha256.h"
#include "table/values.h"

namespace lens::storage {

// Adds the values as they enter checksums (docs/format.md, section 6).
void hash_values(Sha256& hash, const table::ColumnView& values);

// SHA-256 over named columns whose values come piece by piece.
class ContentHasher {
 public:
  struct Entry {
    std::string name;
    table::ColumnType type;
    std::vector<std::int64_t> shape;
  };

  explicit ContentHasher(std::vector<Entry> entries);

  // The next values of entry number `index`.
  void add(std::size_t index, const table::ColumnView& values);

  // Hex. Ends the hash.
  std::string finish();

 private:
  std::vector<Entry> entries_;
  std::vector<Sha256> hashes_;  // one per entry
};

}  // namespace lens::storage
