#include "analysis/diff/pairing.h"

#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>

namespace lens::analysis::diff {
namespace {

// Rows by id; nothing where an id stands more than once.
using Rows = std::unordered_map<std::string_view, std::optional<std::size_t>>;

Rows rows_of(std::span<const SampleKeyOf> samples) {
  Rows rows;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto [entry, is_new] = rows.try_emplace(samples[i].id, i);
    if (!is_new) entry->second.reset();
  }
  return rows;
}

// Each once, those of A first.
std::vector<std::string> doubled_ids(std::span<const SampleKeyOf> a,
                                     const Rows& rows_a,
                                     std::span<const SampleKeyOf> b,
                                     const Rows& rows_b) {
  std::vector<std::string> ids;
  std::set<std::string_view> known;
  const auto add = [&](std::span<const SampleKeyOf> samples, const Rows& rows) {
    for (const SampleKeyOf& sample : samples)
      if (!rows.at(sample.id) && known.insert(sample.id).second)
        ids.push_back(sample.id);
  };
  add(a, rows_a);
  add(b, rows_b);
  return ids;
}

}  // namespace

Pairing pair_samples(const std::string& dataset, std::span<const SampleKeyOf> a,
                     std::span<const SampleKeyOf> b) {
  const Rows rows_a = rows_of(a), rows_b = rows_of(b);
  Pairing pairing;
  pairing.dataset = dataset;
  pairing.doubled = doubled_ids(a, rows_a, b, rows_b);
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!rows_a.at(a[i].id)) continue;
    const auto found = rows_b.find(a[i].id);
    if (found == rows_b.end()) {
      pairing.only_a.push_back(a[i].id);
      continue;
    }
    if (!found->second) continue;
    const SampleKeyOf& other = b[*found->second];
    if (a[i].ok && other.ok)
      pairing.pairs.push_back({i, *found->second});
    else
      (other.ok  ? pairing.failed_a
       : a[i].ok ? pairing.failed_b
                 : pairing.failed_both)
          .push_back(a[i].id);
  }
  for (const SampleKeyOf& sample : b)
    if (rows_b.at(sample.id) && !rows_a.contains(sample.id))
      pairing.only_b.push_back(sample.id);
  return pairing;
}

}  // namespace lens::analysis::diff
