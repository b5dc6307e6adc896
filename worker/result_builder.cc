#include "worker/result_builder.h"

#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "base/error.h"

namespace lens::worker {
namespace {

using storage::TokenRole;

// Row numbers of `columns` by prompt and position.
using RowIndex = std::map<std::pair<int, std::int64_t>, std::size_t>;

RowIndex index_rows(const readout::Columns& columns) {
  RowIndex index;
  for (std::size_t row = 0; row < columns.rows.size(); ++row) {
    index.emplace(
        std::pair(columns.rows[row].prompt, columns.rows[row].position), row);
  }
  return index;
}

template <typename T>
void copy_row(const std::vector<T>& from, std::size_t row, std::size_t width,
              std::vector<T>* to) {
  const auto begin = from.begin() + static_cast<std::ptrdiff_t>(row * width);
  to->insert(to->end(), begin, begin + static_cast<std::ptrdiff_t>(width));
}

void append_row(const readout::Columns& columns, std::size_t row,
                TokenRole role, storage::UnitResult* result) {
  const auto states = static_cast<std::size_t>(columns.states);
  const auto ranks = states * static_cast<std::size_t>(columns.ranks);
  const auto scripts = states * static_cast<std::size_t>(columns.scripts);
  const engine::CapturedRow& captured = columns.rows[row];
  result->tokens.get<"token_id">().push_back(
      static_cast<std::int32_t>(captured.target));
  result->tokens.get<"token_position">().push_back(
      static_cast<std::int32_t>(captured.position));
  result->tokens.get<"token_role">().push_back(static_cast<std::uint8_t>(role));
  copy_row(columns.entropy, row, states, &result->tokens.get<"entropy">());
  copy_row(columns.kl_final, row, states, &result->tokens.get<"kl_final">());
  copy_row(columns.target_logprob, row, states,
           &result->tokens.get<"target_logprob">());
  copy_row(columns.target_rank, row, states,
           &result->tokens.get<"target_rank">());
  copy_row(columns.top_id, row, ranks, &result->tokens.get<"top_id">());
  copy_row(columns.top_logprob, row, ranks,
           &result->tokens.get<"top_logprob">());
  copy_row(columns.script_share, row, scripts,
           &result->tokens.get<"script_share">());
  if (!result->hidden_layer.empty()) {
    copy_row(columns.hidden, row,
             result->hidden_layer.size() *
                 static_cast<std::size_t>(result->tokens.widths.hidden_size),
             &result->tokens.get<"hidden">());
  }
}

// Mean over the answer's tokens, the end token left out.
std::vector<float> mean_entropy(const readout::Columns& columns,
                                const std::vector<std::size_t>& rows) {
  const auto states = static_cast<std::size_t>(columns.states);
  std::vector<float> mean(states, std::numeric_limits<float>::quiet_NaN());
  if (rows.empty()) return mean;
  for (std::size_t state = 0; state < states; ++state) {
    double sum = 0;
    for (const std::size_t row : rows) {
      sum += columns.entropy[row * states + state];
    }
    mean[state] = static_cast<float>(sum / static_cast<double>(rows.size()));
  }
  return mean;
}

}  // namespace

TokenSelection TokenSelection::parse(const std::vector<std::string>& words) {
  TokenSelection selection;
  for (const std::string& word : words) {
    if (word == "answer") {
      selection.answer = true;
    } else if (word == "question") {
      selection.question = true;
    } else if (word == "image") {
      selection.image = true;
    } else if (word == "all") {
      selection = {true, true, true, true};
    } else {
      throw InputError("unknown kind of tokens \"" + word + "\"",
                       "answer, question, image and all are known");
    }
  }
  return selection;
}

bool TokenSelection::takes(TokenRole role) const {
  switch (role) {
    case TokenRole::kTemplate:
      return everything;
    case TokenRole::kImage:
      return image;
    case TokenRole::kQuestion:
      return question;
    case TokenRole::kAnswer:
    case TokenRole::kEndOfAnswer:
      return answer;
  }
  return false;
}

void append_rows(std::span<const RanSample> ran,
                 std::span<const engine::Generation> generations,
                 const readout::Columns& columns,
                 const TokenSelection& selection, storage::UnitResult* result) {
  const RowIndex index = index_rows(columns);
  const auto row_of = [&](std::size_t prompt, std::int64_t position) {
    const engine::Generation& generation = generations[prompt];
    const int owner = position < generation.shared_length
                          ? generation.shared_with
                          : static_cast<int>(prompt);
    return index.at({owner, position});
  };
  std::size_t next = 0;
  for (std::size_t s = 0; s < result->samples.size(); ++s) {
    storage::SampleRecord& record = result->samples[s];
    const bool was_run = next < ran.size() && ran[next].sample == s;
    if (was_run && record.status == storage::SampleStatus::kOk) {
      const auto& roles = ran[next].prompt_roles;
      const auto length = static_cast<std::int64_t>(roles.size());
      for (std::int64_t position = 1; position < length; ++position) {
        if (!selection.takes(roles[position])) continue;
        append_row(columns, row_of(next, position), roles[position], result);
      }
      const engine::Generation& generation = generations[next];
      const std::size_t answered =
          generation.ids.size() - (generation.ended ? 1 : 0);
      std::vector<std::size_t> answer_rows;
      for (std::size_t i = 0; i < generation.ids.size(); ++i) {
        const std::size_t row =
            row_of(next, length + static_cast<std::int64_t>(i));
        const bool end = i >= answered;
        if (!end) answer_rows.push_back(row);
        if (selection.answer) {
          append_row(columns, row,
                     end ? TokenRole::kEndOfAnswer : TokenRole::kAnswer,
                     result);
        }
      }
      record.answer_tokens = static_cast<std::int32_t>(answered);
      record.entropy_mean = mean_entropy(columns, answer_rows);
    } else {
      record.entropy_mean.assign(
          static_cast<std::size_t>(result->tokens.widths.layers),
          std::numeric_limits<float>::quiet_NaN());
    }
    if (was_run) ++next;
    result->token_offset.push_back(
        static_cast<std::int64_t>(result->tokens.get<"token_id">().size()));
  }
}

void remove_rows(storage::UnitResult* result) {
  result->tokens = table::TokenRows(result->tokens.widths);
  result->token_offset = {0};
}

}  // namespace lens::worker
