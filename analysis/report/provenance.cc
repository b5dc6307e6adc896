#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "analysis/report/markup.h"
#include "analysis/report/sections.h"

namespace lens::analysis::report {
namespace {

std::string row(const std::string& name, const std::string& value) {
  return fmt::format(
      "<tr><th scope=\"row\">{}</th><td dir=\"auto\">{}</td></tr>\n",
      html_text(name), html_text(value));
}

std::string part(const char* title, const std::string& rows) {
  return fmt::format(
      "<h3>{}</h3>\n<table class=\"pairs\"><tbody>\n{}</tbody></table>\n",
      title, rows);
}

std::string file_rows(const ReportContent& content) {
  const storage::ResultsInfo& info = content.source->results.info();
  std::string rows =
      row("file", content.source->file.filename().string()) +
      row("run_id", info.run_id) +
      row("software_version", info.software_version) +
      row("git_commit", info.git_commit) + row("model_name", info.model_name) +
      row("model_sha256", info.model_sha256) +
      row("tokenizer_sha256", info.tokenizer_sha256) +
      row("dtype", info.dtype) + row("device_names", info.device_names) +
      row("samples_total", std::to_string(info.samples_total)) +
      row("samples_ok", std::to_string(info.samples_ok)) +
      row("samples_failed", std::to_string(info.samples_failed)) +
      row("complete", info.complete ? "1" : "0");
  for (const storage::DatasetSummary& dataset :
       content.source->results.datasets())
    rows += row(dataset.name + " content_sha256", dataset.content_sha256);
  return rows;
}

std::string input_rows(const storage::Manifest& manifest) {
  std::string rows;
  for (const storage::DatasetInput& dataset : manifest.datasets)
    for (const storage::InputFile& file : dataset.files)
      rows +=
          row(dataset.name, fmt::format("{}, {} bytes, SHA-256 {}", file.path,
                                        file.bytes, file.sha256));
  return rows;
}

// config_json key by key; as it is where it is no object.
std::string config_rows(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return row("config_json", text);
  std::string rows;
  for (const auto& [key, value] : json.items())
    rows +=
        row(key, value.is_string() ? value.get<std::string>() : value.dump());
  return rows;
}

std::string study_rows(const ReportContent& content) {
  const statistics::StudyOptions& study = content.study.options;
  return row("onset: fraction a of the fall from peak to last layer",
             short_number(study.onset.fraction)) +
         row("onset: least fall, nats",
             short_number(study.onset.least_range_nats)) +
         row("an answer counts as right from score",
             short_number(content.options->right_score)) +
         row("bootstrap resamples (of pictures)",
             std::to_string(study.bootstrap_resamples)) +
         row("permutations", std::to_string(study.permutations)) +
         row("confidence", short_number(study.confidence)) +
         row("significance, of the adjusted p",
             short_number(study.significance)) +
         row("least pictures of a tested group",
             std::to_string(study.least_group)) +
         row("seed", std::to_string(study.seed)) +
         row("largest entropy, ln V", short_number(content.largest_entropy, 8));
}

}  // namespace

std::string provenance_html(const ReportContent& content) {
  const auto& manifest = content.source->manifest;
  return part("Results file", file_rows(content)) +
         part("Configuration of the run",
              config_rows(content.source->results.info().config_json)) +
         (manifest ? part("Input files", input_rows(*manifest))
                   : std::string()) +
         part("Parameters of the statistics", study_rows(content));
}

}  // namespace lens::analysis::report
