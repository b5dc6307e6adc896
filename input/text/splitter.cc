#include "input/text/splitter.h"

#include <cstddef>

#include "base/utf8.h"
#include "input/text/characters.h"

namespace lens::text {
namespace {

enum class Kind : unsigned char { kLetter, kNumber, kSpace, kBreak, kOther };

struct Position {
  char32_t code_point;
  Kind kind;
  std::size_t offset;  // in bytes
};

Kind kind_of(char32_t code_point) {
  if (code_point == '\r' || code_point == '\n') return Kind::kBreak;
  const Character character(code_point);
  if (character.is(kLetter)) return Kind::kLetter;
  if (character.is(kNumber)) return Kind::kNumber;
  if (character.is(kSpace)) return Kind::kSpace;
  return Kind::kOther;
}

// Matches the alternatives of the pattern at one place after the other. Each
// match_* returns where its match ends, or `at` where there is none.
class Matcher {
 public:
  explicit Matcher(std::string_view utf8) {
    positions_.reserve(utf8.size());
    for (std::size_t at = 0; at < utf8.size();) {
      const Utf8Step step = read_utf8(utf8, at);
      positions_.push_back({step.code_point, kind_of(step.code_point), at});
      at += step.length;
    }
  }

  std::size_t size() const { return positions_.size(); }
  std::size_t offset(std::size_t at) const { return positions_[at].offset; }

  // In the order of the pattern: the first alternative that matches counts, not
  // the longest.
  std::size_t match(std::size_t at) const {
    std::size_t end = match_contraction(at);
    if (end == at) end = match_word(at);
    if (end == at && is(at, Kind::kNumber)) end = at + 1;
    if (end == at) end = match_symbols(at);
    if (end == at) end = match_space(at);
    return end;
  }

 private:
  bool is(std::size_t at, Kind kind) const {
    return at < size() && positions_[at].kind == kind;
  }

  bool is_space(std::size_t at) const {
    return is(at, Kind::kSpace) || is(at, Kind::kBreak);
  }

  std::size_t skip(std::size_t at, Kind kind) const {
    while (is(at, kind)) ++at;
    return at;
  }

  // Lower case, as far as it matters after an apostrophe: of all that folds to
  // one of these letters only the long s is not ASCII.
  char32_t folded(std::size_t at) const {
    if (at >= size()) return 0;
    const char32_t code_point = positions_[at].code_point;
    if (code_point == 0x17F) return 's';
    return code_point >= 'A' && code_point <= 'Z' ? code_point + 32
                                                  : code_point;
  }

  std::size_t match_contraction(std::size_t at) const {
    if (positions_[at].code_point != '\'') return at;
    const char32_t first = folded(at + 1);
    if (first == 's' || first == 't' || first == 'm' || first == 'd') {
      return at + 2;
    }
    const char32_t second = folded(at + 2);
    const bool is_pair = (first == 'r' && second == 'e') ||
                         (first == 'v' && second == 'e') ||
                         (first == 'l' && second == 'l');
    return is_pair ? at + 3 : at;
  }

  // Letters, and one character before them that is no letter, digit or break.
  std::size_t match_word(std::size_t at) const {
    // Marks are no letters here: a vowel sign of Thai or Hindi begins a piece.
    const bool has_lead = is(at, Kind::kSpace) || is(at, Kind::kOther);
    const std::size_t letters = has_lead ? at + 1 : at;
    const std::size_t end = skip(letters, Kind::kLetter);
    return end == letters ? at : end;
  }

  std::size_t match_symbols(std::size_t at) const {
    const std::size_t symbols = positions_[at].code_point == ' ' ? at + 1 : at;
    const std::size_t end = skip(symbols, Kind::kOther);
    // Line ends right behind symbols are theirs.
    return end == symbols ? at : skip(end, Kind::kBreak);
  }

  // The last three alternatives: up to the last break of the run; else all of
  // it at the end of the text; else all but the space that the next piece may
  // begin with, unless that leaves nothing.
  std::size_t match_space(std::size_t at) const {
    std::size_t end = at;
    std::size_t after_break = at;
    for (; is_space(end); ++end) {
      if (is(end, Kind::kBreak)) after_break = end + 1;
    }
    if (after_break != at) return after_break;
    if (end == size() || end - at == 1) return end;
    return end - 1;
  }

  std::vector<Position> positions_;
};

}  // namespace

std::vector<std::string_view> split_pieces(std::string_view utf8) {
  const Matcher matcher(utf8);
  std::vector<std::string_view> pieces;
  for (std::size_t at = 0; at < matcher.size();) {
    const std::size_t end = matcher.match(at);
    const std::size_t first = matcher.offset(at);
    const std::size_t last =
        end == matcher.size() ? utf8.size() : matcher.offset(end);
    pieces.push_back(utf8.substr(first, last - first));
    at = end;
  }
  return pieces;
}

}  // namespace lens::text
