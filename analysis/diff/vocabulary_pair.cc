#include "analysis/diff/vocabulary_pair.h"

#include <algorithm>

namespace lens::analysis::diff {
namespace {

// How ids that the tokenizer lacks are called in a vocabulary.
constexpr const char* kUnused = "<unused_";

bool is_same(const std::vector<std::string>& a,
             const std::vector<std::string>& b) {
  const auto& shorter = a.size() <= b.size() ? a : b;
  const auto& longer = a.size() <= b.size() ? b : a;
  const auto rest =
      longer.begin() + static_cast<std::ptrdiff_t>(shorter.size());
  return std::equal(shorter.begin(), shorter.end(), longer.begin()) &&
         std::all_of(rest, longer.end(), [](const std::string& text) {
           return text.starts_with(kUnused);
         });
}

bool is_known(const storage::Vocabulary& vocabulary, std::int32_t id) {
  return id >= 0 && static_cast<std::size_t>(id) < vocabulary.token_text.size();
}

std::int32_t find(const storage::Vocabulary& from, std::int32_t id,
                  const storage::Vocabulary& to) {
  if (!is_known(from, id)) return -1;
  const std::string& text = from.token_text[static_cast<std::size_t>(id)];
  // Nearly always where it is in the other.
  if (is_known(to, id) && to.token_text[static_cast<std::size_t>(id)] == text)
    return id;
  const auto found =
      std::find(to.token_text.begin(), to.token_text.end(), text);
  return found == to.token_text.end()
             ? -1
             : static_cast<std::int32_t>(found - to.token_text.begin());
}

}  // namespace

VocabularyPair::VocabularyPair(const storage::Vocabulary& a,
                               const storage::Vocabulary& b)
    : a_(a), b_(b), same_(is_same(a.token_text, b.token_text)) {}

bool VocabularyPair::same_scripts() const {
  return a_.script_names == b_.script_names;
}

bool VocabularyPair::equal(std::int32_t of_a, std::int32_t of_b) const {
  if (same_) return of_a == of_b;
  return token_text(a_, of_a) == token_text(b_, of_b);
}

std::int32_t VocabularyPair::in_b(std::int32_t of_a) const {
  return find(a_, of_a, b_);
}

std::int32_t VocabularyPair::in_a(std::int32_t of_b) const {
  return find(b_, of_b, a_);
}

std::string token_text(const storage::Vocabulary& vocabulary, std::int32_t id) {
  return is_known(vocabulary, id)
             ? vocabulary.token_text[static_cast<std::size_t>(id)]
             : "#" + std::to_string(id);
}

}  // namespace lens::analysis::diff
