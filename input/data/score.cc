#include "input/data/score.h"

#include <unicode/locid.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "input/data/code_points.h"

namespace lens::data {
namespace {

// Python's text.strip().lower(). Lower-casing is the full Unicode mapping of no
// particular language: capital sigma depends on its neighbours and a dotted
// capital I gives two characters.
std::string stripped_lower(std::string_view text) {
  const std::u32string points = code_points(text);
  std::u32string_view inside = points;
  while (!inside.empty() && is_space(inside.front())) inside.remove_prefix(1);
  while (!inside.empty() && is_space(inside.back())) inside.remove_suffix(1);
  icu::UnicodeString lower = icu::UnicodeString::fromUTF8(to_utf8(inside));
  lower.toLower(icu::Locale::getRoot());
  std::string out;
  lower.toUTF8String(out);
  return out;
}

float contains_reference(std::string_view answer, std::string_view reference) {
  std::string said = stripped_lower(answer);
  // The answer alone loses its dots: so does the data set's own script.
  std::erase(said, '.');
  return said.find(stripped_lower(reference)) != std::string::npos ? 1.0F
                                                                   : 0.0F;
}

std::u32string without_space(std::string_view text) {
  std::u32string points = code_points(text);
  std::erase_if(points, is_space);
  return points;
}

// Levenshtein distance with one row of the table in memory.
std::size_t edit_distance(std::u32string_view a, std::u32string_view b) {
  // A common beginning and a common end cost nothing, and near hits are the
  // usual case.
  const auto first = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  a.remove_prefix(static_cast<std::size_t>(first.first - a.begin()));
  b.remove_prefix(static_cast<std::size_t>(first.second - b.begin()));
  const auto last = std::mismatch(a.rbegin(), a.rend(), b.rbegin(), b.rend());
  a.remove_suffix(static_cast<std::size_t>(last.first - a.rbegin()));
  b.remove_suffix(static_cast<std::size_t>(last.second - b.rbegin()));

  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      // row[j + 1] is still of the line above, row[j] already of this one.
      const std::size_t substitute = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substitute, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

float edit_similarity(std::string_view answer, std::string_view reference) {
  const std::u32string a = without_space(answer);
  const std::u32string b = without_space(reference);
  const std::size_t longer = std::max(a.size(), b.size());
  if (longer == 0) return 1.0F;
  return static_cast<float>(1.0 - static_cast<double>(edit_distance(a, b)) /
                                      static_cast<double>(longer));
}

}  // namespace

float score(DatasetKind kind, std::string_view answer,
            std::string_view reference) {
  return kind == DatasetKind::kMtvqa ? contains_reference(answer, reference)
                                     : edit_similarity(answer, reference);
}

}  // namespace lens::data
