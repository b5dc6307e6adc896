#pragma once

#include <string>
#include <vector>

#include "analysis/source.h"
#include "analysis/view/query.h"

namespace lens::analysis::view {

struct FindOptions {
  std::string sort = {};  // a field; "": the order of the file
  bool descending = false;
};

// A sample that a query found, with the values of the fields that it names.
struct FoundSample {
  std::string dataset;
  std::string sample_id;
  std::vector<QueryValue> values;  // [field]
};

struct FoundSamples {
  std::vector<std::string> fields;  // of the query, then the one sorted by
  std::vector<FoundSample> samples;
  std::int64_t searched = 0;
};

// Reads the sample table of each data set, one after another, and of text
// columns some thousand rows at a time. Samples without the value that is
// sorted by come last. Throws QueryError, StorageError.
FoundSamples find_samples(const Source& source, std::string_view query,
                          const FindOptions& options = {});

// A value as text: shortest digits that read back the same; "" for none.
std::string query_value_text(const QueryValue& value);

}  // namespace lens::analysis::view
