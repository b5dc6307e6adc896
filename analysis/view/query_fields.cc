#include <fmt/format.h>

#include <cmath>

#include "analysis/metrics/sample_group.h"
#include "analysis/view/query.h"
#include "analysis/view/query_parser.h"

namespace lens::analysis::view {
namespace {

using Reader = QueryValue (*)(const QuerySample&, int layer);

QueryValue of_layer(const std::vector<float>& values, int layer) {
  const auto l = static_cast<std::size_t>(layer);
  if (l >= values.size() || std::isnan(values[l])) return std::nullopt;
  return values[l];
}

// The mean layer of the tokens that have one.
QueryValue mean_layer(const std::vector<std::int32_t>& counts) {
  double sum = 0, tokens = 0;
  for (std::size_t l = 0; l < counts.size(); ++l) {
    sum += static_cast<double>(l) * counts[l];
    tokens += counts[l];
  }
  if (tokens == 0) return std::nullopt;
  return sum / tokens;
}

QueryValue whole(std::int64_t value) { return value; }

// Of a field that a failed sample does not have.
QueryValue whole_where_ok(const metrics::SampleRow& row, std::int64_t value) {
  if (!row.ok) return std::nullopt;
  return value;
}

QueryValue verdict(const QuerySample& sample, int) {
  const std::string_view name = metrics::verdict_name(sample.row->verdict);
  if (name.empty()) return std::nullopt;
  return std::string(name);
}

struct Field {
  std::string_view name;
  bool by_layer;
  bool text;
  bool sample_text;
  Reader read;
};

const Field kFields[] = {
    {"entropy", true, false, false,
     [](const QuerySample& s, int l) { return of_layer(s.row->entropy, l); }},
    {"kl", true, false, false,
     [](const QuerySample& s, int l) { return of_layer(s.row->kl_final, l); }},
    {"rank", true, false, false,
     [](const QuerySample& s, int l) -> QueryValue {
       const QueryValue log_rank = of_layer(s.row->log_rank, l);
       if (!log_rank) return std::nullopt;
       // The geometric mean: ranks reach from 1 to the whole vocabulary.
       return std::exp(static_cast<double>(std::get<float>(*log_rank)));
     }},
    {"agreement", true, false, false,
     [](const QuerySample& s, int l) { return of_layer(s.row->agreement, l); }},
    {"logprob", true, false, false,
     [](const QuerySample& s, int l) {
       return of_layer(s.row->target_logprob, l);
     }},
    {"onset", false, false, false,
     [](const QuerySample& s, int) { return mean_layer(s.row->onset_count); }},
    {"drop", false, false, false,
     [](const QuerySample& s, int) { return mean_layer(s.row->drop_count); }},
    {"depth", false, false, false,
     [](const QuerySample& s, int) { return mean_layer(s.row->depth_count); }},
    {"first_hit", false, false, false,
     [](const QuerySample& s, int) {
       return mean_layer(s.row->first_hit_count);
     }},
    {"score", false, false, false,
     [](const QuerySample& s, int) -> QueryValue {
       if (std::isnan(s.row->score)) return std::nullopt;
       return s.row->score;
     }},
    {"answer_tokens", false, false, false,
     [](const QuerySample& s, int) {
       return whole_where_ok(*s.row, s.row->answer_tokens);
     }},
    {"prompt_tokens", false, false, false,
     [](const QuerySample& s, int) {
       return whole_where_ok(*s.row, s.row->prompt_tokens);
     }},
    {"image_tokens", false, false, false,
     [](const QuerySample& s, int) {
       return whole_where_ok(*s.row, s.row->image_tokens);
     }},
    {"image_height", false, false, false,
     [](const QuerySample& s, int) { return whole(s.row->image_height); }},
    {"image_width", false, false, false,
     [](const QuerySample& s, int) { return whole(s.row->image_width); }},
    {"dataset", false, true, false,
     [](const QuerySample& s, int) -> QueryValue {
       return s.table->population.dataset;
     }},
    {"language", false, true, false,
     [](const QuerySample& s, int) -> QueryValue { return s.row->language; }},
    {"status", false, true, false,
     [](const QuerySample& s, int) -> QueryValue {
       return s.row->ok ? "ok" : "failed";
     }},
    {"failure", false, true, false,
     [](const QuerySample& s, int) -> QueryValue { return s.row->failure; }},
    {"verdict", false, true, false, verdict},
    {"sample_id", false, true, false,
     [](const QuerySample& s, int) -> QueryValue { return s.row->sample_id; }},
    {"prompt", false, true, true,
     [](const QuerySample& s, int) -> QueryValue { return s.texts->prompt; }},
    {"reference", false, true, true,
     [](const QuerySample& s, int) -> QueryValue {
       return s.texts->reference;
     }},
    {"answer", false, true, true,
     [](const QuerySample& s, int) -> QueryValue {
       if (!s.row->ok) return std::nullopt;
       return s.texts->answer;
     }},
};

}  // namespace

std::string query_field_names() {
  std::string names;
  for (const Field& field : kFields)
    names += fmt::format("{}{}{}", names.empty() ? "" : ", ", field.name,
                         field.by_layer ? "@L" : "");
  return names;
}

std::optional<FieldKind> find_query_field(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kFields); ++i)
    if (kFields[i].name == name)
      return FieldKind{static_cast<int>(i), kFields[i].by_layer};
  return std::nullopt;
}

bool QueryField::is_text() const {
  return kFields[static_cast<std::size_t>(field_)].text;
}

bool QueryField::is_sample_text() const {
  return kFields[static_cast<std::size_t>(field_)].sample_text;
}

QueryValue QueryField::value(const QuerySample& sample) const {
  return kFields[static_cast<std::size_t>(field_)].read(sample, layer_);
}

}  // namespace lens::analysis::view
