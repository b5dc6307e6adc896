#pragma once

#include <cstdint>

#include "analysis/diff/vocabulary_pair.h"
#include "analysis/diff/written_answers.h"

namespace lens::analysis::diff {

// How two answers to one sample go together.
struct Divergence {
  bool changed = false;
  // Of the first token that differs, or that one answer alone has, from 0.
  std::int32_t position = 0;
  // Answer tokens, from the first, that are compared: up to the first differing
  // one, itself included where it is an answer token of both. Until then both
  // runs were asked for the same token after the same answer; behind it they
  // go different ways.
  std::int32_t compared = 0;
};

Divergence find_divergence(const WrittenAnswer& a, const WrittenAnswer& b,
                           const VocabularyPair& vocabularies);

}  // namespace lens::analysis::diff
