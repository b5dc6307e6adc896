#include "input/data/limited_pool.h"

#include <arrow/status.h>

namespace lens::data {

arrow::Status LimitedPool::check_growth(std::int64_t bytes) const {
  // Subtracted, not added: the size comes from the file and may be any
  // number.
  if (bytes <= kMaxDecodeBytes - bytes_allocated()) {
    return arrow::Status::OK();
  }
  // No memory is lacking: such a row group is refused on every machine.
  return arrow::Status::CapacityError(
      "a row group needs more than 8 GiB: write the file with smaller row "
      "groups, or it is damaged");
}

}  // namespace lens::data
