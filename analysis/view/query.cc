#include "analysis/view/query.h"

#include <algorithm>

#include "analysis/view/query_parser.h"

namespace lens::analysis::view {
namespace {

bool compare(double value, Comparison comparison, double number) {
  switch (comparison) {
    case Comparison::kEqual:
      return value == number;
    case Comparison::kNotEqual:
      return value != number;
    case Comparison::kLess:
      return value < number;
    case Comparison::kLessEqual:
      return value <= number;
    case Comparison::kGreater:
      return value > number;
    case Comparison::kGreaterEqual:
      return value >= number;
    case Comparison::kContains:
      break;
  }
  return false;
}

bool compare(const std::string& value, Comparison comparison,
             const std::string& text) {
  switch (comparison) {
    case Comparison::kEqual:
      return value == text;
    case Comparison::kNotEqual:
      return value != text;
    case Comparison::kContains:
      return value.find(text) != std::string::npos;
    default:
      return false;
  }
}

}  // namespace

bool Query::Node::holds(const QuerySample& sample) const {
  switch (kind) {
    case Kind::kAnd:
      return parts[0]->holds(sample) && parts[1]->holds(sample);
    case Kind::kOr:
      return parts[0]->holds(sample) || parts[1]->holds(sample);
    case Kind::kNot:
      return !parts[0]->holds(sample);
    case Kind::kCompare:
      break;
  }
  const QueryValue value = field->value(sample);
  // What is missing is neither equal nor unequal.
  if (!value) return false;
  if (const auto* words = std::get_if<std::string>(&*value))
    return compare(*words, comparison, text);
  // 0.9 means the float that the file holds for it.
  if (const auto* single = std::get_if<float>(&*value))
    return compare(static_cast<double>(*single), comparison,
                   static_cast<double>(static_cast<float>(number)));
  if (const auto* count = std::get_if<std::int64_t>(&*value))
    return compare(static_cast<double>(*count), comparison, number);
  return compare(std::get<double>(*value), comparison, number);
}

QueryField QueryField::parse(std::string_view text, int layers) {
  return QueryParser(text, layers).parse_field_alone();
}

Query Query::parse(std::string_view text, int layers) {
  return QueryParser(text, layers).parse();
}

Query::~Query() = default;
Query::Query(Query&&) noexcept = default;
Query& Query::operator=(Query&&) noexcept = default;

bool Query::matches(const QuerySample& sample) const {
  return root_->holds(sample);
}

bool Query::needs_texts() const {
  return std::any_of(
      fields_.begin(), fields_.end(),
      [](const QueryField& field) { return field.is_sample_text(); });
}

}  // namespace lens::analysis::view
