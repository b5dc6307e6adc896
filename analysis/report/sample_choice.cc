#include "analysis/report/sample_choice.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <tuple>

namespace lens::analysis::report {
namespace {

using Measure = std::function<double(const metrics::SampleRow&)>;

// The row of the smallest value; those that `usable` refuses are passed over.
void add_least(const metrics::SampleTable& table, const Measure& measure,
               std::vector<std::size_t>& order) {
  std::size_t best = table.rows.size();
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const metrics::SampleRow& row = table.rows[i];
    if (row.tokens == 0) continue;
    if (best == table.rows.size() || measure(row) < measure(table.rows[best]))
      best = i;
  }
  if (best < table.rows.size()) order.push_back(best);
}

// Least for the earliest onset, or for the latest where `sign` is -1. Samples
// without one come last both times.
double onset_key(const metrics::SampleTable& table,
                 const metrics::SampleRow& row, double sign) {
  const int onset =
      metrics::entropy_onset(std::span<const float>(row.entropy), table.onset);
  return onset == metrics::kNoLayer ? table.layers : sign * onset;
}

std::vector<std::size_t> extremes(const metrics::SampleTable& table) {
  std::vector<std::size_t> order;
  const auto last_entropy = [](const metrics::SampleRow& row) {
    return static_cast<double>(row.entropy.back());
  };
  add_least(
      table,
      [&table](const metrics::SampleRow& row) {
        return onset_key(table, row, 1);
      },
      order);
  add_least(
      table,
      [&table](const metrics::SampleRow& row) {
        return onset_key(table, row, -1);
      },
      order);
  add_least(table, last_entropy, order);
  add_least(
      table, [&](const metrics::SampleRow& row) { return -last_entropy(row); },
      order);
  add_least(
      table,
      [](const metrics::SampleRow& row) {
        return -static_cast<double>(row.tokens);
      },
      order);
  return order;
}

// Takes the next of each list in turn.
std::vector<std::size_t> in_turns(
    const std::vector<std::vector<std::size_t>>& lists) {
  std::vector<std::size_t> order;
  std::size_t longest = 0;
  for (const auto& list : lists) longest = std::max(longest, list.size());
  for (std::size_t i = 0; i < longest; ++i)
    for (const auto& list : lists)
      if (i < list.size()) order.push_back(list[i]);
  return order;
}

std::vector<std::size_t> spread_over_groups(const metrics::SampleTable& table) {
  std::map<std::pair<std::string, metrics::Verdict>, std::vector<std::size_t>>
      groups;
  for (std::size_t i = 0; i < table.rows.size(); ++i)
    if (table.rows[i].tokens > 0)
      groups[{table.rows[i].language, table.rows[i].verdict}].push_back(i);
  std::vector<std::vector<std::size_t>> lists;
  for (auto& [key, rows] : groups) {
    std::stable_sort(
        rows.begin(), rows.end(), [&table](std::size_t a, std::size_t b) {
          return table.rows[a].entropy.back() < table.rows[b].entropy.back();
        });
    std::vector<std::size_t> list;
    for (const std::size_t i : spread_order(rows.size()))
      list.push_back(rows[i]);
    lists.push_back(std::move(list));
  }
  return in_turns(lists);
}

// All samples of one data set that can be shown, in the order of choice.
std::vector<std::size_t> order_of(const metrics::SampleTable& table) {
  std::vector<std::size_t> order;
  std::set<std::size_t> taken;
  for (const auto& list : {extremes(table), spread_over_groups(table)})
    for (const std::size_t row : list)
      if (taken.insert(row).second) order.push_back(row);
  return order;
}

}  // namespace

std::vector<std::size_t> spread_order(std::size_t size) {
  std::vector<std::size_t> order;
  std::vector<bool> taken(size, false);
  const auto take = [&](std::size_t i) {
    if (i < size && !taken[i]) {
      taken[i] = true;
      order.push_back(i);
    }
  };
  if (size > 0) {
    take(0);
    take(size - 1);
  }
  // Odd multiples of size/2, size/4, ...; the last round reaches every place.
  for (std::size_t parts = 2; order.size() < size; parts *= 2)
    for (std::size_t k = 1; k < parts; k += 2) take(k * size / parts);
  return order;
}

std::vector<SampleKey> choose_samples(
    std::span<const metrics::SampleTable> tables, std::size_t count) {
  std::vector<std::vector<std::size_t>> orders;
  std::size_t longest = 0;
  for (const metrics::SampleTable& table : tables) {
    orders.push_back(order_of(table));
    longest = std::max(longest, orders.back().size());
  }
  std::vector<SampleKey> chosen;
  for (std::size_t i = 0; i < longest; ++i)
    for (std::size_t t = 0; t < orders.size() && chosen.size() < count; ++t)
      if (i < orders[t].size())
        chosen.push_back({.table = t, .row = orders[t][i]});
  return chosen;
}

std::string choice_sentence() {
  return "The data sets take turns. Each first gives its extremes (earliest "
         "and latest onset of the entropy, lowest and highest entropy at the "
         "last layer, longest answer), then its languages and right and wrong "
         "answers take turns, each from the lowest entropy at the last layer "
         "to the highest.";
}

}  // namespace lens::analysis::report
