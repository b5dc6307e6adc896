#include "storage/invariants.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <type_traits>

namespace lens::storage {
namespace {

// The last state against itself: what is left is the rounding of float32 sums
// over a vocabulary.
constexpr double kLastStateKl = 1e-3;  // nats
constexpr double kMeanSlack = 1e-3;    // nats
constexpr double kShareSumSlack = 1e-2;

template <class Value>
bool finite(std::span<const Value> values) {
  if constexpr (!std::is_floating_point_v<Value>) {
    return true;
  } else {
    return std::all_of(values.begin(), values.end(),
                       [](Value value) { return std::isfinite(value); });
  }
}

bool is_answer(const table::TokenRows& rows, std::size_t token) {
  const auto role = static_cast<TokenRole>(rows.get<"token_role">()[token]);
  return role == TokenRole::kAnswer || role == TokenRole::kEndOfAnswer;
}

template <class Value>
bool within(std::span<const Value> values, const table::Range& range) {
  return std::all_of(values.begin(), values.end(), [&](Value value) {
    return !(value < range.low) && !(value > range.high);
  });
}

}  // namespace

ValueRules value_rules(std::int64_t vocabulary_size, bool generation_config,
                       const std::string& dtype) {
  return {.vocabulary_size = vocabulary_size,
          .greedy = !generation_config,
          // The spacing of bfloat16 logits near 30 is 0.125.
          .near_tie_nats = dtype == "bfloat16" ? 0.25 : 0.01};
}

SampleChecker::SampleChecker(ValueRules rules) : rules_(rules) {
  for (const table::Column& column : table::kColumns) {
    ranges_.push_back(column.valid_range(rules.vocabulary_size));
  }
}

std::vector<std::string> SampleChecker::check(const UnitResult& piece,
                                              std::size_t index) {
  problems_.clear();
  where_.clear();
  check_order(piece.samples[index]);
  check_record(piece.samples[index]);
  const std::int64_t begin = piece.token_offset[index];
  for (auto t = begin; t < piece.token_offset[index + 1]; ++t) {
    where_ = "token " + std::to_string(t - begin) + ": ";
    check_token(piece, static_cast<std::size_t>(t));
  }
  where_.clear();
  check_mean(piece, index);
  return std::move(problems_);
}

void SampleChecker::problem(const std::string& what) {
  problems_.push_back(where_ + what);
}

// Invariant: a NaN is no value; a limit that is NaN is none.
void SampleChecker::check_range(const table::Column& column,
                                const table::ColumnView& values) {
  std::visit(
      [&]<class Value>(std::span<const Value> typed) {
        if constexpr (!std::is_same_v<Value, std::string>) {
          if (!finite(typed)) {
            problem(std::string(column.name) +
                    " is not finite (NaN or infinite)");
          } else if (!within(typed, ranges_[table::index_of(column)])) {
            problem(std::string(column.name) + " is out of range");
          }
        }
      },
      values);
}

void SampleChecker::check_absent(const table::Column& column,
                                 const table::ColumnView& values) {
  const auto& typed = std::get<std::span<const float>>(values);
  if (!std::all_of(typed.begin(), typed.end(),
                   [](float value) { return std::isnan(value); })) {
    problem(std::string(column.name) + " says something of a prompt's token");
  }
}

void SampleChecker::check_order(const SampleRecord& sample) {
  if (sample.source_row < last_row_ ||
      (sample.source_row == last_row_ &&
       sample.question_index <= last_question_)) {
    problem("stands twice or out of order");
  }
  last_row_ = sample.source_row;
  last_question_ = sample.question_index;
}

void SampleChecker::check_record(const SampleRecord& sample) {
  const bool ok = sample.status == SampleStatus::kOk;
  if (sample.sample_id.empty()) problem("has no sample_id");
  if (ok != sample.failure.empty()) {
    problem(ok ? "is ok but has a failure" : "failed without a reason");
  }
  if (std::min({sample.image_height, sample.image_width, sample.grid_height,
                sample.grid_width, sample.image_tokens, sample.prompt_tokens,
                sample.answer_tokens, sample.question_index}) < 0) {
    problem("has a negative size or count");
  }
  if (!ok && !std::isnan(sample.score)) problem("failed but has a score");
  if (!std::isnan(sample.score)) {
    const auto score = std::span(&sample.score, 1);
    if (!finite(score)) {
      problem("score is not finite (NaN or infinite)");
    } else if (!within(score, {0, 1})) {
      problem("score is out of range");
    }
  }
}

void SampleChecker::check_token(const UnitResult& piece, std::size_t token) {
  const table::TokenRows& rows = piece.tokens;
  for (const table::Column& column : table::kColumns) {
    if (!column.of_tokens() || !rows.widths.has(column)) continue;
    if (column.of_answers && !is_answer(rows, token)) {
      check_absent(column, rows.view(column, token));
    } else {
      check_range(column, rows.view(column, token));
    }
  }
  const auto ranks = static_cast<std::size_t>(rows.widths.ranks);
  const auto scripts = static_cast<std::size_t>(rows.widths.scripts);
  const auto top = rows.row<"top_logprob">(token);
  const auto shares = rows.row<"script_share">(token);
  for (std::size_t l = 0; l < static_cast<std::size_t>(rows.widths.layers);
       ++l) {
    const auto of_layer = top.subspan(l * ranks, ranks);
    if (!std::is_sorted(of_layer.rbegin(), of_layer.rend())) {
      problem("top_logprob rises along rank");
    }
    double sum = 0;
    for (const float share : shares.subspan(l * scripts, scripts)) sum += share;
    // Negated, so that a NaN is a problem too.
    if (!(std::abs(sum - 1) <= kShareSumSlack)) {
      problem("script_share does not sum to 1");
    }
  }
  check_last_state(rows, token);
}

void SampleChecker::check_last_state(const table::TokenRows& rows,
                                     std::size_t token) {
  if (!(std::abs(rows.row<"kl_final">(token).back()) <= kLastStateKl)) {
    problem("kl_final of the last state is not 0");
  }
  const auto role = static_cast<TokenRole>(rows.get<"token_role">()[token]);
  // With generation settings another token than the likeliest may be right;
  // prompt tokens were chosen by nobody.
  if (!rules_.greedy ||
      (role != TokenRole::kAnswer && role != TokenRole::kEndOfAnswer)) {
    return;
  }
  const auto last = static_cast<std::size_t>(rows.widths.layers - 1);
  const std::size_t top = last * static_cast<std::size_t>(rows.widths.ranks);
  if (rows.row<"top_id">(token)[top] != rows.get<"token_id">()[token] &&
      !(rows.row<"top_logprob">(token)[top] -
            rows.row<"target_logprob">(token)[last] <=
        rules_.near_tie_nats)) {
    problem("top-1 of the last state is not the emitted token");
  }
}

// The rows of the answer are not there with --tokens image, say; then only its
// range is known.
void SampleChecker::check_mean(const UnitResult& piece, std::size_t index) {
  const SampleRecord& sample = piece.samples[index];
  const table::TokenRows& rows = piece.tokens;
  const auto layers = static_cast<std::size_t>(rows.widths.layers);
  std::vector<double> sum(layers, 0.0);
  std::int32_t count = 0;
  for (auto t = piece.token_offset[index]; t < piece.token_offset[index + 1];
       ++t) {
    const auto token = static_cast<std::size_t>(t);
    if (static_cast<TokenRole>(rows.get<"token_role">()[token]) !=
        TokenRole::kAnswer) {
      continue;
    }
    ++count;
    const auto values = rows.row<"entropy">(token);
    for (std::size_t l = 0; l < layers; ++l) sum[l] += values[l];
  }
  const bool none =
      sample.status != SampleStatus::kOk || sample.answer_tokens == 0;
  if (none) {
    if (std::any_of(sample.entropy_mean.begin(), sample.entropy_mean.end(),
                    [](float value) { return !std::isnan(value); })) {
      problem("has an entropy_mean without answer tokens");
    }
    return;
  }
  check_range(*table::find_column("entropy_mean"),
              std::span(sample.entropy_mean));
  if (count == 0) return;
  if (count != sample.answer_tokens) {
    problem("has " + std::to_string(count) + " answer rows but " +
            std::to_string(sample.answer_tokens) + " answer_tokens");
    return;
  }
  for (std::size_t l = 0; l < layers; ++l) {
    if (!(std::abs(sample.entropy_mean[l] - sum[l] / count) <= kMeanSlack)) {
      problem("has an entropy_mean that is not the mean of its rows");
      return;
    }
  }
}

std::map<std::string, std::string> bad_samples(const UnitResult& unit,
                                               const ValueRules& rules) {
  std::map<std::string, std::string> bad;
  SampleChecker checker(rules);
  for (std::size_t s = 0; s < unit.samples.size(); ++s) {
    const std::vector<std::string> problems = checker.check(unit, s);
    if (!problems.empty()) {
      bad.emplace(unit.samples[s].sample_id, problems.front());
    }
  }
  return bad;
}

ValueChecker::ValueChecker(std::string name, ValueRules rules)
    : name_(std::move(name)), checker_(rules) {}

void ValueChecker::check(const UnitResult& piece) {
  for (std::size_t s = 0; s < piece.samples.size(); ++s) {
    const SampleRecord& sample = piece.samples[s];
    const bool ok = sample.status == SampleStatus::kOk;
    ++(ok ? samples_ok_ : samples_failed_);
    for (const std::string& what : checker_.check(piece, s)) {
      if (problems_.size() == kMaxProblems) {
        ++left_out_;
        continue;
      }
      problems_.push_back(name_ + ": sample " + sample.sample_id + " " + what);
    }
  }
}

std::vector<std::string> ValueChecker::problems() const {
  std::vector<std::string> all = problems_;
  if (left_out_ > 0) {
    all.push_back(name_ + ": " + std::to_string(left_out_) +
                  " more problems of this kind");
  }
  return all;
}

}  // namespace lens::storage
