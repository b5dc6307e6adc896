#include "analysis/report/image_maps.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>

#include "analysis/figures/figure_csv.h"
#include "analysis/figures/figures.h"
#include "analysis/figures/image_grid.h"

namespace lens::analysis::report {
namespace {

constexpr auto kImageRole =
    static_cast<std::uint8_t>(storage::TokenRole::kImage);

// The rows of one sample that were read at its image tokens.
struct ImageRows {
  figures::TokenGrid grid;
  std::vector<std::int64_t> row;     // [image token], of the group, or kNoRow
  std::vector<float> entropy;        // [row of the sample, layer]
  std::vector<std::int32_t> top_id;  // [row of the sample, layer, rank]
};

ImageRows read_image_rows(const storage::ResultsReader& results,
                          const std::string& dataset,
                          const metrics::SampleRow& sample) {
  const auto role = results.read<std::uint8_t>(
      dataset, "token_role", sample.token_begin, sample.token_end);
  ImageRows rows;
  if (std::find(role.begin(), role.end(), kImageRole) == role.end())
    return rows;
  rows.row = figures::image_token_rows(
      role,
      results.read<std::int32_t>(dataset, "token_position", sample.token_begin,
                                 sample.token_end),
      sample.image_tokens);
  rows.grid = figures::token_grid({.image_height = sample.image_height,
                                   .image_width = sample.image_width,
                                   .grid_height = sample.grid_height,
                                   .grid_width = sample.grid_width});
  rows.entropy = results.read<float>(dataset, "entropy", sample.token_begin,
                                     sample.token_end);
  rows.top_id = results.read<std::int32_t>(
      dataset, "top_id", sample.token_begin, sample.token_end);
  return rows;
}

figures::ImageMap map_at(const ImageRows& rows, int layer, std::int64_t layers,
                         std::int64_t ranks,
                         const storage::Vocabulary& vocabulary) {
  figures::ImageMap map;
  map.rows = rows.grid.rows;
  map.columns = rows.grid.columns;
  for (const std::int64_t row : rows.row) {
    if (row == figures::kNoRow) {
      map.value.push_back(std::numeric_limits<double>::quiet_NaN());
      map.cell_text.emplace_back();
      continue;
    }
    const auto state = static_cast<std::size_t>(row * layers + layer);
    map.value.push_back(rows.entropy[state]);
    const std::int32_t id =
        rows.top_id[state * static_cast<std::size_t>(ranks)];
    map.cell_text.push_back(
        id >= 0 && static_cast<std::size_t>(id) < vocabulary.token_text.size()
            ? vocabulary.token_text[static_cast<std::size_t>(id)]
            : fmt::format("#{}", id));
  }
  return map;
}

// A quarter, half, three quarters and all of the depth.
std::set<int> layers_to_map(std::int64_t layers) {
  const double last = static_cast<double>(layers) - 1;
  std::set<int> chosen;
  for (const double share : {0.25, 0.5, 0.75, 1.0})
    chosen.insert(static_cast<int>(std::lround(share * last)));
  return chosen;
}

constexpr const char* kCaption =
    "What the model would say at each image token of this layer, and how sure "
    "it is, over the part of the picture that the token stands for. Read with "
    "care: how much the logit lens tells of image tokens is contested (other "
    "read-outs find more of them interpretable), and a token's state also "
    "holds what its neighbours show. A cell without a value has no row in "
    "this run.";

}  // namespace

std::vector<ReportFigure> make_image_maps(
    const Source& source, std::span<const metrics::SampleTable> tables,
    std::span<const SampleKey> chosen, std::span<const SampleDetail> details,
    double largest_entropy) {
  const storage::ResultsReader& results = source.results;
  std::vector<ReportFigure> figures;
  std::size_t bytes = 0, samples = 0;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    if (samples == kMostMappedSamples || bytes > kMostMapBytes) break;
    const metrics::SampleTable& table = tables[chosen[i].table];
    const metrics::SampleRow& sample = table.rows[chosen[i].row];
    if (!sample.ok || sample.image_tokens == 0) continue;
    const ImageRows rows =
        read_image_rows(results, table.population.dataset, sample);
    if (rows.row.empty()) continue;
    ++samples;
    for (const int layer : layers_to_map(results.layers())) {
      figures::ImageMap map = map_at(rows, layer, results.layers(),
                                     results.ranks(), source.vocabulary);
      map.title =
          fmt::format("Image tokens of {} {}, layer {}",
                      table.population.dataset, sample.sample_id, layer);
      map.subtitle = fmt::format("{} x {} tokens", map.columns, map.rows);
      map.picture_uri = details[i].picture.uri;
      map.picture_width = sample.image_width;
      map.picture_height = sample.image_height;
      map.largest_entropy = largest_entropy;
      ReportFigure figure;
      figure.id = fmt::format("image-{}-{}-layer-{}", table.population.dataset,
                              sample.sample_id, layer);
      figure.title = map.title;
      figure.caption = kCaption;
      figure.svg = figures::image_map_svg(map);
      figure.csv = figures::image_map_csv(map);
      bytes += figure.svg.size();
      figures.push_back(std::move(figure));
    }
  }
  return figures;
}

}  // namespace lens::analysis::report
