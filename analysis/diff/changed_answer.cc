#include "analysis/diff/changed_answer.h"

#include <algorithm>

#include "analysis/metrics/token_metrics.h"

namespace lens::analysis::diff {
namespace {

std::string text_of(const Source& source, const std::string& dataset,
                    const char* column, std::size_t row) {
  const auto at = static_cast<std::int64_t>(row);
  return source.results.read<std::string>(dataset, column, at, at + 1).front();
}

// 1-based place among the top tokens of a layer; 0 where it is not there.
std::int32_t kept_rank(std::span<const std::int32_t> top, std::int32_t id) {
  const auto found = std::find(top.begin(), top.end(), id);
  return found == top.end()
             ? 0
             : static_cast<std::int32_t>(found - top.begin()) + 1;
}

// `other` is the other run's token in this one's vocabulary.
PartingSide read_side(const Source& source, const std::string& dataset,
                      const WrittenAnswer& written, std::int32_t position,
                      std::int32_t other, std::vector<std::int32_t>& top_ids) {
  const auto at = static_cast<std::size_t>(position);
  PartingSide side;
  if (at >= written.tokens.size()) return side;
  side.has_token = true;
  side.is_end = written.ended && at + 1 == written.tokens.size();
  side.token = token_text(source.vocabulary, written.tokens[at]);
  const std::int64_t row = written.first_row + position;
  const table::TokenRows rows = source.results.read_tokens(
      dataset, row, row + 1,
      table::columns_named<"token_id", "entropy", "target_rank", "top_id">());
  const auto ids = rows.row<"top_id">(0);
  const auto entropy = rows.row<"entropy">(0);
  const auto rank = rows.row<"target_rank">(0);
  side.entropy.assign(entropy.begin(), entropy.end());
  side.own_rank.assign(rank.begin(), rank.end());
  const std::size_t ranks = ids.size() / rank.size();
  side.kept = ranks;
  for (std::size_t l = 0; l < rank.size(); ++l) {
    const auto top = ids.subspan(l * ranks, ranks);
    top_ids.push_back(top.front());
    side.top.push_back(token_text(source.vocabulary, top.front()));
    side.other_rank.push_back(kept_rank(top, other));
  }
  return side;
}

int parting_layer(std::span<const std::int32_t> top_a,
                  std::span<const std::int32_t> top_b,
                  const VocabularyPair& vocabularies) {
  if (top_a.empty() || top_b.empty()) return metrics::kNoLayer;
  std::size_t layer = top_a.size();
  while (layer > 0 && !vocabularies.equal(top_a[layer - 1], top_b[layer - 1]))
    --layer;
  return layer == top_a.size() ? metrics::kNoLayer : static_cast<int>(layer);
}

std::int32_t token_at(const WrittenAnswer& written, std::int32_t position) {
  const auto at = static_cast<std::size_t>(position);
  return at < written.tokens.size() ? written.tokens[at] : -1;
}

}  // namespace

void open_answer(const Source& a, const Source& b,
                 const VocabularyPair& vocabularies,
                 const WrittenAnswer& written_a, const WrittenAnswer& written_b,
                 ChangedAnswer& changed) {
  const std::string& dataset = changed.dataset;
  const std::int32_t position = changed.position;
  changed.opened = true;
  changed.prompt = text_of(a, dataset, "prompt", changed.row_a);
  changed.reference = text_of(a, dataset, "reference", changed.row_a);
  for (std::int32_t t = 0; t < position; ++t)
    changed.shared += token_text(a.vocabulary, token_at(written_a, t));
  std::vector<std::int32_t> top_a, top_b;
  changed.a =
      read_side(a, dataset, written_a, position,
                vocabularies.in_a(token_at(written_b, position)), top_a);
  changed.b =
      read_side(b, dataset, written_b, position,
                vocabularies.in_b(token_at(written_a, position)), top_b);
  changed.parting_layer = parting_layer(top_a, top_b, vocabularies);
}

std::vector<std::size_t> opening_order(std::span<const ChangedAnswer> changed) {
  std::vector<std::size_t> order;
  for (const bool verdict_changed : {true, false})
    for (std::size_t i = 0; i < changed.size(); ++i)
      if (changed[i].verdict_changed == verdict_changed) order.push_back(i);
  return order;
}

}  // namespace lens::analysis::diff
