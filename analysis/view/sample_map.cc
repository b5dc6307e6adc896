#include "analysis/view/sample_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "analysis/view/terminal_colour.h"
#include "analysis/view/terminal_text.h"

namespace lens::analysis::view {
namespace {

constexpr int kLabelWidth = 11;  // of "reference  "
constexpr int kLayerWidth = 6;   // of a row's label
constexpr int kLeastCell = 4;    // of a token in its column
constexpr int kMostCell = 10;

std::string labelled(const char* label, std::string_view text, int width) {
  const std::string shown =
      text.empty() ? "-" : wrapped(one_line_text(text), width, kLabelWidth);
  return fmt::format("{:<{}}", label, kLabelWidth) + shown + "\n";
}

std::string heading(const SampleView& view, const SampleMapOptions& options) {
  const storage::SampleRecord& sample = view.record();
  std::string text = view.dataset + "/" + one_line_text(sample.sample_id);
  if (!sample.language.empty()) text += ", " + one_line_text(sample.language);
  if (sample.image_width > 0)
    text += fmt::format(", image {} x {}, {} image tokens", sample.image_width,
                        sample.image_height, sample.image_tokens);
  text += "\n";
  text += labelled("prompt", sample.prompt, options.width);
  // Whoever only asked expects nothing.
  const bool is_scored = !sample.reference.empty() || !std::isnan(sample.score);
  if (is_scored) text += labelled("reference", sample.reference, options.width);
  if (sample.status != storage::SampleStatus::kOk)
    return text + labelled("failed", sample.failure, options.width);
  text += labelled("answer", sample.answer, options.width);
  if (!is_scored) return text;
  return text +
         labelled("score", fmt::format("{}", sample.score), options.width);
}

class Map {
 public:
  Map(const SampleView& view, const std::vector<std::string>& token_texts,
      const SampleMapOptions& options)
      : block_(view.block), texts_(token_texts), options_(options) {
    layers_ = options.layers;
    if (layers_.empty()) {
      layers_.resize(static_cast<std::size_t>(block_.layers()));
      std::iota(layers_.begin(), layers_.end(), 0);
    }
    for (std::int64_t t = view.first_generated; t < view.end_generated; ++t)
      cells_.push_back(cell_width(t));
    first_ = view.first_generated;
  }

  // The caption, and the blocks that the width makes.
  std::string text() const {
    std::string out = caption() + "\n";
    const int room = options_.width - kLayerWidth;
    for (std::size_t begin = 0; begin < cells_.size();) {
      int used = column_width(begin);
      std::size_t end = begin + 1;
      while (end < cells_.size() && used + column_width(end) <= room)
        used += column_width(end++);
      out += "\n" + rows(begin, end);
      begin = end;
    }
    return out;
  }

 private:
  std::int64_t token(std::size_t column) const {
    return first_ + static_cast<std::int64_t>(column);
  }

  const std::string& text_of(std::int32_t id) const {
    return texts_[static_cast<std::size_t>(id)];
  }

  const std::string& emitted(std::int64_t t) const {
    return text_of(
        block_.tokens.get<"token_id">()[static_cast<std::size_t>(t)]);
  }

  // As wide as its widest text, within bounds.
  int cell_width(std::int64_t t) const {
    int width = display_width(visible_token(emitted(t)));
    for (const int layer : layers_)
      width = std::max(
          width,
          display_width(visible_token(text_of(block_.top1_id(t, layer)))));
    return std::clamp(width, kLeastCell, kMostCell);
  }

  // With the gap; without colour also the bar and the brackets.
  int column_width(std::size_t column) const {
    return cells_[column] + (options_.colour ? 1 : 4);
  }

  bool match(std::int64_t t, int layer) const {
    return block_.top1_id(t, layer) ==
           block_.tokens.get<"token_id">()[static_cast<std::size_t>(t)];
  }

  // 0..1 of the scale.
  double share(std::int64_t t, int layer) const {
    if (options_.value == figures::HeatMap::Scale::kProbability)
      return std::exp(static_cast<double>(block_.top1_logprob(t, layer)));
    return static_cast<double>(
               block_.tokens.get<"entropy">()[block_.cell(t, layer)]) /
           std::log(static_cast<double>(texts_.size()));
  }

  std::string cell(std::size_t column, int layer) const {
    const std::int64_t t = token(column);
    const std::string shown = visible_token(text_of(block_.top1_id(t, layer)));
    const int width = cells_[column];
    if (options_.colour)
      return cell_colour(options_.value, share(t, layer), match(t, layer)) +
             fit(shown, width) + kPlain + " ";
    if (!match(t, layer))
      return share_bar(share(t, layer)) + " " + fit(shown, width) + "  ";
    const int used = std::min(width, display_width(shown));
    return share_bar(share(t, layer)) + "[" + fit(shown, used) + "]" +
           std::string(static_cast<std::size_t>(width - used) + 1, ' ');
  }

  std::string rows(std::size_t begin, std::size_t end) const {
    std::string out(kLayerWidth, ' ');
    for (std::size_t column = begin; column < end; ++column) {
      const std::string shown =
          fit(visible_token(emitted(token(column))), cells_[column]);
      out +=
          options_.colour ? kBold + shown + kPlain + " " : "  " + shown + "  ";
    }
    out += "\n";
    for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer) {
      out += fmt::format("{:>{}}  ", *layer, kLayerWidth - 2);
      for (std::size_t column = begin; column < end; ++column)
        out += cell(column, *layer);
      out += "\n";
    }
    return out;
  }

  // A scale with its ends.
  std::string caption() const {
    const bool entropy = options_.value == figures::HeatMap::Scale::kEntropy;
    std::string steps;
    for (int i = 0; i < 8; ++i) {
      const double value = (i + 0.5) / 8;
      steps += options_.colour
                   ? cell_colour(options_.value, value, false) + "  " + kPlain
                   : share_bar(value);
    }
    const std::string unit = entropy ? " nat" : "";
    return fmt::format(
        "{} 0 {} {}{}; the top token of each layer, {} where it is the token "
        "written",
        entropy ? "entropy" : "probability of the top token", steps,
        entropy ? fmt::format("{:.2f}",
                              std::log(static_cast<double>(texts_.size())))
                : "1",
        unit, options_.colour ? "bold and underlined" : "in brackets");
  }

  const tables::SampleBlock& block_;
  const std::vector<std::string>& texts_;
  const SampleMapOptions& options_;
  std::vector<int> layers_;
  std::vector<int> cells_;  // [token], columns of its texts
  std::int64_t first_ = 0;
};

}  // namespace

std::string sample_map(const SampleView& view,
                       const std::vector<std::string>& token_texts,
                       const SampleMapOptions& options) {
  std::string text = heading(view, options);
  if (view.record().status != storage::SampleStatus::kOk) return text;
  if (view.first_generated == view.end_generated)
    return text + "\nNo row of a generated token is in the file.\n";
  return text + "\n" + Map(view, token_texts, options).text();
}

}  // namespace lens::analysis::view
