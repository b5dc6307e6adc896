#include "analysis/report/sections.h"

#include <fmt/format.h>

#include <map>
#include <sstream>

#include "analysis/report/markup.h"

namespace lens::analysis::report {
namespace {

// Samples named for one reason.
constexpr std::size_t kNamedFailures = 30;
// Of a longer answer the first lines are seen at once; the others fold away.
constexpr std::size_t kMostLines = 7;
constexpr std::size_t kFirstLines = 5;

std::string dataset_words(const storage::DatasetSummary& dataset) {
  return fmt::format("{}: {} samples, {} ok, {} failed, {} tokens",
                     dataset.name, dataset.samples, dataset.samples_ok,
                     dataset.samples_failed, dataset.tokens);
}

std::string group_words(const statistics::Test& test) {
  std::string words;
  for (std::size_t i = 0; i < test.populations.size(); ++i) {
    words += "<div><bdi>" + html_text(test.populations[i].name()) + "</bdi>";
    if (i < test.group_means.size())
      words += " " + short_number(test.group_means[i], 3);
    if (i < test.group_pictures.size())
      words += fmt::format(" <span class=\"quiet\">({} pictures)</span>",
                           test.group_pictures[i]);
    words += "</div>";
  }
  return words;
}

std::string test_row(const statistics::Test& test) {
  return fmt::format(
      "<tr{}><th scope=\"row\">{}</th><td class=\"groups\">{}</td>"
      "<td>{} = {}</td>"
      "<td>{} = {}</td><td class=\"number\">{}</td>"
      "<td class=\"number\">{}</td><td>{}</td></tr>\n",
      test.significant ? " class=\"significant\"" : "", html_text(test.name()),
      group_words(test), html_text(test.method().statistic),
      short_number(test.statistic, 3), html_text(test.method().effect),
      short_number(test.effect, 3), short_number(test.p, 3),
      short_number(test.p_adjusted, 3), html_text(test.sentence));
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// "mtvqa: the rest" has its subject set off.
std::string answer_line(const std::string& line) {
  constexpr std::size_t kLongestSubject = 60;
  const std::size_t colon = line.find(": ");
  if (colon == std::string::npos || colon > kLongestSubject)
    return "<li>" + html_text(line) + "</li>";
  return "<li><b>" + html_text(line.substr(0, colon)) + "</b>" +
         html_text(line.substr(colon)) + "</li>";
}

std::string answer_html(const std::string& answer) {
  const std::vector<std::string> lines = lines_of(answer);
  const bool folds = lines.size() > kMostLines;
  std::string html = "<ul>";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (folds && i == kFirstLines)
      html += fmt::format("</ul><details><summary>{} more</summary><ul>",
                          lines.size() - i);
    html += answer_line(lines[i]);
  }
  return html + (folds ? "</ul></details>" : "</ul>");
}

std::string figure_html(const ReportFigure& figure) {
  return fmt::format(
      "<figure id=\"figure-{0}\">\n{1}\n<figcaption>{2} "
      "<span class=\"files\"><button type=\"button\" data-csv=\"{0}\">CSV"
      "</button> <button type=\"button\" data-svg=\"{0}\">SVG</button></span>"
      "</figcaption>\n</figure>\n",
      html_text(figure.id), figure.svg, html_text(figure.caption));
}

}  // namespace

std::string title_text(const ReportContent& content) {
  return html_text(content.source->results.info().model_name);
}

std::string facts_html(const ReportContent& content) {
  const storage::ResultsReader& results = content.source->results;
  const storage::ResultsInfo& info = results.info();
  std::string html = fmt::format(
      "<p class=\"facts\">{} of {} samples, {} failed &middot; {} states "
      "&middot; {} on {} &middot; run <code>{}</code></p>\n<ul "
      "class=\"datasets\">",
      info.samples_ok + info.samples_failed, info.samples_total,
      info.samples_failed, results.layers(), html_text(info.dtype),
      html_text(info.device_names), html_text(info.run_id));
  for (const storage::DatasetSummary& dataset : results.datasets())
    html += "<li>" + html_text(dataset_words(dataset)) + "</li>";
  return html + "</ul>\n";
}

std::string notes_html(const std::vector<std::string>& notes) {
  if (notes.empty()) return "";
  std::string html =
      "<aside class=\"notes\" aria-label=\"What is missing\"><ul>";
  for (const std::string& note : notes)
    html += "<li>" + html_text(note) + "</li>";
  return html + "</ul></aside>\n";
}

std::string answers_html(const statistics::Study& study) {
  if (study.answers.empty())
    return "<p>No sample has an answer token: nothing can be said.</p>\n";
  std::string html = "<dl class=\"answers\">\n";
  for (const statistics::Study::Answer& answer : study.answers)
    html += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n",
                        html_text(answer.question), answer_html(answer.answer));
  return html + "</dl>\n";
}

std::string figures_html(const std::vector<ReportFigure>& figures) {
  if (figures.empty()) return "<p>There is nothing to draw yet.</p>\n";
  std::string html = "<div class=\"figures\">\n";
  for (const ReportFigure& figure : figures) html += figure_html(figure);
  return html + "</div>\n";
}

std::string tests_html(const statistics::Study& study) {
  if (study.tests.empty())
    return fmt::format(
        "<p>No two groups have {} pictures each: nothing is tested.</p>\n",
        study.options.least_group);
  std::string html = fmt::format(
      "<p>Permutation tests over pictures, {} permutations, seed {}; p is "
      "adjusted for all tests by Holm's method and called significant below "
      "{}.</p>\n<div class=\"wide\"><table class=\"tests\"><thead><tr>"
      "<th>Test</th><th>Groups and means</th><th>Statistic</th><th>Effect</th>"
      "<th>p</th><th>Adjusted p</th><th>In words</th></tr></thead><tbody>\n",
      study.options.permutations, study.options.seed,
      short_number(study.options.significance));
  for (const statistics::Test& test : study.tests) html += test_row(test);
  return html + "</tbody></table></div>\n";
}

std::string choice_html(const ReportContent& content, const PagePlan& plan) {
  return fmt::format(
      "<p>All {} samples enter the figures. {} of them can be opened token by "
      "token{}; {} are in the list.{}</p>\n",
      content.samples(), plan.shown, plan.shown > 0 ? " (marked &#9638;)" : "",
      plan.listed,
      plan.shown > 0 && plan.shown < content.samples()
          ? " How they were chosen: " + html_text(choice_sentence())
          : "");
}

std::string failures_html(const ReportContent& content) {
  std::map<std::string, std::vector<std::string>> by_reason;
  for (const metrics::SampleTable& table : content.tables)
    for (const metrics::SampleRow& row : table.rows)
      if (!row.ok)
        by_reason[row.failure].push_back(table.population.dataset + "/" +
                                         row.sample_id);
  if (by_reason.empty()) return "<p>None.</p>\n";
  std::string html =
      "<div class=\"wide\"><table class=\"failures\"><thead><tr>"
      "<th>Reason</th><th>Samples</th><th>Which</th></tr></thead><tbody>\n";
  for (const auto& [reason, samples] : by_reason) {
    std::string names;
    for (std::size_t i = 0; i < samples.size() && i < kNamedFailures; ++i)
      names += (i > 0 ? ", " : "") + html_text(samples[i]);
    if (samples.size() > kNamedFailures)
      names += fmt::format(" and {} more", samples.size() - kNamedFailures);
    html += fmt::format(
        "<tr><td dir=\"auto\">{}</td><td class=\"number\">{}</td><td>{}</td>"
        "</tr>\n",
        html_text(reason), samples.size(), names);
  }
  return html + "</tbody></table></div>\n";
}

std::string footer_html(const ReportContent& content) {
  std::string html;
  if (!content.options->command_line.empty())
    html += "<p>Made by <code>" + html_text(content.options->command_line) +
            "</code></p>\n";
  if (!content.options->software_version.empty())
    html += "<p>" + html_text(content.options->software_version) + "</p>\n";
  return html +
         "<p>A layer's lens shows what the model's output head would read "
         "there, not what the model thinks: early layers were not trained for "
         "it.</p>\n";
}

}  // namespace lens::analysis::report
