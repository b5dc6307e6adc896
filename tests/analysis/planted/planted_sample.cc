#include <algorithm>
#include <cmath>
#include <limits>

#include "planted_results.h"
#include "planted_vocabulary.h"

namespace lens::analysis::planted {
namespace {

using storage::SampleRecord;
using storage::UnitResult;

// splitmix64: quick, and a sample's stream depends on its key alone.
class Draw {
 public:
  Draw(std::uint64_t seed, std::uint64_t stream, std::uint64_t key)
      : state_(seed * 0x9E3779B97F4A7C15u ^ (stream << 56)) {
    state_ = next() ^ key * 0xD1B54A32D192ED03u;
    next();
  }
  double share() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  int integer(int low, int high) {
    return low + static_cast<int>(share() * (high - low + 1));
  }
  // Sum of four: nearly normal, within 3.5 deviations.
  double normal() {
    return (share() + share() + share() + share() - 2) * std::sqrt(3.0);
  }

 private:
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  std::uint64_t state_;
};

double falling(double distance) { return 1 / (1 + std::exp(-distance)); }

// Writes the columns of one token, state by state.
class TokenPainter {
 public:
  TokenPainter(const Plan& plan, int script, int onset, std::int32_t id,
               Draw& draw, UnitResult& result)
      : plan_(plan),
        script_(script),
        middle_script_(script_index(plan.middle_script)),
        onset_(onset),
        depth_(std::min(plan.layers - 1, onset + plan.depth_lag)),
        early_hit_(draw.share() < 0.15 ? depth_ - 2 : -1),
        id_(id),
        draw_(draw),
        result_(result) {}

  void paint() {
    for (int l = 0; l < plan_.layers; ++l) {
      const double entropy = add_entropy(l);
      add_divergence(l);
      add_tokens(l, entropy);
      add_shares(l);
    }
  }

 private:
  bool last(int l) const { return l == plan_.layers - 1; }

  double add_entropy(int l) {
    const double full = std::log(plan_.vocabulary);
    const double high = 0.9 * full, low = 0.3;
    double value = low + (high - low) * falling(onset_ - 0.5 - l) +
                   plan_.noise_nats * draw_.normal();
    value = std::clamp(value, 0.0, full);
    result_.tokens.get<"entropy">().push_back(static_cast<float>(value));
    result_.tokens.get<"varentropy">().push_back(
        static_cast<float>(0.5 * value));
    return value;
  }

  void add_divergence(int l) {
    const double value = last(l) ? 0
                                 : 0.02 + 9 * falling(depth_ - 0.5 - l) *
                                              (0.9 + 0.2 * draw_.share());
    result_.tokens.get<"kl_final">().push_back(static_cast<float>(value));
  }

  int rank_at(int l) {
    if (l >= depth_ || l == early_hit_) return 1;
    const double most = std::log(plan_.vocabulary / 4.0);
    const double way = static_cast<double>(depth_ - l) / depth_;
    return std::clamp(1 + static_cast<int>(std::exp(most * way) *
                                           (0.7 + 0.6 * draw_.share())),
                      2, plan_.vocabulary);
  }

  int other_token(int l) {
    int script = script_;
    if (l < onset_ && is_middle(l)) script = middle_script_;
    if (l < plan_.middle_begin) script = draw_.integer(0, kScriptCount - 1);
    const int size = script_size(script, plan_.vocabulary);
    return script + kScriptCount * draw_.integer(0, size - 1);
  }

  void add_tokens(int l, double entropy) {
    const int rank = rank_at(l);
    result_.tokens.get<"target_rank">().push_back(rank);
    double probability = std::clamp(std::exp(-0.8 * entropy), 1e-4, 0.98);
    double left = 1, logprob = 0;
    const std::size_t begin = result_.tokens.get<"top_id">().size();
    for (int r = 0; r < plan_.ranks; ++r) {
      std::int32_t id = id_;
      const auto taken = [&](std::int32_t candidate) {
        return candidate == id_ ||
               std::find(result_.tokens.get<"top_id">().begin() +
                             static_cast<std::ptrdiff_t>(begin),
                         result_.tokens.get<"top_id">().end(),
                         candidate) != result_.tokens.get<"top_id">().end();
      };
      while (r + 1 != rank && taken(id)) id = other_token(l);
      logprob = std::log(probability);
      if (r + 1 == rank) add_target(logprob);
      result_.tokens.get<"top_id">().push_back(id);
      result_.tokens.get<"top_logprob">().push_back(
          static_cast<float>(logprob));
      left -= probability;
      probability = std::min(probability, left) * (0.4 + 0.2 * draw_.share());
    }
    if (rank > plan_.ranks) {
      add_target(logprob - std::log(static_cast<double>(rank) / plan_.ranks));
    }
  }

  void add_target(double logprob) {
    result_.tokens.get<"target_logprob">().push_back(
        static_cast<float>(logprob));
  }

  bool is_middle(int l) const {
    return l >= plan_.middle_begin && l < plan_.middle_end;
  }

  // Early: all scripts alike. Middle: the stated one. Late: the answer's.
  void add_shares(int l) {
    const int favoured = is_middle(l) ? middle_script_ : script_;
    double share = is_middle(l) ? plan_.middle_share : 0.9;
    if (l < plan_.middle_begin) share = 1.0 / kScriptCount;
    share *= 0.98 + 0.02 * draw_.share();
    const double rest = (1 - share) / (kScriptCount - 1);
    double moved = 0;  // jitter in pairs keeps the sum
    for (int c = 0; c < kScriptCount; ++c) {
      if (c % 2 == 0) moved = 0.3 * rest * (2 * draw_.share() - 1);
      const double jitter = c % 2 == 0 ? moved : -moved;
      result_.tokens.get<"script_share">().push_back(
          static_cast<float>((c == favoured ? share : rest) + jitter));
    }
  }

  const Plan& plan_;
  const int script_, middle_script_, onset_, depth_, early_hit_;
  const std::int32_t id_;
  Draw& draw_;
  UnitResult& result_;
};

const char* question_in(const std::string& language) {
  static const std::map<std::string, const char*> kQuestions = {
      {"AR", "ما هو المكتوب على اللافتة؟"},
      {"DE", "Was steht auf dem Schild?"},
      {"FR", "Qu'est-il écrit sur le panneau ?"},
      {"IT", "Cosa c'è scritto sul cartello?"},
      {"JA", "看板には何と書いてありますか？"},
      {"KR", "간판에 뭐라고 쓰여 있나요?"},
      {"RU", "Что написано на вывеске?"},
      {"TH", "ป้ายเขียนว่าอะไร"},
      {"VI", "Trên biển viết gì?"}};
  return kQuestions.at(language);
}

class SamplePainter {
 public:
  SamplePainter(const Plan& plan, const DatasetPlan& dataset,
                UnitResult& result)
      : plan_(plan), dataset_(dataset), result_(result) {}

  void paint(std::int64_t number) {
    const std::uint64_t stream = dataset_.name == "mtvqa" ? 1 : 2;
    const int questions = stream == 1 ? 3 : 1;
    const std::int64_t row = number / questions;
    Draw of_image(plan_.seed, stream + 2, static_cast<std::uint64_t>(row));
    Draw draw(plan_.seed, stream, static_cast<std::uint64_t>(number));
    SampleRecord sample;
    sample.source_row = row;
    sample.question_index = static_cast<std::int32_t>(number % questions);
    sample.sample_id = std::to_string(row);
    if (questions > 1) {
      sample.sample_id += "." + std::to_string(sample.question_index);
      const auto& all =
          dataset_.languages.empty() ? all_languages() : dataset_.languages;
      sample.language = all[static_cast<std::size_t>(row) % all.size()];
      sample.prompt = question_in(sample.language);
    } else {
      sample.prompt = "Using LaTeX to perform OCR on the image.";
    }
    sample.image_height = 28 * of_image.integer(2, 30);
    sample.image_width = 28 * of_image.integer(4, 40);
    sample.entropy_mean.assign(static_cast<std::size_t>(plan_.layers),
                               std::numeric_limits<float>::quiet_NaN());
    if (draw.share() < plan_.failed_share) {
      fail(sample, draw);
    } else {
      answer(sample, plan_.picture_spread * of_image.normal(), draw);
    }
    result_.samples.push_back(std::move(sample));
    result_.token_offset.push_back(
        static_cast<std::int64_t>(result_.tokens.get<"token_id">().size()));
  }

 private:
  static void fail(SampleRecord& sample, Draw& draw) {
    static const char* const kReasons[] = {
        "cannot decode the image (JPEG is cut short)",
        "the prompt has 40000 tokens (32768 fit)",
        "worker died twice with this sample (signal 9)"};
    sample.status = storage::SampleStatus::kFailed;
    sample.reference = "lost";
    sample.failure = kReasons[draw.integer(0, 2)];
  }

  double sample_onset(const SampleRecord& sample, bool right,
                      Draw& draw) const {
    const auto found = dataset_.language_onset.find(sample.language);
    double onset =
        found == dataset_.language_onset.end() ? dataset_.onset : found->second;
    const double area = static_cast<double>(sample.image_height) *
                        static_cast<double>(sample.image_width);
    const double middle = (dataset_.least_tokens + dataset_.most_tokens) / 2.0;
    onset += dataset_.area_effect * std::log2(area / (448 * 616));
    if (sample.answer_tokens > 0) {
      onset +=
          dataset_.length_effect * std::log2(sample.answer_tokens / middle);
    }
    if (!right) onset += dataset_.wrong_effect;
    return onset + plan_.sample_spread * draw.normal();
  }

  int token_script(const std::string& own, Draw& draw) const {
    if (dataset_.name == "mtvqa") return script_index(own);
    static const char* const kFormula[] = {"Latin", "digit", "punctuation",
                                           "LaTeX command"};
    return script_index(kFormula[draw.integer(0, 3)]);
  }

  // `shift`, in layers, is what the questions of a picture share.
  void answer(SampleRecord& sample, double shift, Draw& draw) {
    const bool empty = draw.share() < plan_.empty_share;
    const bool right = !empty && draw.share() < dataset_.right_share;
    sample.grid_height = sample.image_height / 14;
    sample.grid_width = sample.image_width / 14;
    sample.image_tokens = sample.grid_height * sample.grid_width / 4;
    sample.prompt_tokens = sample.image_tokens + draw.integer(20, 40);
    sample.answer_tokens =
        empty ? 0 : draw.integer(dataset_.least_tokens, dataset_.most_tokens);
    const double onset = shift + sample_onset(sample, right, draw);
    const std::string script = script_of_language(sample.language);
    const std::size_t begin = result_.tokens.get<"token_id">().size();
    for (int t = 0; t <= sample.answer_tokens; ++t) {
      const bool end = t == sample.answer_tokens;
      const int class_index = token_script(script, draw);
      const int drawn = draw.integer(
          0, std::min(100, script_size(class_index, plan_.vocabulary)) - 1);
      const std::int32_t id =
          end ? kEndToken : class_index + kScriptCount * drawn;
      if (!end) sample.answer += token_text(id);
      result_.tokens.get<"token_id">().push_back(id);
      result_.tokens.get<"token_position">().push_back(sample.prompt_tokens +
                                                       t);
      result_.tokens.get<"token_role">().push_back(
          static_cast<std::uint8_t>(end ? storage::TokenRole::kEndOfAnswer
                                        : storage::TokenRole::kAnswer));
      const int at = static_cast<int>(
          std::lround(onset + plan_.token_spread * draw.normal()));
      TokenPainter(plan_, class_index, std::clamp(at, 1, plan_.layers - 1), id,
                   draw, result_)
          .paint();
    }
    set_means(sample, begin);
    judge(sample, right, draw);
  }

  void set_means(SampleRecord& sample, std::size_t begin) const {
    const auto layers = static_cast<std::size_t>(plan_.layers);
    const auto count = static_cast<std::size_t>(sample.answer_tokens);
    for (std::size_t l = 0; count > 0 && l < layers; ++l) {
      double sum = 0;
      for (std::size_t t = begin; t < begin + count; ++t) {
        sum += result_.tokens.get<"entropy">()[t * layers + l];
      }
      sample.entropy_mean[l] =
          static_cast<float>(sum / static_cast<double>(count));
    }
  }

  void judge(SampleRecord& sample, bool right, Draw& draw) const {
    if (right) {
      sample.reference = sample.answer;
      sample.score = 1;
      return;
    }
    const int letters = draw.integer(3, 20);
    for (int i = 0; i < letters; ++i) {
      sample.reference += static_cast<char>('a' + draw.integer(0, 25));
    }
    sample.score = dataset_.name == "mtvqa"
                       ? 0
                       : static_cast<float>(0.2 + 0.5 * draw.share());
  }

  const Plan& plan_;
  const DatasetPlan& dataset_;
  UnitResult& result_;
};

}  // namespace

UnitResult make_samples(const Plan& plan, const DatasetPlan& dataset,
                        std::int64_t begin, std::int64_t end) {
  UnitResult result;
  result.tokens = table::TokenRows(
      {.layers = plan.layers, .ranks = plan.ranks, .scripts = kScriptCount});
  SamplePainter painter(plan, dataset, result);
  for (std::int64_t number = begin; number < end; ++number) {
    painter.paint(number);
  }
  return result;
}

}  // namespace lens::analysis::planted
