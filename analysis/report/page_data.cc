#include "analysis/report/page_data.h"

#include <algorithm>

#include "analysis/figures/figures.h"

namespace lens::analysis::report {
namespace {

constexpr int kRampColours = 64;
constexpr int kLineColours = 8;

nlohmann::json ramp(figures::HeatMap::Scale scale) {
  nlohmann::json colours = nlohmann::json::array();
  for (int i = 0; i < kRampColours; ++i)
    colours.push_back(figures::scale_colour(scale, i / (kRampColours - 1.0)));
  return colours;
}

nlohmann::json line_colours() {
  nlohmann::json colours = nlohmann::json::array();
  for (int i = 0; i < kLineColours; ++i)
    colours.push_back(figures::line_colour(i));
  return colours;
}

// Pictures that samples share stand in the page once.
class PictureList {
 public:
  int place(const Thumbnail& thumbnail) {
    if (thumbnail.uri.empty()) return -1;
    const auto found = std::find(uris_.begin(), uris_.end(), thumbnail.uri);
    if (found != uris_.end()) return static_cast<int>(found - uris_.begin());
    uris_.push_back(thumbnail.uri);
    list_.push_back({{"uri", thumbnail.uri},
                     {"width", thumbnail.width},
                     {"height", thumbnail.height}});
    return static_cast<int>(uris_.size()) - 1;
  }
  const nlohmann::json& list() const { return list_; }

 private:
  std::vector<std::string> uris_;
  nlohmann::json list_ = nlohmann::json::array();
};

nlohmann::json csv_files(const std::vector<ReportFigure>& figures) {
  nlohmann::json files = nlohmann::json::object();
  for (const ReportFigure& figure : figures) files[figure.id] = figure.csv;
  return files;
}

void add_samples(const ReportContent& content, std::size_t shown,
                 nlohmann::json& json) {
  TokenTexts texts(content.source->vocabulary);
  for (std::size_t i = 0; i < shown; ++i)
    collect_texts(content.details[i], texts);
  PictureList pictures;
  nlohmann::json samples = nlohmann::json::array();
  for (std::size_t i = 0; i < shown; ++i) {
    const SampleDetail& detail = content.details[i];
    samples.push_back(
        sample_json(detail, pictures.place(detail.picture), texts));
  }
  json["samples"] = std::move(samples);
  json["pictures"] = pictures.list();
  json["textBytes"] = texts.place_bytes();
  json["texts"] = texts.texts();
}

}  // namespace

nlohmann::json page_json(const ReportContent& content, const PagePlan& plan) {
  const storage::ResultsReader& results = content.source->results;
  nlohmann::json datasets = nlohmann::json::array();
  for (const metrics::SampleTable& table : content.tables)
    datasets.push_back(table.population.dataset);
  const auto chosen = std::span(content.chosen).first(plan.shown);
  nlohmann::json json = {
      {"layers", results.layers()},
      {"ranks", results.ranks()},
      {"largestEntropy", content.largest_entropy},
      {"rightScore", content.options->right_score},
      {"entropyRamp", ramp(figures::HeatMap::Scale::kEntropy)},
      {"probabilityRamp", ramp(figures::HeatMap::Scale::kProbability)},
      {"lineColours", line_colours()},
      {"datasets", datasets},
      {"table", table_json(content.tables, content.texts,
                           listed_rows(content.tables, chosen, plan.listed),
                           plan.with_text)},
      {"csv", csv_files(content.figures)}};
  add_samples(content, plan.shown, json);
  return json;
}

}  // namespace lens::analysis::report
