#include "model/batch.h"

#include <cstddef>

namespace lens::model {

std::vector<Row> list_rows(const Rows& rows) {
  std::vector<Row> list;
  list.reserve(rows.ids.size());
  for (const Segment& segment : rows.segments) {
    for (std::int64_t i = 0; i < segment.length; ++i) {
      list.push_back({.owners = segment.owners,
                      .position = segment.past + i,
                      .id = rows.ids[list.size()]});
    }
  }
  return list;
}

}  // namespace lens::model
