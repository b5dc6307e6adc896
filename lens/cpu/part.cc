#include "lens/cpu/part.h"

#include <algorithm>
#include <iterator>

namespace lens::readout::cpu {
namespace {

constexpr std::int64_t kValuesOfState = 8;

}  // namespace

void Part::resize(std::size_t slots, int scripts, int top_k) {
  rows.resize(slots);
  script.resize(slots * scripts);
  best.resize(slots * top_k);
}

void Part::merge(const Part& other) {
  const std::size_t scripts = script.size() / rows.size();
  const std::size_t top_k = best.size() / rows.size();
  for (std::size_t slot = 0; slot < rows.size(); ++slot) {
    RowState& row = rows[slot];
    const RowState& added = other.rows[slot];
    const float before = row.sums.max;
    row.sums.merge(added.sums);
    row.larger += added.larger;
    const auto kept = shrink<double>(before, row.sums.max);
    const auto taken = shrink<double>(added.sums.max, row.sums.max);
    for (std::size_t c = 0; c < scripts; ++c) {
      double& mass = script[slot * scripts + c];
      mass = mass * kept + other.script[slot * scripts + c] * taken;
    }
    for (std::size_t k = 0; k < top_k; ++k) {
      offer(other.best[slot * top_k + k], &best[slot * top_k],
            static_cast<int>(top_k));
    }
  }
}

std::int64_t Part::values_of_slot(int scripts, int top_k) {
  return kValuesOfState + scripts + 2 * std::int64_t{top_k};
}

void Part::write(std::size_t slot, double* to) const {
  const RowState& row = rows[slot];
  const double state[kValuesOfState] = {
      row.sums.max,       row.sums.sum,
      row.sums.weighted,  row.sums.squared,
      row.sums.final_max, row.sums.final_sum,
      row.sums.final_dot, static_cast<double>(row.larger)};
  to = std::copy(std::begin(state), std::end(state), to);
  const std::size_t scripts = script.size() / rows.size();
  to = std::copy_n(script.data() + slot * scripts, scripts, to);
  const std::size_t top_k = best.size() / rows.size();
  for (std::size_t k = 0; k < top_k; ++k) {
    const Candidate& one = best[slot * top_k + k];
    *to++ = one.logit;
    *to++ = one.id;
  }
}

void Part::read(std::size_t slot, const double* from) {
  RowState& row = rows[slot];
  row.sums.max = static_cast<float>(*from++);
  row.sums.sum = *from++;
  row.sums.weighted = *from++;
  row.sums.squared = *from++;
  row.sums.final_max = static_cast<float>(*from++);
  row.sums.final_sum = *from++;
  row.sums.final_dot = *from++;
  row.larger = static_cast<std::int64_t>(*from++);
  const std::size_t scripts = script.size() / rows.size();
  std::copy_n(from, scripts, script.data() + slot * scripts);
  from += scripts;
  const std::size_t top_k = best.size() / rows.size();
  for (std::size_t k = 0; k < top_k; ++k) {
    Candidate& one = best[slot * top_k + k];
    one.logit = static_cast<float>(*from++);
    one.id = static_cast<std::int32_t>(*from++);
  }
}

}  // namespace lens::readout::cpu
