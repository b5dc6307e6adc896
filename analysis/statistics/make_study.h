#pragma once

#include <span>

#include "analysis/metrics/sample_table.h"
#include "analysis/statistics/study.h"

namespace lens::analysis::statistics {

// Deterministic: the same tables and options give the same study, whatever the
// order in which tables stand. Rows that failed or have no answer token enter
// nothing. Throws InputError where the tables are of different models.
Study make_study(std::span<const metrics::SampleTable> tables,
                 const StudyOptions& options = {});

}  // namespace lens::analysis::statistics
