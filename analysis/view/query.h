#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "analysis/metrics/sample_table.h"
#include "base/error.h"

namespace lens::analysis::view {

// Conditions on samples, for example
//
//   entropy@21 < 1 and language = RU and wrong
//   not (onset > 24 or answer ~ "\\frac") and score >= 0.5
//
//   expression = term { "or" term }
//   term       = factor { "and" factor }
//   factor     = "not" factor | "(" expression ")" | word | comparison
//   comparison = field operator value
//   word       = "right" | "wrong" | "failed" | "ok"
//   field      = name [ "@" layer ]     layer: a state; -1 is the last
//   operator   = "=" | "!=" | "<" | "<=" | ">" | ">=" | "~"
//   value      = number | word of letters, digits . _ - / % | "text" | 'text'
//
// "not" binds closest, then "and", then "or". Names, words and operators may be
// in capitals. Numbers compare with all operators but "~"; text with "=", "!="
// and "~" (contains), byte by byte: capitals matter. In quotes a backslash
// before a quote, a backslash, n or t has its usual meaning; any other stands
// for itself.
//
// A sample that lacks the value (a failed one its score, one without answer its
// entropy, one without any onset its onset) fulfils no comparison with it, "!="
// included.

// What cannot be understood. The first line says what and where, two more show
// the query and a caret below the place.
class QueryError : public InputError {
 public:
  QueryError(std::string_view query, std::size_t position,
             std::string_view problem, std::string_view why,
             std::string_view remedy);
};

// Text that is not in the sample table, read when a query asks for it.
struct SampleTexts {
  std::string prompt, reference, answer;
};

// Where the values of a sample come from. Not owned.
struct QuerySample {
  const metrics::SampleTable* table = nullptr;
  const metrics::SampleRow* row = nullptr;
  const SampleTexts* texts = nullptr;  // needed where Query::needs_texts()
};

// nullopt: the sample has no such value.
using QueryValue =
    std::optional<std::variant<double, float, std::int64_t, std::string>>;

// A field of the language, with its layer where it takes one.
class QueryField {
 public:
  // "entropy@21", "score". `layers` states, to count from the end. Throws
  // QueryError.
  static QueryField parse(std::string_view text, int layers);

  const std::string& name() const { return name_; }  // with its layer
  bool is_text() const;
  bool is_sample_text() const;  // of SampleTexts
  QueryValue value(const QuerySample& sample) const;

  bool operator==(const QueryField& other) const {
    return name_ == other.name_;
  }

 private:
  friend class QueryParser;
  QueryField() = default;

  std::string name_;
  int field_ = 0;   // place in the table of fields
  int layer_ = -1;  // 0..N where the field takes one
};

class Query {
 public:
  // `layers`: number of states of the file. Throws QueryError.
  static Query parse(std::string_view text, int layers);
  ~Query();
  Query(Query&&) noexcept;
  Query& operator=(Query&&) noexcept;

  bool matches(const QuerySample& sample) const;

  // Those that the query names, in its order, each once. The words stand for
  // "verdict" and "status".
  const std::vector<QueryField>& fields() const { return fields_; }
  bool needs_texts() const;

 private:
  friend class QueryParser;
  struct Node;
  Query() = default;

  std::unique_ptr<Node> root_;
  std::vector<QueryField> fields_;
};

// "entropy@L, kl@L, ...": for messages and help.
std::string query_field_names();

}  // namespace lens::analysis::view
