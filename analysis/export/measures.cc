#include "analysis/export/measures.h"

#include <algorithm>

namespace lens::analysis::tables {

MeasureColumns measures_of(const storage::ResultsReader& results,
                           std::string_view dataset) {
  MeasureColumns measures;
  for (const std::string_view name :
       {"entropy", "kl_final", "target_rank", "target_logprob"}) {
    measures.first.push_back(table::find_column(name));
  }
  for (const table::Column& column : table::kColumns) {
    const bool written = std::find(measures.first.begin(), measures.first.end(),
                                   &column) != measures.first.end();
    const bool number = column.type == table::ColumnType::kFloat ||
                        column.type == table::ColumnType::kInt32;
    if (!written && number && column.of_states() && column.axes.size() == 2 &&
        results.has(dataset, column.name)) {
      measures.later.push_back(&column);
    }
  }
  return measures;
}

}  // namespace lens::analysis::tables
