#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "analysis/metrics/sample_table.h"
#include "analysis/report/sample_choice.h"

namespace lens::analysis::report {

// Texts of the samples of one data set, in the order of its table.
struct SampleTexts {
  std::vector<std::string> reference, answer;
};

// Which rows a page lists: the shown ones, and as many others as `rows` allows,
// failed ones first, then spread evenly over all. In the order of the tables.
std::vector<SampleKey> listed_rows(std::span<const metrics::SampleTable> tables,
                                   std::span<const SampleKey> shown,
                                   std::size_t rows);

// The list of samples as the page's script reads it, column by column. Texts
// enter where `with_text`, cut after 80 bytes of whole characters.
nlohmann::json table_json(std::span<const metrics::SampleTable> tables,
                          std::span<const SampleTexts> texts,
                          std::span<const SampleKey> listed, bool with_text);

// Mean of the layers that tokens were counted at; NaN where there is none.
double mean_layer(std::span<const std::int32_t> count);

// The first `bytes` bytes of a text without a cut character, "…" behind where
// something is missing.
std::string clipped(const std::string& text, std::size_t bytes);

}  // namespace lens::analysis::report
