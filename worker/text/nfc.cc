#include "worker/text/nfc.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "worker/text/characters.h"
#include "worker/text/utf8.h"

namespace lens::text {
namespace {

struct Decomposition {
  char32_t code_point, first, second;  // second 0: a single other code point
  bool composes;
};

struct MarkClass {
  char32_t code_point;
  std::uint8_t combining_class;
};

constexpr Decomposition kDecompositions[] = {
#include "worker/text/unicode_composition.inc"
};

constexpr MarkClass kMarkClasses[] = {
#include "worker/text/unicode_classes.inc"
};

// Hangul syllables are composed by arithmetic, not by table.
constexpr char32_t kHangulFirst = 0xAC00, kLeadFirst = 0x1100,
                   kVowelFirst = 0x1161, kTailBefore = 0x11A7;
constexpr char32_t kLeads = 19, kVowels = 21, kTails = 28;
constexpr char32_t kSyllables = kLeads * kVowels * kTails;

template <typename Row, std::size_t size>
const Row* find_row(const Row (&rows)[size], char32_t code_point) {
  const auto row = std::lower_bound(
      std::begin(rows), std::end(rows), code_point,
      [](const Row& left, char32_t right) { return left.code_point < right; });
  return row != std::end(rows) && row->code_point == code_point ? row : nullptr;
}

std::uint8_t class_of(char32_t code_point) {
  if (code_point < 0x300) return 0;
  const MarkClass* row = find_row(kMarkClasses, code_point);
  return row == nullptr ? 0 : row->combining_class;
}

struct Mark {
  char32_t code_point;
  std::uint8_t combining_class;
};

void decompose(char32_t code_point, std::vector<Mark>& out) {
  if (code_point - kHangulFirst < kSyllables) {
    const char32_t syllable = code_point - kHangulFirst;
    out.push_back({kLeadFirst + syllable / (kVowels * kTails), 0});
    out.push_back({kVowelFirst + syllable / kTails % kVowels, 0});
    const char32_t tail = syllable % kTails;
    if (tail != 0) out.push_back({kTailBefore + tail, 0});
    return;
  }
  const Decomposition* row =
      code_point < 0xC0 ? nullptr : find_row(kDecompositions, code_point);
  if (row == nullptr) {
    out.push_back({code_point, class_of(code_point)});
    return;
  }
  decompose(row->first, out);
  if (row->second != 0) decompose(row->second, out);
}

// The code point that stands for the pair, or 0.
char32_t compose(char32_t first, char32_t second) {
  if (first - kLeadFirst < kLeads && second - kVowelFirst < kVowels) {
    return kHangulFirst +
           ((first - kLeadFirst) * kVowels + (second - kVowelFirst)) * kTails;
  }
  if (first - kHangulFirst < kSyllables &&
      (first - kHangulFirst) % kTails == 0 && second > kTailBefore &&
      second < kTailBefore + kTails) {
    return first + (second - kTailBefore);
  }
  static const auto pairs = [] {
    std::unordered_map<std::uint64_t, char32_t> map;
    for (const Decomposition& row : kDecompositions) {
      if (!row.composes) continue;
      map[std::uint64_t{row.first} << 32 | row.second] = row.code_point;
    }
    return map;
  }();
  const auto found = pairs.find(std::uint64_t{first} << 32 | second);
  return found == pairs.end() ? 0 : found->second;
}

// Puts each run of marks into the order of their classes.
void order_marks(std::vector<Mark>& marks) {
  const auto is_starter = [](const Mark& mark) {
    return mark.combining_class == 0;
  };
  for (auto at = marks.begin(); at != marks.end();) {
    at = std::find_if_not(at, marks.end(), is_starter);
    const auto end = std::find_if(at, marks.end(), is_starter);
    std::stable_sort(at, end, [](const Mark& left, const Mark& right) {
      return left.combining_class < right.combining_class;
    });
    at = end;
  }
}

// Joins each mark with the starter before it, unless a mark that stayed between
// them blocks it: one of the same or a higher class.
void compose_marks(std::vector<Mark>& marks) {
  std::size_t kept = 0;
  std::size_t starter = marks.size();  // none yet
  for (const Mark mark : marks) {
    if (starter < kept) {
      const bool blocked =
          kept - 1 != starter &&
          marks[kept - 1].combining_class >= mark.combining_class;
      const char32_t joined =
          blocked ? 0 : compose(marks[starter].code_point, mark.code_point);
      if (joined != 0) {
        marks[starter].code_point = joined;
        continue;
      }
    }
    if (mark.combining_class == 0) starter = kept;
    marks[kept++] = mark;
  }
  marks.resize(kept);
}

bool may_change(std::string_view utf8) {
  for (std::size_t at = 0; at < utf8.size();) {
    if (static_cast<std::uint8_t>(utf8[at]) < 0x80) {
      ++at;
      continue;
    }
    const Utf8Step step = read_utf8(utf8, at);
    if (Character(step.code_point).is(kNfcCheck)) return true;
    at += step.length;
  }
  return false;
}

}  // namespace

std::string to_nfc(std::string_view utf8) {
  if (!may_change(utf8)) return std::string(utf8);
  std::vector<Mark> marks;
  marks.reserve(utf8.size());
  for (std::size_t at = 0; at < utf8.size();) {
    const Utf8Step step = read_utf8(utf8, at);
    decompose(step.code_point, marks);
    at += step.length;
  }
  order_marks(marks);
  compose_marks(marks);
  std::string text;
  text.reserve(utf8.size());
  for (const Mark& mark : marks) append_utf8(mark.code_point, text);
  return text;
}

}  // namespace lens::text
