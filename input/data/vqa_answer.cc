#include "input/data/vqa_answer.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "input/data/code_points.h"
#include "input/data/lower_case.h"

namespace lens::data {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

constexpr Pair kContractions[] = {
    {"aint", "ain't"},
    {"arent", "aren't"},
    {"cant", "can't"},
    {"couldve", "could've"},
    {"couldnt", "couldn't"},
    {"couldn'tve", "couldn't've"},
    {"couldnt've", "couldn't've"},
    {"didnt", "didn't"},
    {"doesnt", "doesn't"},
    {"dont", "don't"},
    {"hadnt", "hadn't"},
    {"hadnt've", "hadn't've"},
    {"hadn'tve", "hadn't've"},
    {"hasnt", "hasn't"},
    {"havent", "haven't"},
    {"hed", "he'd"},
    {"hed've", "he'd've"},
    {"he'dve", "he'd've"},
    {"hes", "he's"},
    {"howd", "how'd"},
    {"howll", "how'll"},
    {"hows", "how's"},
    {"Id've", "I'd've"},
    {"I'dve", "I'd've"},
    {"Im", "I'm"},
    {"Ive", "I've"},
    {"isnt", "isn't"},
    {"itd", "it'd"},
    {"itd've", "it'd've"},
    {"it'dve", "it'd've"},
    {"itll", "it'll"},
    {"maam", "ma'am"},
    {"mightnt", "mightn't"},
    {"mightnt've", "mightn't've"},
    {"mightn'tve", "mightn't've"},
    {"mightve", "might've"},
    {"mustnt", "mustn't"},
    {"mustve", "must've"},
    {"neednt", "needn't"},
    {"notve", "not've"},
    {"oclock", "o'clock"},
    {"oughtnt", "oughtn't"},
    {"ow's'at", "'ow's'at"},
    {"'ows'at", "'ow's'at"},
    {"'ow'sat", "'ow's'at"},
    {"shant", "shan't"},
    {"shed've", "she'd've"},
    {"she'dve", "she'd've"},
    {"shouldve", "should've"},
    {"shouldnt", "shouldn't"},
    {"shouldnt've", "shouldn't've"},
    {"shouldn'tve", "shouldn't've"},
    {"somebody'd", "somebodyd"},
    {"somebodyd've", "somebody'd've"},
    {"somebody'dve", "somebody'd've"},
    {"somebodyll", "somebody'll"},
    {"somebodys", "somebody's"},
    {"someoned", "someone'd"},
    {"someoned've", "someone'd've"},
    {"someone'dve", "someone'd've"},
    {"someonell", "someone'll"},
    {"someones", "someone's"},
    {"somethingd", "something'd"},
    {"somethingd've", "something'd've"},
    {"something'dve", "something'd've"},
    {"somethingll", "something'll"},
    {"thats", "that's"},
    {"thered", "there'd"},
    {"thered've", "there'd've"},
    {"there'dve", "there'd've"},
    {"therere", "there're"},
    {"theres", "there's"},
    {"theyd", "they'd"},
    {"theyd've", "they'd've"},
    {"they'dve", "they'd've"},
    {"theyll", "they'll"},
    {"theyre", "they're"},
    {"theyve", "they've"},
    {"twas", "'twas"},
    {"wasnt", "wasn't"},
    {"wed've", "we'd've"},
    {"we'dve", "we'd've"},
    {"weve", "we've"},
    {"werent", "weren't"},
    {"whatll", "what'll"},
    {"whatre", "what're"},
    {"whats", "what's"},
    {"whatve", "what've"},
    {"whens", "when's"},
    {"whered", "where'd"},
    {"wheres", "where's"},
    {"whereve", "where've"},
    {"whod", "who'd"},
    {"whod've", "who'd've"},
    {"who'dve", "who'd've"},
    {"wholl", "who'll"},
    {"whos", "who's"},
    {"whove", "who've"},
    {"whyll", "why'll"},
    {"whyre", "why're"},
    {"whys", "why's"},
    {"wont", "won't"},
    {"wouldve", "would've"},
    {"wouldnt", "wouldn't"},
    {"wouldnt've", "wouldn't've"},
    {"wouldn'tve", "wouldn't've"},
    {"yall", "y'all"},
    {"yall'll", "y'all'll"},
    {"y'allll", "y'all'll"},
    {"yall'd've", "y'all'd've"},
    {"y'alld've", "y'all'd've"},
    {"y'all'dve", "y'all'd've"},
    {"youd", "you'd"},
    {"youd've", "you'd've"},
    {"you'dve", "you'd've"},
    {"youll", "you'll"},
    {"youre", "you're"},
    {"youve", "you've"},
};

constexpr Pair kNumbers[] = {
    {"none", "0"},  {"zero", "0"},  {"one", "1"},  {"two", "2"},
    {"three", "3"}, {"four", "4"},  {"five", "5"}, {"six", "6"},
    {"seven", "7"}, {"eight", "8"}, {"nine", "9"}, {"ten", "10"},
};

// In the order in which they are taken out: some leave a space behind.
constexpr std::u32string_view kPunctuation = U";/[]\"{}()=+\\_-><@`,?!";

// The most full stops that are taken out. The definition hands a flag to
// Python's re.sub() where a count is expected.
constexpr int kMostStops = 32;

bool is_digit(char32_t point) {
  return u_charType(static_cast<UChar32>(point)) == U_DECIMAL_DIGIT_NUMBER;
}

std::u32string replaced(std::u32string_view text, std::u32string_view from,
                        std::u32string_view to) {
  std::u32string out;
  for (;;) {
    const std::size_t at = text.find(from);
    out.append(text.substr(0, at));
    if (at == std::u32string_view::npos) return out;
    out.append(to);
    text.remove_prefix(at + from.size());
  }
}

std::u32string_view stripped(std::u32string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// Whether commas stand between two digits, as in 1,000.
bool has_thousands(std::u32string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] != U',' || !is_digit(text[i - 1])) continue;
    const std::size_t next = text.find_first_not_of(U',', i);
    if (next != std::u32string_view::npos && is_digit(text[next])) return true;
  }
  return false;
}

std::u32string without_punctuation(const std::u32string& text) {
  const bool thousands = has_thousands(text);
  std::u32string out = text;
  for (const char32_t mark : kPunctuation) {
    const bool at_a_gap =
        text.find(std::u32string{mark, U' '}) != std::u32string::npos ||
        text.find(std::u32string{U' ', mark}) != std::u32string::npos;
    out =
        replaced(out, std::u32string{mark}, at_a_gap || thousands ? U"" : U" ");
  }
  std::u32string kept;
  int stops = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const bool before_digit = i + 1 < out.size() && is_digit(out[i + 1]);
    if (out[i] == U'.' && !before_digit && stops < kMostStops) {
      ++stops;
    } else {
      kept.push_back(out[i]);
    }
  }
  return kept;
}

std::string_view looked_up(std::span<const Pair> table, std::string_view word) {
  const auto found = std::ranges::find(table, word, &Pair::first);
  return found == table.end() ? word : found->second;
}

std::string without_articles(const std::u32string& text) {
  std::string out;
  std::u32string_view rest = text;
  const auto take = [&](std::u32string_view points) {
    const std::string word(to_utf8(points));
    const std::string_view number = looked_up(kNumbers, word);
    if (number == "a" || number == "an" || number == "the") return;
    if (!out.empty()) out.push_back(' ');
    out.append(looked_up(kContractions, number));
  };
  while (!(rest = stripped(rest)).empty()) {
    const auto end = std::ranges::find_if(rest, is_space);
    const auto length = static_cast<std::size_t>(end - rest.begin());
    take(rest.substr(0, length));
    rest.remove_prefix(length);
  }
  return out;
}

}  // namespace

std::string vqa_answer(std::string_view answer, VqaStyle style) {
  std::u32string text = code_points(answer);
  if (style == VqaStyle::kTextVqa) {
    text = code_points(lower_case(answer));
    text = replaced(text, U",", U"");
    text = replaced(text, U"?", U"");
    text = replaced(text, U"'s", U" 's");
    text = stripped(text);
  }
  text = replaced(text, U"\n", U" ");
  text = replaced(text, U"\t", U" ");
  text = stripped(text);
  // By lower case last: the marks that leave a space do not depend on it.
  return without_articles(
      code_points(lower_case(to_utf8(without_punctuation(text)))));
}

}  // namespace lens::data
