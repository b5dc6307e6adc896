#include "analysis/report/content.h"

#include <cmath>
#include <span>

#include "analysis/metrics/run_tables.h"
#include "analysis/report/figure_set.h"
#include "analysis/report/image_maps.h"
#include "analysis/report/pictures.h"
#include "analysis/statistics/make_study.h"
#include "analysis/statistics/study_json.h"

namespace lens::analysis::report {
namespace {

void tell(const ReportOptions& options, std::string_view what) {
  if (options.progress) options.progress(what);
}

void read_tables(ReportContent& content) {
  const ReportOptions& options = *content.options;
  content.tables = metrics::read_tables(
      std::span(content.source, 1),
      {.onset = options.study.onset, .right_score = options.right_score},
      options.progress);
  const storage::ResultsReader& results = content.source->results;
  for (const metrics::SampleTable& table : content.tables) {
    const std::string& dataset = table.population.dataset;
    content.texts.push_back(
        {.reference = results.read_all<std::string>(dataset, "reference"),
         .answer = results.read_all<std::string>(dataset, "answer")});
  }
}

// Details of the chosen samples of table `t`.
std::vector<std::size_t> details_of(const ReportContent& content,
                                    std::size_t t) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < content.chosen.size(); ++i)
    if (content.chosen[i].table == t) places.push_back(i);
  return places;
}

void add_pictures(ReportContent& content, std::size_t t) {
  const std::vector<std::size_t> places = details_of(content, t);
  if (places.empty()) return;
  std::vector<PictureRequest> requests;
  for (const std::size_t i : places)
    requests.push_back({.source_row = content.details[i].source_row,
                        .width = content.details[i].image_width,
                        .height = content.details[i].image_height});
  const std::string& dataset = content.tables[t].population.dataset;
  Pictures pictures =
      read_pictures(*content.source->manifest, dataset, requests);
  for (std::size_t i = 0; i < places.size(); ++i)
    content.details[places[i]].picture = std::move(pictures.thumbnails[i]);
  if (!pictures.missing.empty())
    content.notes.push_back("Pictures of " + dataset +
                            " are not shown: " + pictures.missing + ".");
}

void choose(ReportContent& content) {
  content.chosen = choose_samples(content.tables, content.options->samples);
  for (const SampleKey& key : content.chosen) {
    const metrics::SampleTable& table = content.tables[key.table];
    content.details.push_back(read_sample_detail(content.source->results,
                                                 table.population.dataset,
                                                 table.rows[key.row]));
  }
  if (!content.source->manifest) {
    for (SampleDetail& detail : content.details)
      detail.picture.reason = "the manifest of the run is not known";
    return;
  }
  for (std::size_t t = 0; t < content.tables.size(); ++t)
    add_pictures(content, t);
}

}  // namespace

ReportContent gather_content(const Source& source,
                             const ReportOptions& options) {
  ReportContent content;
  content.source = &source;
  content.options = &options;
  content.largest_entropy =
      std::log(static_cast<double>(source.vocabulary.token_text.size()));
  read_tables(content);
  tell(options, "statistics");
  statistics::StudyOptions study = options.study;
  if (!study.progress) study.progress = options.progress;
  content.study = statistics::make_study(content.tables, study);
  content.study_json = statistics::study_json(content.study);
  tell(options, "figures");
  content.figures =
      make_figures(content.study, content.tables, content.largest_entropy);
  tell(options, "samples and pictures");
  choose(content);
  for (ReportFigure& map :
       make_image_maps(source, content.tables, content.chosen, content.details,
                       content.largest_entropy))
    content.figures.push_back(std::move(map));
  return content;
}

}  // namespace lens::analysis::report
