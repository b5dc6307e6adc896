#include "analysis/report/table_data.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "analysis/report/base64.h"
#include "base/utf8.h"

namespace lens::analysis::report {
namespace {

constexpr std::size_t kTextBytes = 80;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

using Order = std::pair<std::size_t, std::size_t>;

// Gives each distinct text a number, in the order of appearance.
class Names {
 public:
  std::int32_t number(const std::string& name) {
    const auto [entry, is_new] =
        numbers_.try_emplace(name, static_cast<std::int32_t>(numbers_.size()));
    if (is_new) names_.push_back(name);
    return entry->second;
  }
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::map<std::string, std::int32_t> numbers_;
  std::vector<std::string> names_;
};

float layer_or_nan(int layer) {
  return layer == metrics::kNoLayer ? kNan : static_cast<float>(layer);
}

float onset_of(const metrics::SampleTable& table,
               const metrics::SampleRow& row) {
  if (row.entropy.empty()) return kNan;
  return layer_or_nan(
      metrics::entropy_onset(std::span<const float>(row.entropy), table.onset));
}

// 0 right, 1 wrong, 2 without a verdict, 3 failed.
std::int32_t outcome(const metrics::SampleRow& row) {
  return row.ok ? static_cast<std::int32_t>(row.verdict) : 3;
}

}  // namespace

double mean_layer(std::span<const std::int32_t> count) {
  double tokens = 0, sum = 0;
  for (std::size_t layer = 0; layer < count.size(); ++layer) {
    tokens += count[layer];
    sum += static_cast<double>(layer) * count[layer];
  }
  return tokens > 0 ? sum / tokens : std::nan("");
}

std::string clipped(const std::string& text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  return std::string(first_bytes(text, bytes)) + "…";
}

std::vector<SampleKey> listed_rows(std::span<const metrics::SampleTable> tables,
                                   std::span<const SampleKey> shown,
                                   std::size_t rows) {
  std::set<Order> taken;
  for (const SampleKey& key : shown) taken.insert({key.table, key.row});
  std::vector<Order> all;
  for (std::size_t t = 0; t < tables.size(); ++t)
    for (std::size_t r = 0; r < tables[t].rows.size(); ++r)
      all.emplace_back(t, r);
  for (const Order& place : all)
    if (!tables[place.first].rows[place.second].ok && taken.size() < rows)
      taken.insert(place);
  for (const std::size_t i : spread_order(all.size())) {
    if (taken.size() >= rows) break;
    taken.insert(all[i]);
  }
  std::vector<SampleKey> listed;
  for (const Order& place : taken)
    listed.push_back({.table = place.first, .row = place.second});
  return listed;
}

nlohmann::json table_json(std::span<const metrics::SampleTable> tables,
                          std::span<const SampleTexts> texts,
                          std::span<const SampleKey> listed, bool with_text) {
  Names languages, reasons;
  std::vector<std::int32_t> dataset, language, verdict, tokens;
  std::vector<float> score, entropy, onset, depth, settled;
  nlohmann::json ids = nlohmann::json::array();
  nlohmann::json references = nlohmann::json::array();
  nlohmann::json answers = nlohmann::json::array();
  nlohmann::json failures = nlohmann::json::object();
  for (std::size_t i = 0; i < listed.size(); ++i) {
    const metrics::SampleTable& table = tables[listed[i].table];
    const metrics::SampleRow& row = table.rows[listed[i].row];
    dataset.push_back(static_cast<std::int32_t>(listed[i].table));
    language.push_back(languages.number(row.language));
    verdict.push_back(outcome(row));
    tokens.push_back(row.answer_tokens);
    score.push_back(row.score);
    entropy.push_back(row.entropy.empty() ? kNan : row.entropy.back());
    onset.push_back(onset_of(table, row));
    depth.push_back(static_cast<float>(mean_layer(row.depth_count)));
    settled.push_back(layer_or_nan(row.settled));
    ids.push_back(row.sample_id);
    if (!row.ok) failures[std::to_string(i)] = reasons.number(row.failure);
    if (!with_text) continue;
    const SampleTexts& own = texts[listed[i].table];
    references.push_back(clipped(own.reference[listed[i].row], kTextBytes));
    answers.push_back(clipped(own.answer[listed[i].row], kTextBytes));
  }
  return {{"size", listed.size()},
          {"languages", languages.names()},
          {"reasons", reasons.names()},
          {"id", ids},
          {"reference", references},
          {"answer", answers},
          {"failure", failures},
          {"dataset", packed_integers(dataset, 1)},
          {"language", packed_integers(language, 2)},
          {"verdict", packed_integers(verdict, 1)},
          {"tokens", packed_integers(tokens, 3)},
          {"score", packed_floats(score)},
          {"entropy", packed_floats(entropy)},
          {"onset", packed_floats(onset)},
          {"depth", packed_floats(depth)},
          {"settled", packed_floats(settled)}};
}

}  // namespace lens::analysis::report
