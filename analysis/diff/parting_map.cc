#include "analysis/diff/parting_map.h"

#include <fmt/format.h>

#include <algorithm>

#include "analysis/view/terminal_colour.h"
#include "analysis/view/terminal_text.h"

namespace lens::analysis::diff {
namespace {

using Scale = figures::HeatMap::Scale;

constexpr int kLayerWidth = 6;
constexpr int kRankWidth = 8;
constexpr int kLeastCell = 6, kMostCell = 24;

std::string labelled(char name, const std::string& text, float score,
                     int width) {
  const std::string shown = text.empty() ? "-" : view::one_line_text(text);
  return fmt::format(
      "  {}  {}\n", name,
      view::wrapped(fmt::format("{} (score {:.3g})", shown, score), width - 5,
                    5));
}

// One run's cell of a layer: the entropy as colour or bar, the top token, the
// ranks of the two written tokens.
std::string cell(const PartingSide& side, std::size_t layer, int width,
                 const PartingMapOptions& options) {
  if (!side.has_token)
    return std::string(static_cast<std::size_t>(width + 4 + 2 * kRankWidth),
                       ' ');
  const double share =
      static_cast<double>(side.entropy[layer]) / options.largest_entropy;
  const bool match = side.own_rank[layer] == 1;
  const std::string top =
      view::fit(view::visible_token(side.top[layer]), width);
  std::string text = options.colour
                         ? view::cell_colour(Scale::kEntropy, share, match) +
                               " " + top + " " + view::kPlain + "  "
                         : view::share_bar(share) + (match ? "[" : " ") + top +
                               (match ? "]" : " ") + " ";
  return text +
         fmt::format("{:>{}}{:>{}}", rank_text(side.own_rank[layer], side.kept),
                     kRankWidth, rank_text(side.other_rank[layer], side.kept),
                     kRankWidth);
}

std::string column_head(char name, const PartingSide& side, int width) {
  return view::fit(fmt::format("{} wrote {}", name, written_words(side)),
                   width + 4) +
         fmt::format("{:>{}}{:>{}}", "its", kRankWidth, "other's", kRankWidth);
}

}  // namespace

std::string rank_text(std::int32_t rank, std::size_t kept) {
  return rank > 0 ? std::to_string(rank) : fmt::format(">{}", kept);
}

std::string written_words(const PartingSide& side) {
  if (!side.has_token) return "nothing: it was cut";
  if (side.is_end) return "the end";
  return view::visible_token(side.token);
}

std::string parting_map(const ChangedAnswer& changed,
                        const PartingMapOptions& options) {
  std::string text =
      labelled('A', changed.answer_a, changed.score_a, options.width) +
      labelled('B', changed.answer_b, changed.score_b, options.width);
  const std::size_t layers =
      std::max(changed.a.top.size(), changed.b.top.size());
  if (changed.parting_layer >= 0)
    text += fmt::format("  their top tokens differ from layer {} on\n",
                        changed.parting_layer);
  const int cells =
      (options.width - kLayerWidth - 2 * (2 * kRankWidth + 6)) / 2;
  const int width = std::clamp(cells, kLeastCell, kMostCell);
  text += fmt::format("{:>{}}  ", "layer", kLayerWidth - 2) +
          column_head('A', changed.a, width) + "  " +
          column_head('B', changed.b, width) + "\n";
  for (std::size_t layer = layers; layer-- > 0;)
    text += fmt::format("{:>{}}  ", layer, kLayerWidth - 2) +
            cell(changed.a, layer, width, options) + "  " +
            cell(changed.b, layer, width, options) + "\n";
  return text;
}

}  // namespace lens::analysis::diff
