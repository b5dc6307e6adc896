#include "analysis/diff/diff_sections.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "analysis/diff/parting_map.h"
#include "analysis/figures/display_text.h"
#include "analysis/report/markup.h"

namespace lens::analysis::diff {
namespace {

using report::html_text;
using report::short_number;

// Samples named in one list, and changed answers without their layers.
constexpr std::size_t kNamed = 50;
constexpr std::size_t kListed = 500;

std::string run_row(const char* name, const std::string& file,
                    const storage::ResultsInfo& info) {
  return fmt::format(
      "<tr><th scope=\"row\">{}</th><td dir=\"auto\">{}</td><td>{}</td>"
      "<td><code>{}</code></td><td class=\"number\">{}</td>"
      "<td class=\"number\">{}</td></tr>\n",
      name, html_text(file), html_text(info.model_name), html_text(info.run_id),
      info.samples_ok, info.samples_failed);
}

// "20.1 → 21.3, +1.2 [+0.8, +1.6]" in three cells.
std::string number_cells(const PairedNumber& number, int digits) {
  const auto& [value, interval, count] = number.difference;
  std::string apart = short_number(value, digits);
  if (!std::isnan(interval.low))
    apart += fmt::format(" [{}, {}]", short_number(interval.low, digits),
                         short_number(interval.high, digits));
  return fmt::format(
      "<td class=\"number\">{}</td><td class=\"number\">{}</td>"
      "<td class=\"number\">{}</td>",
      short_number(number.a.value, digits),
      short_number(number.b.value, digits), apart);
}

std::string token_html(const std::string& text) {
  return "<bdi>" +
         html_text(figures::visible_text(text, figures::TextKind::kToken)) +
         "</bdi>";
}

std::string prose_html(const std::string& text) {
  return html_text(figures::visible_text(text, figures::TextKind::kProse));
}

std::string side_cells(const PartingSide& side, std::size_t layer) {
  if (!side.has_token) return "<td colspan=\"4\"></td>";
  return fmt::format(
      "<td{}>{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td>"
      "<td class=\"number\">{}</td>",
      side.own_rank[layer] == 1 ? " class=\"match\"" : "",
      token_html(side.top[layer]),
      short_number(static_cast<double>(side.entropy[layer]), 3),
      side.own_rank[layer],
      html_text(rank_text(side.other_rank[layer], side.kept)));
}

std::string parting_table(const ChangedAnswer& changed) {
  const auto head = [](const char* run, const PartingSide& side) {
    return fmt::format("<th colspan=\"4\">{} wrote <bdi>{}</bdi></th>", run,
                       html_text(written_words(side)));
  };
  std::string html =
      "<div class=\"wide\"><table class=\"parting\"><thead><tr><th></th>" +
      head("A", changed.a) + head("B", changed.b) + "</tr><tr><th>layer</th>";
  for (int run = 0; run < 2; ++run)
    html +=
        "<th>top token</th><th>entropy</th><th>rank of its token</th>"
        "<th>rank of the other's</th>";
  html += "</tr></thead><tbody>\n";
  for (std::size_t layer = std::max(changed.a.top.size(), changed.b.top.size());
       layer-- > 0;)
    html += fmt::format(
        "<tr><th scope=\"row\" class=\"number\">{}</th>{}{}"
        "</tr>\n",
        layer, side_cells(changed.a, layer), side_cells(changed.b, layer));
  return html + "</tbody></table></div>\n";
}

std::string texts_html(const ChangedAnswer& changed) {
  const auto pair = [](const char* name, const std::string& text) {
    return fmt::format("<dt>{}</dt><dd dir=\"auto\">{}</dd>", name,
                       prose_html(text));
  };
  std::string html = "<dl class=\"sample-texts\">";
  if (changed.opened)
    html +=
        pair("prompt", changed.prompt) + pair("reference", changed.reference);
  html += pair("A", changed.answer_a) + pair("B", changed.answer_b);
  if (changed.opened && !changed.shared.empty())
    html += pair("both, until they part", changed.shared);
  return html + "</dl>\n";
}

std::string answer_html(const ChangedAnswer& changed) {
  std::string html = fmt::format(
      "<details class=\"changed\"><summary><b>{}/{}</b>{} from token {}: "
      "<bdi>{}</bdi> &middot; <bdi>{}</bdi> <span class=\"quiet\">score {} "
      "&middot; {}</span></summary>\n",
      html_text(changed.dataset), html_text(changed.sample_id),
      changed.language.empty() ? "" : " " + html_text(changed.language),
      changed.position + 1, prose_html(changed.answer_a),
      prose_html(changed.answer_b),
      short_number(static_cast<double>(changed.score_a)),
      short_number(static_cast<double>(changed.score_b)));
  html += texts_html(changed);
  if (changed.opened) {
    html += changed.parting_layer >= 0
                ? fmt::format(
                      "<p>Their top tokens differ from layer {} "
                      "on.</p>\n",
                      changed.parting_layer)
                : std::string();
    html += parting_table(changed);
  }
  return html + "</details>\n";
}

std::string verdict_table(const DatasetDiff& dataset) {
  const auto& verdicts = dataset.verdicts;
  return fmt::format(
      "<p>{}: {} of {} answers changed. Right in both runs {}, in A alone {}, "
      "in B alone {}, in neither {}.</p>\n",
      html_text(dataset.pairing.dataset), dataset.changed,
      dataset.pairing.pairs.size(), verdicts[0][0], verdicts[0][1],
      verdicts[1][0], verdicts[1][1]);
}

std::string named(const std::vector<std::string>& ids) {
  std::string names;
  for (std::size_t i = 0; i < ids.size() && i < kNamed; ++i)
    names += (i > 0 ? ", " : "") + html_text(ids[i]);
  if (ids.size() > kNamed)
    names += fmt::format(" and {} more", ids.size() - kNamed);
  return names;
}

std::string pairing_rows(const DatasetDiff& dataset) {
  const Pairing& pairing = dataset.pairing;
  struct List {
    const char* title;
    const std::vector<std::string>& ids;
  };
  const std::array<List, 6> lists = {
      {{"in A alone", pairing.only_a},
       {"in B alone", pairing.only_b},
       {"failed in A alone", pairing.failed_a},
       {"failed in B alone", pairing.failed_b},
       {"failed in both", pairing.failed_both},
       {"id stands more than once", pairing.doubled}}};
  const std::string name = html_text(pairing.dataset);
  std::string html = fmt::format(
      "<tr><td>{}</td><td>paired</td><td class=\"number\">{}</td><td></td>"
      "</tr>\n",
      name, pairing.pairs.size());
  for (const List& list : lists)
    if (!list.ids.empty())
      html += fmt::format(
          "<tr><td>{}</td><td>{}</td><td class=\"number\">{}</td><td>{}</td>"
          "</tr>\n",
          name, list.title, list.ids.size(), named(list.ids));
  return html;
}

}  // namespace

std::string settings_html(const RunDiff& diff) {
  std::string html =
      "<div class=\"wide\"><table><thead><tr><th>Run</th><th>File</th>"
      "<th>Model</th><th>run_id</th><th>ok</th><th>failed</th></tr></thead>"
      "<tbody>\n" +
      run_row("A", diff.names[0], diff.infos[0]) +
      run_row("B", diff.names[1], diff.infos[1]) + "</tbody></table></div>\n";
  if (diff.settings.empty())
    return html +
           "<p>Model, tokenizer, software and configuration are the same.</p>"
           "\n";
  html +=
      "<h3>What differs in the configurations</h3>\n<div class=\"wide\"><table "
      "class=\"pairs\"><thead><tr><th></th><th>A</th><th>B</th></tr></thead>"
      "<tbody>\n";
  for (const Setting& setting : diff.settings)
    html += fmt::format(
        "<tr><th scope=\"row\">{}</th><td dir=\"auto\">{}</td>"
        "<td dir=\"auto\">{}</td></tr>\n",
        html_text(setting.name), prose_html(setting.a), prose_html(setting.b));
  return html + "</tbody></table></div>\n";
}

std::string differences_html(const RunDiff& diff) {
  if (diff.tests.empty())
    return fmt::format(
        "<p>No data set has {} pictures in both runs: nothing is tested.</p>\n",
        diff.options.study.least_group);
  std::string found, others;
  for (const PairedTest& test : diff.tests)
    (test.significant ? found : others) +=
        "<li>" + html_text(test.sentence) + "</li>\n";
  std::string html = found.empty() ? "<p>No difference found.</p>\n"
                                   : "<ul>\n" + found + "</ul>\n";
  if (!others.empty())
    html += "<details><summary>Where none was found</summary><ul>\n" + others +
            "</ul></details>\n";
  return html;
}

std::string figures_html(std::span<const report::ReportFigure> figures) {
  if (figures.empty()) return "<p>There is nothing to draw.</p>\n";
  std::string html = "<div class=\"figures\">\n";
  for (const report::ReportFigure& figure : figures)
    html += fmt::format(
        "<figure id=\"figure-{}\">\n{}\n<figcaption>{}</figcaption>\n"
        "</figure>\n",
        html_text(figure.id), figure.svg, html_text(figure.caption));
  return html + "</div>\n";
}

std::string groups_html(const RunDiff& diff) {
  std::string html =
      "<p>Means over tokens of the layers of onset and depth, over samples of "
      "the score; B minus A with its bootstrap interval over pictures. Right "
      "and wrong are those that are so in both runs.</p>\n<div class=\"wide\">"
      "<table><thead><tr><th rowspan=\"2\">Group</th>"
      "<th rowspan=\"2\">Pictures</th><th rowspan=\"2\">Pairs</th>"
      "<th colspan=\"3\">Onset A, B, B &minus; A</th>"
      "<th colspan=\"3\">Depth A, B, B &minus; A</th>"
      "<th colspan=\"3\">Score A, B, B &minus; A</th></tr></thead><tbody>\n";
  for (const PairedGroup& group : diff.groups)
    html += fmt::format(
        "<tr><th scope=\"row\"><bdi>{}</bdi></th><td class=\"number\">{}</td>"
        "<td class=\"number\">{}</td>{}{}{}</tr>\n",
        html_text(group.population.words()), group.pictures, group.pairs,
        number_cells(group.onset_of_tokens, 3),
        number_cells(group.depth_of_tokens, 3), number_cells(group.score, 3));
  return html + "</tbody></table></div>\n";
}

std::string tests_html(const RunDiff& diff) {
  std::string html = fmt::format(
      "<p>Pictures are turned round, {} times, seed {}: where nothing differs, "
      "A could as well be B. p is of the largest |t| of all layers, adjusted "
      "for all tests by Holm's method and called significant below {}; a layer "
      "is named where its own p, times the number of tests, is.</p>\n"
      "<div class=\"wide\"><table class=\"tests\"><thead><tr><th>Test</th>"
      "<th>Pictures</th><th>Largest t</th><th>p</th><th>Adjusted p</th>"
      "<th>In words</th></tr></thead><tbody>\n",
      diff.options.study.permutations, diff.options.study.seed,
      short_number(diff.options.study.significance));
  for (const PairedTest& test : diff.tests)
    html += fmt::format(
        "<tr{}><th scope=\"row\">{}: {}</th><td class=\"number\">{}</td>"
        "<td class=\"number\">{}</td><td class=\"number\">{}</td>"
        "<td class=\"number\">{}</td><td>{}</td></tr>\n",
        test.significant ? " class=\"significant\"" : "",
        html_text(test.population.words()), html_text(test.title),
        test.pictures, short_number(test.t, 3), short_number(test.p, 3),
        short_number(test.p_adjusted, 3), html_text(test.sentence));
  return html + "</tbody></table></div>\n";
}

std::string answers_html(const RunDiff& diff) {
  std::string html;
  for (const DatasetDiff& dataset : diff.datasets)
    if (!dataset.pairing.pairs.empty()) html += verdict_table(dataset);
  if (diff.changed.empty()) return html;
  html +=
      "<p>Those that became right or wrong come first. Until the answers part, "
      "both runs were asked for the same token; a rank is only known of a "
      "run's own token and of the top tokens that it kept.</p>\n";
  std::size_t listed = 0;
  for (const std::size_t i : opening_order(diff.changed)) {
    if (listed == kListed) break;
    html += answer_html(diff.changed[i]);
    ++listed;
  }
  if (listed < diff.changed.size())
    html +=
        fmt::format("<p>And {} more, which <code>--json</code> lists.</p>\n",
                    diff.changed.size() - listed);
  return html;
}

std::string pairing_html(const RunDiff& diff) {
  std::string html =
      "<p>Samples are paired by data set and id. What is listed here enters no "
      "figure.</p>\n<div class=\"wide\"><table><thead><tr><th>Data set</th>"
      "<th></th><th>Samples</th><th>Which</th></tr></thead><tbody>\n";
  for (const DatasetDiff& dataset : diff.datasets)
    html += pairing_rows(dataset);
  return html + "</tbody></table></div>\n";
}

}  // namespace lens::analysis::diff
