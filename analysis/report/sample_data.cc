#include "analysis/report/sample_data.h"

#include <algorithm>

#include "analysis/figures/display_text.h"
#include "analysis/report/base64.h"

namespace lens::analysis::report {
namespace {

bool is_shown(std::uint8_t role) {
  using storage::TokenRole;
  return role != static_cast<std::uint8_t>(TokenRole::kTemplate) &&
         role != static_cast<std::uint8_t>(TokenRole::kImage);
}

// One cell of a text column.
std::string text_of(const storage::ResultsReader& results,
                    const std::string& dataset, const char* column,
                    std::int64_t sample) {
  return results.read<std::string>(dataset, column, sample, sample + 1).front();
}

// The kept ones of rows that hold `width` values each.
template <class Value>
std::vector<Value> kept_rows(const std::vector<Value>& values,
                             const std::vector<std::size_t>& kept,
                             std::size_t width) {
  std::vector<Value> out;
  out.reserve(kept.size() * width);
  for (const std::size_t row : kept)
    out.insert(out.end(), values.begin() + row * width,
               values.begin() + (row + 1) * width);
  return out;
}

// Which token rows of the sample are shown, counted from its first.
std::vector<std::size_t> shown_rows(const std::vector<std::uint8_t>& role) {
  std::vector<std::size_t> kept;
  for (std::size_t i = 0; i < role.size(); ++i)
    if (is_shown(role[i])) kept.push_back(i);
  return kept;
}

std::vector<std::int32_t> places_of(const std::vector<std::int32_t>& ids,
                                    TokenTexts& texts) {
  std::vector<std::int32_t> places;
  places.reserve(ids.size());
  for (const std::int32_t id : ids) places.push_back(texts.place(id));
  return places;
}

}  // namespace

std::int32_t TokenTexts::place(std::int32_t id) {
  const auto [entry, is_new] =
      places_.try_emplace(id, static_cast<std::int32_t>(texts_.size()));
  if (is_new) {
    const auto& all = vocabulary_->token_text;
    const bool known = id >= 0 && static_cast<std::size_t>(id) < all.size();
    texts_.push_back(
        known ? figures::visible_text(all[static_cast<std::size_t>(id)],
                                      figures::TextKind::kToken)
              : "#" + std::to_string(id));
  }
  return entry->second;
}

SampleDetail read_sample_detail(const storage::ResultsReader& results,
                                const std::string& dataset,
                                const metrics::SampleRow& row) {
  SampleDetail detail;
  detail.dataset = dataset;
  detail.sample_id = row.sample_id;
  detail.prompt = text_of(results, dataset, "prompt", row.sample);
  detail.reference = text_of(results, dataset, "reference", row.sample);
  detail.answer = text_of(results, dataset, "answer", row.sample);
  detail.source_row =
      results
          .read<std::int64_t>(dataset, "source_row", row.sample, row.sample + 1)
          .front();
  detail.image_height = row.image_height;
  detail.image_width = row.image_width;
  detail.layers = results.layers();
  detail.ranks = results.ranks();

  const std::int64_t begin = row.token_begin, end = row.token_end;
  const auto role =
      results.read<std::uint8_t>(dataset, "token_role", begin, end);
  std::vector<std::size_t> kept = shown_rows(role);
  if (kept.size() > SampleDetail::kMost) {
    detail.tokens_left_out =
        static_cast<std::int64_t>(kept.size() - SampleDetail::kMost);
    kept.resize(SampleDetail::kMost);
  }
  const auto layers = static_cast<std::size_t>(detail.layers);
  const auto cells = layers * static_cast<std::size_t>(detail.ranks);
  const auto floats = [&](const char* column, std::size_t width) {
    return kept_rows(results.read<float>(dataset, column, begin, end), kept,
                     width);
  };
  const auto integers = [&](const char* column, std::size_t width) {
    return kept_rows(results.read<std::int32_t>(dataset, column, begin, end),
                     kept, width);
  };
  detail.role = kept_rows(role, kept, 1);
  detail.token_id = integers("token_id", 1);
  detail.entropy = floats("entropy", layers);
  detail.kl_final = floats("kl_final", layers);
  detail.target_logprob = floats("target_logprob", layers);
  detail.target_rank = integers("target_rank", layers);
  detail.top_id = integers("top_id", cells);
  detail.top_logprob = floats("top_logprob", cells);
  return detail;
}

void collect_texts(const SampleDetail& detail, TokenTexts& texts) {
  for (const std::int32_t id : detail.token_id) texts.place(id);
  for (const std::int32_t id : detail.top_id) texts.place(id);
}

nlohmann::json sample_json(const SampleDetail& detail, int picture,
                           TokenTexts& texts) {
  const int bytes = texts.place_bytes();
  return {
      {"key", detail.dataset + "/" + detail.sample_id},
      {"prompt", detail.prompt},
      {"reference", detail.reference},
      {"answer", detail.answer},
      {"width", detail.image_width},
      {"height", detail.image_height},
      {"picture", picture},
      {"noPicture", detail.picture.reason},
      {"leftOut", detail.tokens_left_out},
      {"role", detail.role},
      {"token", packed_integers(places_of(detail.token_id, texts), bytes)},
      {"entropy", packed_floats(detail.entropy)},
      {"kl", packed_floats(detail.kl_final)},
      {"logprob", packed_floats(detail.target_logprob)},
      {"rank", packed_integers(detail.target_rank, 3)},
      {"top", packed_integers(places_of(detail.top_id, texts), bytes)},
      {"topLogprob", packed_floats(detail.top_logprob)},
  };
}

}  // namespace lens::analysis::report
