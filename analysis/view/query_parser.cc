#include "analysis/view/query_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "analysis/view/terminal_text.h"

namespace lens::analysis::view {
namespace {

// Deeper ones would only exhaust the stack.
constexpr int kMostDepth = 200;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = lower(c);
  return result;
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool is_name_character(char c) {
  return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') ||
         c == '_';
}

// Letters of other scripts, too: all bytes beyond ASCII.
bool is_value_character(char c) {
  return is_name_character(c) || static_cast<unsigned char>(c) >= 0x80 ||
         std::string_view(".-/%+").find(c) != std::string_view::npos;
}

struct ComparisonName {
  std::string_view text;
  Comparison comparison;
};

// Longer ones first.
constexpr ComparisonName kComparisons[] = {
    {"!=", Comparison::kNotEqual},     {"<=", Comparison::kLessEqual},
    {">=", Comparison::kGreaterEqual}, {"==", Comparison::kEqual},
    {"=", Comparison::kEqual},         {"<", Comparison::kLess},
    {">", Comparison::kGreater},       {"~", Comparison::kContains}};

std::string with_caret(std::string_view query, std::size_t position) {
  const std::string before = one_line_text(query.substr(0, position));
  return "\n  " + before + one_line_text(query.substr(position)) + "\n  " +
         std::string(static_cast<std::size_t>(display_width(before)), ' ') +
         "^";
}

}  // namespace

QueryError::QueryError(std::string_view query, std::size_t position,
                       std::string_view problem, std::string_view why,
                       std::string_view remedy)
    : InputError(InputError(problem, why, remedy).what() +
                 with_caret(query, position)) {}

void QueryParser::fail(std::size_t position, std::string_view problem,
                       std::string_view why, std::string_view remedy) const {
  throw QueryError(query_, position, problem, why, remedy);
}

void QueryParser::skip_blanks() {
  while (at_ < query_.size() && is_blank(query_[at_])) ++at_;
}

bool QueryParser::take(char c) {
  skip_blanks();
  if (at_ >= query_.size() || query_[at_] != c) return false;
  ++at_;
  return true;
}

std::string_view QueryParser::peek_word() {
  skip_blanks();
  std::size_t end = at_;
  while (end < query_.size() && is_name_character(query_[end])) ++end;
  return query_.substr(at_, end - at_);
}

bool QueryParser::take_word(std::string_view word) {
  if (lower(peek_word()) != word) return false;
  at_ += word.size();
  return true;
}

void QueryParser::note(const QueryField& field) {
  if (std::find(fields_.begin(), fields_.end(), field) == fields_.end())
    fields_.push_back(field);
}

Query QueryParser::parse() {
  Query query;
  query.root_ = expression();
  skip_blanks();
  if (at_ < query_.size())
    fail(at_, "cannot understand the query", "more follows where it could end",
         "join conditions by and, or");
  query.fields_ = std::move(fields_);
  return query;
}

QueryField QueryParser::parse_field_alone() {
  QueryField parsed = field();
  skip_blanks();
  if (at_ < query_.size())
    fail(at_, "cannot understand the field", "more follows after it",
         "give one field");
  return parsed;
}

QueryParser::NodePointer QueryParser::join(Query::Node::Kind kind,
                                           NodePointer left,
                                           NodePointer right) {
  auto node = std::make_unique<Query::Node>();
  node->kind = kind;
  node->parts.push_back(std::move(left));
  if (right) node->parts.push_back(std::move(right));
  return node;
}

QueryParser::NodePointer QueryParser::expression() {
  NodePointer left = term();
  while (take_word("or"))
    left = join(Query::Node::Kind::kOr, std::move(left), term());
  return left;
}

QueryParser::NodePointer QueryParser::term() {
  NodePointer left = factor();
  while (take_word("and"))
    left = join(Query::Node::Kind::kAnd, std::move(left), factor());
  return left;
}

QueryParser::NodePointer QueryParser::factor() {
  skip_blanks();
  const std::size_t begin = at_;
  if (++depth_ > kMostDepth)
    fail(at_, "cannot understand the query", "it is nested too deep",
         "make it simpler");
  NodePointer node;
  if (take_word("not")) {
    node = join(Query::Node::Kind::kNot, factor(), nullptr);
  } else if (take('(')) {
    node = expression();
    if (!take(')'))
      fail(begin, "cannot understand the query",
           "this parenthesis is not closed", "add )");
  } else if (NodePointer word = word_condition(peek_word())) {
    node = std::move(word);
  } else {
    node = comparison();
  }
  --depth_;
  return node;
}

QueryParser::NodePointer QueryParser::word_condition(std::string_view word) {
  const std::string name = lower(word);
  const bool of_verdict = name == "right" || name == "wrong";
  if (!of_verdict && name != "ok" && name != "failed") return nullptr;
  at_ += word.size();
  auto node = std::make_unique<Query::Node>();
  node->field = QueryParser(of_verdict ? "verdict" : "status", layers_).field();
  node->text = name;
  note(*node->field);
  return node;
}

QueryParser::NodePointer QueryParser::comparison() {
  auto node = std::make_unique<Query::Node>();
  node->field = field();
  note(*node->field);
  node->comparison = comparison_operator(*node->field);
  value(*node);
  return node;
}

QueryField QueryParser::field() {
  const std::string_view word = peek_word();
  const std::size_t begin = at_;
  const std::string name = lower(word);
  const auto kind = find_query_field(name);
  if (word.empty())
    fail(begin, "cannot understand the query",
         begin < query_.size() ? "a condition is expected here"
                               : "it ends where a condition is expected",
         "write for example entropy@-1 < 1, or wrong");
  if (!kind)
    fail(
        begin, "cannot understand the query",
        "there is no field " + std::string(word),
        "fields: " + query_field_names() + "; words: right, wrong, ok, failed");
  at_ += word.size();
  QueryField parsed;
  parsed.field_ = kind->field;
  parsed.name_ = name;
  const bool has_layer = at_ < query_.size() && query_[at_] == '@';
  if (has_layer && !kind->by_layer)
    fail(at_, "cannot understand the query", name + " has no layers",
         "write " + name + " alone");
  if (!has_layer && kind->by_layer)
    fail(at_, "cannot understand the query", name + " needs a layer",
         fmt::format("write {}@0 to {}@{}, or {}@-1 for the last", name, name,
                     layers_ - 1, name));
  if (has_layer) {
    parsed.layer_ = layer(name);
    parsed.name_ = fmt::format("{}@{}", name, parsed.layer_);
  }
  return parsed;
}

int QueryParser::layer(const std::string& name) {
  const std::size_t begin = ++at_;  // behind "@"
  int number = 0;
  const auto [end, error] = std::from_chars(
      query_.data() + begin, query_.data() + query_.size(), number);
  const int layer = number < 0 ? number + layers_ : number;
  if (error != std::errc() || layer < 0 || layer >= layers_)
    fail(begin, "cannot understand the query",
         fmt::format("{} has the layers 0 to {}", name, layers_ - 1),
         "give one of these, or -1 for the last");
  at_ = static_cast<std::size_t>(end - query_.data());
  return layer;
}

Comparison QueryParser::comparison_operator(const QueryField& field) {
  skip_blanks();
  const std::size_t begin = at_;
  for (const auto& [text, comparison] : kComparisons) {
    if (!query_.substr(at_).starts_with(text)) continue;
    const bool of_text = comparison == Comparison::kContains;
    const bool of_both =
        comparison == Comparison::kEqual || comparison == Comparison::kNotEqual;
    if (!of_both && of_text != field.is_text())
      fail(begin, "cannot understand the query",
           fmt::format("{} is {}", field.name(),
                       field.is_text() ? "text" : "a number"),
           field.is_text() ? "compare it by =, != or ~ (contains)"
                           : "compare it by =, !=, <, <=, > or >=");
    at_ += text.size();
    return comparison;
  }
  fail(begin, "cannot understand the query",
       "a comparison is expected after " + field.name(),
       field.is_text() ? "write =, != or ~ (contains)"
                       : "write =, !=, <, <=, > or >=");
}

void QueryParser::value(Query::Node& node) {
  skip_blanks();
  if (!node.field->is_text()) {
    node.number = number();
    return;
  }
  if (at_ < query_.size() && (query_[at_] == '"' || query_[at_] == '\'')) {
    node.text = quoted();
    return;
  }
  const std::size_t begin = at_;
  while (at_ < query_.size() && is_value_character(query_[at_])) ++at_;
  if (at_ == begin)
    fail(begin, "cannot understand the query", "text is expected here",
         "write a word, or text in quotes");
  node.text = query_.substr(begin, at_ - begin);
}

double QueryParser::number() {
  const std::size_t begin = at_;
  std::size_t digits = at_;
  // from_chars knows no plus.
  if (digits < query_.size() && query_[digits] == '+') ++digits;
  double number = 0;
  const auto [end, error] = std::from_chars(
      query_.data() + digits, query_.data() + query_.size(), number);
  at_ = static_cast<std::size_t>(end - query_.data());
  const bool goes_on = at_ < query_.size() && is_value_character(query_[at_]);
  if (error != std::errc() || !std::isfinite(number) || goes_on)
    fail(begin, "cannot understand the query", "a number is expected here",
         "write for example 0.5, -2 or 1e-3");
  return number;
}

std::string QueryParser::quoted() {
  const std::size_t begin = at_;
  const char quote = query_[at_++];
  std::string text;
  while (at_ < query_.size() && query_[at_] != quote) {
    char c = query_[at_++];
    if (c == '\\' && at_ < query_.size()) {
      constexpr std::string_view kEscaped = "\"'\\nt", kMeant = "\"'\\\n\t";
      const std::size_t found = kEscaped.find(query_[at_]);
      if (found != std::string_view::npos) {
        c = kMeant[found];
        ++at_;
      }
    }
    text += c;
  }
  if (at_ == query_.size())
    fail(begin, "cannot understand the query", "this text has no end",
         std::string("close it by ") + quote);
  ++at_;
  return text;
}

}  // namespace lens::analysis::view
