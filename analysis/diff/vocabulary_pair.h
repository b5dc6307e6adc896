#pragma once

#include <cstdint>
#include <string>

#include "storage/vocabulary.h"

namespace lens::analysis::diff {

// The vocabularies of two runs. No two ids of one vocabulary have one text, so
// that ids of both are the same token where their texts are. Both outlive it.
class VocabularyPair {
 public:
  VocabularyPair(const storage::Vocabulary& a, const storage::Vocabulary& b);

  // Whether distributions over the two can be held against each other: one may
  // have more ids at its end that no tokenizer knows.
  bool same() const { return same_; }
  // Whether the classes of /script are the same.
  bool same_scripts() const;
  bool equal(std::int32_t of_a, std::int32_t of_b) const;

  // The id in B of a token of A, or the other way about; -1 for none.
  std::int32_t in_b(std::int32_t of_a) const;
  std::int32_t in_a(std::int32_t of_b) const;

 private:
  const storage::Vocabulary& a_;
  const storage::Vocabulary& b_;
  bool same_;
};

// The text of an id; "#ID" beyond the vocabulary.
std::string token_text(const storage::Vocabulary& vocabulary, std::int32_t id);

}  // namespace lens::analysis::diff
