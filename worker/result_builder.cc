#include "worker/result_builder.h"

#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "base/error.h"

namespace lens::worker {
namespace {

using storage::TokenRole;

// Numbers of captured rows by prompt and position.
using RowIndex = std::map<std::pair<int, std::int64_t>, std::size_t>;

RowIndex index_rows(const std::vector<engine::CapturedRow>& captured) {
  RowIndex index;
  for (std::size_t row = 0; row < captured.size(); ++row) {
    index.emplace(std::pair(captured[row].prompt, captured[row].position), row);
  }
  return index;
}

// The role alone is not the lens's to know.
void append_row(const readout::LensRows& rows, std::size_t row, TokenRole role,
                table::TokenRows* tokens) {
  tokens->append(rows.tokens, row);
  tokens->get<"token_role">().push_back(static_cast<std::uint8_t>(role));
}

void append_attention(const readout::ImageAttention::Row& row,
                      table::TokenRows* tokens) {
  const auto append = [](std::span<const float> from, std::vector<float>& to) {
    to.insert(to.end(), from.begin(), from.end());
  };
  append(row.mean, tokens->get<"image_attention">());
  append(row.largest, tokens->get<"image_attention_max">());
  append(row.entropy, tokens->get<"image_attention_entropy">());
}

// Tokens of a prompt are not predicted in a pass of their own.
void append_no_attention(table::TokenRows* tokens) {
  const std::vector<float> nothing(
      static_cast<std::size_t>(tokens->widths.layers - 1),
      std::numeric_limits<float>::quiet_NaN());
  append_attention({nothing, nothing, nothing}, tokens);
}

// Mean over the answer's tokens, the end token left out: [layer].
std::vector<float> mean_entropy(const table::TokenRows& tokens,
                                const std::vector<std::size_t>& rows,
                                std::size_t layers) {
  std::vector<float> mean(layers, std::numeric_limits<float>::quiet_NaN());
  if (rows.empty()) return mean;
  for (std::size_t layer = 0; layer < layers; ++layer) {
    double sum = 0;
    for (const std::size_t row : rows) sum += tokens.row<"entropy">(row)[layer];
    mean[layer] = static_cast<float>(sum / static_cast<double>(rows.size()));
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
                 const readout::LensRows& rows,
                 const readout::ImageAttention* attention,
                 const TokenSelection& selection, storage::UnitResult* result) {
  const RowIndex index = index_rows(rows.captured);
  table::TokenRows& tokens = result->tokens;
  const auto layers = static_cast<std::size_t>(tokens.widths.layers);
  const auto row_of = [&](std::size_t prompt, std::int64_t position) {
    const engine::Generation& generation = generations[prompt];
    // What prompts have in common was computed once and captured under the
    // first of them.
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
      // From 1: a row is read from the state before its token.
      for (std::int64_t position = 1; position < length; ++position) {
        if (!selection.takes(roles[position])) continue;
        append_row(rows, row_of(next, position), roles[position], &tokens);
        if (attention) append_no_attention(&tokens);
      }
      const engine::Generation& generation = generations[next];
      const std::size_t answered =
          generation.ids.size() - (generation.ended ? 1 : 0);
      std::vector<std::size_t> answer_rows;
      for (std::size_t i = 0; i < generation.ids.size(); ++i) {
        const std::size_t row =
            row_of(next, length + static_cast<std::int64_t>(i));
        const bool end = i >= answered;
        // Rows of the answer are captured whatever is selected: the mean needs
        // them.
        if (!end) answer_rows.push_back(row);
        if (selection.answer) {
          append_row(rows, row,
                     end ? TokenRole::kEndOfAnswer : TokenRole::kAnswer,
                     &tokens);
          if (attention) {
            append_attention(attention->row(static_cast<int>(next),
                                            static_cast<std::int64_t>(i)),
                             &tokens);
          }
        }
      }
      record.answer_tokens = static_cast<std::int32_t>(answered);
      record.entropy_mean = mean_entropy(rows.tokens, answer_rows, layers);
    } else {
      record.entropy_mean.assign(layers,
                                 std::numeric_limits<float>::quiet_NaN());
    }
    if (was_run) ++next;
    result->token_offset.push_back(static_cast<std::int64_t>(tokens.size()));
  }
}

void remove_rows(storage::UnitResult* result) {
  result->tokens = table::TokenRows(result->tokens.widths);
  result->token_offset = {0};
}

}  // namespace lens::worker
