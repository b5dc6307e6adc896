#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <ostream>
#include <string>

#include "cli/command.h"

namespace lens::cli {

struct QueryOptions {
  std::filesystem::path source = {};  // run directory or results file
  std::string query = {};             // the language of analysis/view/query.h
  std::string sort = {};              // a field; "": the order of the file
  bool descending = false;
  std::int64_t limit = 0;  // samples printed; 0: all
  bool json = false;       // one object a line
  bool csv = false;
};

// `lens query`. Returns the exit code, 0 also where nothing is found. Throws
// UsageError: a query that cannot be understood; else as
// analysis::open_source() and find_samples().
int query_command(const QueryOptions& options, std::ostream& out);

std::unique_ptr<Command> make_query_command();

}  // namespace lens::cli
