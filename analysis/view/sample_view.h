#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "analysis/export/sample_block.h"
#include "analysis/source.h"

namespace lens::analysis::view {

// One sample of a run, found by name. Only its own rows are read, and the ids
// of the data sets.
struct SampleView {
  std::string dataset;
  std::string run_id;
  tables::SampleBlock block;                            // this sample alone
  std::int64_t first_generated = 0, end_generated = 0;  // its tokens shown

  const storage::SampleRecord& record() const { return block.samples.front(); }
};

// `name` is a sample_id ("12.0") or DATASET/sample_id ("mtvqa/12.0"); `dataset`
// narrows the first, "" looks in all. Throws InputError where no sample or more
// than one has this name; StorageError.
SampleView find_sample(const Source& source, std::string_view name,
                       std::string_view dataset);

}  // namespace lens::analysis::view
