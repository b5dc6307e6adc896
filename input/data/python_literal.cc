#include "input/data/python_literal.h"

#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "input/data/code_points.h"

namespace lens::data {
namespace {

// Deeper nesting than any value of the column needs; bounds our own recursion.
constexpr int kMaxDepth = 32;

bool is_digit(char32_t point) { return point >= U'0' && point <= U'9'; }

int hex_value(char32_t point) {
  if (is_digit(point)) return static_cast<int>(point - U'0');
  if (point >= U'a' && point <= U'f')
    return static_cast<int>(point - U'a') + 10;
  if (point >= U'A' && point <= U'F')
    return static_cast<int>(point - U'A') + 10;
  return -1;
}

// Recursive descent over the code points of one literal.
class Parser {
 public:
  explicit Parser(std::string_view literal) : source_(code_points(literal)) {}

  std::vector<Row::Question> pairs() {
    std::vector<Row::Question> questions;
    expect(U'[', "a list '['");
    while (!take(U']')) {
      questions.push_back(pair());
      // A comma before the bracket is allowed, as in Python.
      if (!take(U',') && peek() != U']') fail("',' or ']'");
    }
    skip_space();
    if (at_ != source_.size()) fail("the end of the text");
    return questions;
  }

 private:
  [[noreturn]] void fail(const std::string& expected) const {
    const std::string found =
        at_ < source_.size()
            ? "'" + one_line(to_utf8(source_.substr(at_, 1))) + "'"
            : "the end";
    throw InputError("not a list of Python dicts",
                     "character " + std::to_string(at_) + ": expected " +
                         expected + ", found " + found);
  }

  // 0 at the end: the text itself is known to hold no NUL.
  char32_t current() const {
    return at_ < source_.size() ? source_[at_] : U'\0';
  }

  void skip_space() {
    while (current() == U' ' || current() == U'\t' || current() == U'\n' ||
           current() == U'\r' || current() == U'\f') {
      ++at_;
    }
  }

  char32_t peek() {
    skip_space();
    return current();
  }

  bool take(char32_t wanted) {
    if (peek() != wanted) return false;
    ++at_;
    return true;
  }

  void expect(char32_t wanted, const char* name) {
    if (!take(wanted)) fail(name);
  }

  Row::Question pair() {
    std::optional<std::string> question;
    std::optional<std::string> answer;
    const std::size_t start = at_;
    expect(U'{', "a dict '{'");
    while (!take(U'}')) {
      const std::string key = string();
      expect(U':', "':'");
      if (key == "question") {
        // Of a key that stands twice the last one counts, as in a Python dict.
        question = text();
      } else if (key == "answer") {
        answer = text();
      } else {
        skip_value(0);
      }
      if (!take(U',') && peek() != U'}') fail("',' or '}'");
    }
    if (!question || !answer) {
      // So that the message points at the dict, not behind it.
      at_ = start;
      skip_space();
      fail("a dict with 'question' and 'answer'");
    }
    return {std::move(*question), {std::move(*answer)}};
  }

  // What a question or an answer may be: a string, None, or a plain number.
  std::string text() {
    if (keyword(U"None")) return "";
    if (std::optional<std::string> digits = number()) return *digits;
    return string();
  }

  void skip_value(int depth) {
    if (depth > kMaxDepth) fail("at most 32 levels of brackets");
    if (take(U'[')) {
      skip_items(U']', depth);
    } else if (take(U'(')) {
      skip_items(U')', depth);
    } else if (take(U'{')) {
      while (!take(U'}')) {
        string();
        expect(U':', "':'");
        skip_value(depth + 1);
        if (!take(U',') && peek() != U'}') fail("',' or '}'");
      }
    } else if (!keyword(U"None") && !keyword(U"True") && !keyword(U"False") &&
               !number()) {
      string();
    }
  }

  void skip_items(char32_t close, int depth) {
    while (!take(close)) {
      skip_value(depth + 1);
      if (!take(U',') && peek() != close) fail("',' or a closing bracket");
    }
  }

  bool keyword(std::u32string_view word) {
    skip_space();
    if (source_.compare(at_, word.size(), word) != 0) return false;
    at_ += word.size();
    return true;
  }

  // A number whose text is also what Python's str() makes of it: repr() writes
  // no other integers, and no other fractions of up to 15 digits.
  std::optional<std::string> number() {
    if (peek() != U'-' && !is_digit(current())) return std::nullopt;
    const std::size_t start = at_;
    if (current() == U'-') ++at_;
    const std::size_t whole = at_;
    while (is_digit(current())) ++at_;
    const std::size_t whole_digits = at_ - whole;
    std::size_t fraction_digits = 0;
    if (current() == U'.') {
      ++at_;
      while (is_digit(current())) ++at_, ++fraction_digits;
      if (fraction_digits == 0) fail("a digit");
      // repr() ends a fraction with a 0 only where that is all of it.
      if (source_[at_ - 1] == U'0' && fraction_digits > 1) fail("a number");
    }
    const bool zero = source_[whole] == U'0';
    const std::size_t digits = whole_digits + fraction_digits;
    const bool plain =
        whole_digits > 0 && !(zero && whole_digits > 1) &&
        // -0 is 0 to Python. It refuses to write integers of over 4,300 digits.
        (fraction_digits == 0 ? !(zero && start != whole) && digits <= 4000
                              : digits <= 15) &&
        // Python turns to exponents below 0.0001.
        !(zero && source_.compare(whole, 6, U"0.0000") == 0);
    if (!plain) {
      at_ = start;
      fail("a plain number, a string or None");
    }
    return to_utf8(std::u32string_view(source_).substr(start, at_ - start));
  }

  // One or more string literals side by side.
  std::string string() {
    std::u32string value;
    if (!starts_string()) fail("a string");
    // Python joins literals that stand side by side.
    do {
      append_string(value);
    } while (starts_string());
    return to_utf8(value);
  }

  bool starts_string() {
    peek();
    const bool prefixed = current() == U'u' || current() == U'U';
    const std::size_t quote = at_ + (prefixed ? 1 : 0);
    return quote < source_.size() &&
           (source_[quote] == U'\'' || source_[quote] == U'"');
  }

  void append_string(std::u32string& value) {
    if (current() == U'u' || current() == U'U') ++at_;
    const char32_t quote = current();
    const std::u32string triple(3, quote);
    // Two quotes alone are an empty string, and are taken by the loop.
    const bool is_triple = source_.compare(at_, 3, triple) == 0;
    at_ += is_triple ? 3 : 1;
    for (;;) {
      if (at_ >= source_.size()) fail("a closing quote");
      if (is_triple ? source_.compare(at_, 3, triple) == 0
                    : current() == quote) {
        at_ += is_triple ? 3 : 1;
        return;
      }
      if (current() == U'\\') {
        ++at_;
        append_escape(value);
      } else if (current() == U'\n' || current() == U'\r') {
        if (!is_triple) fail("a closing quote on this line");
        skip_line_end();
        value.push_back(U'\n');
      } else {
        value.push_back(source_[at_++]);
      }
    }
  }

  void skip_line_end() {
    if (current() == U'\r') {
      ++at_;
      if (current() == U'\n') ++at_;
    } else {
      ++at_;
    }
  }

  // After the backslash.
  void append_escape(std::u32string& value) {
    if (at_ >= source_.size()) fail("a character after '\\'");
    const char32_t letter = current();
    if (letter == U'\n' || letter == U'\r') return skip_line_end();
    if (letter >= U'0' && letter <= U'7') {
      return value.push_back(octal());
    }
    ++at_;
    switch (letter) {
      case U'\\':
      case U'\'':
      case U'"':
        return value.push_back(letter);
      case U'a':
        return value.push_back(U'\a');
      case U'b':
        return value.push_back(U'\b');
      case U'f':
        return value.push_back(U'\f');
      case U'n':
        return value.push_back(U'\n');
      case U'r':
        return value.push_back(U'\r');
      case U't':
        return value.push_back(U'\t');
      case U'v':
        return value.push_back(U'\v');
      case U'x':
        return value.push_back(hex(2));
      case U'u':
        return value.push_back(hex(4));
      case U'U':
        return value.push_back(hex(8));
      case U'N':
        fail("a character (names of characters are not read)");
      default:
        // As in Python, an unknown escape stands for itself.
        value.push_back(U'\\');
        value.push_back(letter);
    }
  }

  char32_t octal() {
    char32_t point = 0;
    for (int i = 0; i < 3 && current() >= U'0' && current() <= U'7'; ++i) {
      point = point * 8 + (source_[at_++] - U'0');
    }
    return point;
  }

  char32_t hex(int digits) {
    char32_t point = 0;
    for (int i = 0; i < digits; ++i, ++at_) {
      const int digit = hex_value(current());
      if (digit < 0) fail(std::to_string(digits) + " hexadecimal digits");
      point = point * 16 + static_cast<char32_t>(digit);
    }
    if (point > 0x10FFFF) fail("a code point up to 10ffff before this");
    return point;
  }

  std::u32string source_;
  std::size_t at_ = 0;  // code point
};

}  // namespace

std::vector<Row::Question> parse_qa_pairs(std::string_view literal) {
  if (!is_utf8(literal)) {
    throw InputError("not a list of Python dicts", "not UTF-8");
  }
  if (literal.find('\0') != std::string_view::npos) {
    throw InputError("not a list of Python dicts", "holds a NUL character");
  }
  return Parser(literal).pairs();
}

}  // namespace lens::data
