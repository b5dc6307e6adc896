#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/view/query.h"

namespace lens::analysis::view {

// A field by its name: its place in the table, and whether it takes a layer.
struct FieldKind {
  int field = 0;
  bool by_layer = false;
};
std::optional<FieldKind> find_query_field(std::string_view name);

enum class Comparison {
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kContains,
};

// One node of the expression.
struct Query::Node {
  enum class Kind { kAnd, kOr, kNot, kCompare } kind = Kind::kCompare;
  std::vector<std::unique_ptr<Node>> parts;  // two, or one of kNot

  // Of kCompare.
  std::optional<QueryField> field;
  Comparison comparison = Comparison::kEqual;
  double number = 0;
  std::string text;

  bool holds(const QuerySample& sample) const;
};

// Recursive descent over the grammar of query.h, straight from the characters.
class QueryParser {
 public:
  QueryParser(std::string_view query, int layers)
      : query_(query), layers_(layers) {}

  Query parse();
  QueryField parse_field_alone();

 private:
  using NodePointer = std::unique_ptr<Query::Node>;

  NodePointer expression();
  NodePointer term();
  NodePointer factor();
  NodePointer comparison();
  NodePointer word_condition(std::string_view word);
  NodePointer join(Query::Node::Kind kind, NodePointer left, NodePointer right);

  QueryField field();
  int layer(const std::string& name);
  Comparison comparison_operator(const QueryField& field);
  void value(Query::Node& node);
  double number();
  std::string quoted();

  void skip_blanks();
  bool take(char c);
  bool take_word(std::string_view word);
  std::string_view peek_word();
  void note(const QueryField& field);
  [[noreturn]] void fail(std::size_t position, std::string_view problem,
                         std::string_view why, std::string_view remedy) const;

  std::string_view query_;
  int layers_;
  std::size_t at_ = 0;
  int depth_ = 0;  // of parentheses and "not"
  std::vector<QueryField> fields_;
};

}  // namespace lens::analysis::view
