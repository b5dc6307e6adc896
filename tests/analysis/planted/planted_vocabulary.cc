#include "planted_vocabulary.h"

#include <algorithm>
#include <cstdint>

#include "planted_results.h"

namespace lens::analysis::planted {
namespace {

std::string utf8(std::uint32_t point) {
  const auto byte = [](std::uint32_t value) {
    return static_cast<char>(static_cast<unsigned char>(value));
  };
  if (point < 0x80) return {byte(point)};
  if (point < 0x800) {
    return {byte(0xC0 | (point >> 6)), byte(0x80 | (point & 0x3F))};
  }
  return {byte(0xE0 | (point >> 12)), byte(0x80 | ((point >> 6) & 0x3F)),
          byte(0x80 | (point & 0x3F))};
}

// `index` as a word over an alphabet of consecutive code points.
std::string word(int index, std::uint32_t first, int letters) {
  std::string text;
  do {
    text += utf8(first + static_cast<std::uint32_t>(index % letters));
    index = index / letters - 1;
  } while (index >= 0);
  return text;
}

std::string latex_command(int index) {
  static const char* const kCommands[] = {
      "\\frac", "\\sqrt", "\\alpha", "\\sum", "\\int", "\\left(", "\\right)"};
  if (index < 7) return kCommands[index];
  return "\\" + word(index, 'a', 26);
}

std::string punctuation(int index) {
  static const char* const kMarks[] = {"\"", ",", "$", "\n", "{", "}",
                                       "^",  "_", "=", "+",  "-", " "};
  if (index < 12) return kMarks[index];
  return std::string(static_cast<std::size_t>(index / 12 + 1), '.') +
         kMarks[index % 12];
}

std::string partial(int index) {
  static const char kHex[] = "0123456789abcdef";
  return std::string("\\xe4\\x") + kHex[8 + index / 16 % 4] + kHex[index % 16] +
         (index < 64 ? "" : std::to_string(index));
}

}  // namespace

const std::vector<std::string>& script_names() {
  static const std::vector<std::string> kNames = {
      "Latin",         "Han",           "Kana",    "Hangul", "Cyrillic",
      "Arabic",        "Thai",          "Greek",   "digit",  "punctuation",
      "LaTeX command", "partial UTF-8", "special", "other"};
  return kNames;
}

int script_index(const std::string& name) {
  const auto& names = script_names();
  return static_cast<int>(std::find(names.begin(), names.end(), name) -
                          names.begin());
}

int script_size(int script, int vocabulary) {
  return (vocabulary - script + kScriptCount - 1) / kScriptCount;
}

std::string token_text(int id) {
  const int index = id / kScriptCount;
  switch (id % kScriptCount) {
    case 0: {
      // Half of them begin with a space.
      const std::string text = word(index / 2, 'a', 26);
      return index % 2 ? " " + text : text;
    }
    case 1:
      return word(index, 0x4E00, 5000);
    case 2:
      return word(index, 0x30A2, 80);
    case 3:
      return word(index, 0xAC00, 5000);
    case 4:
      return word(index, 0x0430, 32);
    case 5:
      return word(index, 0x0628, 18);
    case 6:
      return word(index, 0x0E01, 44);
    case 7:
      return word(index, 0x03B1, 24);
    case 8:
      return std::to_string(index);
    case 9:
      return punctuation(index);
    case 10:
      return latex_command(index);
    case 11:
      return partial(index);
    case 12:
      return id == kEndToken ? "<|im_end|>"
                             : "<|special_" + std::to_string(index) + "|>";
    default:
      return word(index, 0x0905, 40);  // Devanagari
  }
}

const std::vector<std::string>& all_languages() {
  static const std::vector<std::string> kAll = {"AR", "DE", "FR", "IT", "JA",
                                                "KR", "RU", "TH", "VI"};
  return kAll;
}

std::string script_of_language(const std::string& language) {
  static const std::map<std::string, std::string> kScripts = {
      {"AR", "Arabic"},
      {"JA", "Kana"},
      {"KR", "Hangul"},
      {"RU", "Cyrillic"},
      {"TH", "Thai"}};
  const auto found = kScripts.find(language);
  return found == kScripts.end() ? "Latin" : found->second;
}

storage::Vocabulary make_vocabulary(int size) {
  storage::Vocabulary vocabulary;
  vocabulary.script_names = script_names();
  for (int id = 0; id < size; ++id) {
    vocabulary.token_text.push_back(token_text(id));
    vocabulary.token_script.push_back(
        static_cast<std::uint8_t>(id % kScriptCount));
  }
  return vocabulary;
}

}  // namespace lens::analysis::planted
