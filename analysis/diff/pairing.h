#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace lens::analysis::diff {

// What a pairing goes by: a row of a data set as a run has it.
struct SampleKeyOf {
  std::string id;
  bool ok = true;
};

// The samples of one data set in two runs, matched by id. Each row of either
// run is in exactly one list.
struct Pairing {
  std::string dataset;
  struct Pair {
    std::size_t a = 0, b = 0;  // rows
    bool operator==(const Pair&) const = default;
  };
  std::vector<Pair> pairs;  // ok in both, in the order of A

  // Ids, in the order of the runs.
  std::vector<std::string> only_a, only_b;
  std::vector<std::string> failed_a, failed_b, failed_both;
  // That stand more than once in a run: which belongs to which is not known.
  std::vector<std::string> doubled;
};

Pairing pair_samples(const std::string& dataset, std::span<const SampleKeyOf> a,
                     std::span<const SampleKeyOf> b);

}  // namespace lens::analysis::diff
