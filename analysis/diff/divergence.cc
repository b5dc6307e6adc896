#include "analysis/diff/divergence.h"

#include <algorithm>

namespace lens::analysis::diff {

Divergence find_divergence(const WrittenAnswer& a, const WrittenAnswer& b,
                           const VocabularyPair& vocabularies) {
  const std::size_t both = std::min(a.tokens.size(), b.tokens.size());
  std::size_t at = 0;
  while (at < both && vocabularies.equal(a.tokens[at], b.tokens[at])) ++at;
  Divergence found;
  found.changed = at < a.tokens.size() || at < b.tokens.size();
  found.position = static_cast<std::int32_t>(at);
  found.compared = static_cast<std::int32_t>(
      std::min({at + 1, a.answer_tokens(), b.answer_tokens()}));
  return found;
}

}  // namespace lens::analysis::diff
