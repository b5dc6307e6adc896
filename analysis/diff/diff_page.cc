#include "analysis/diff/diff_page.h"

#include "analysis/diff/diff_sections.h"
#include "analysis/report/assets.h"
#include "analysis/report/markup.h"
#include "analysis/report/page.h"
#include "analysis/report/sections.h"

namespace lens::analysis::diff {
namespace {

// The report's, without what a script would fill.
constexpr const char* kTemplate = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'">
<meta name="referrer" content="no-referrer">
<title>Logit lens, two runs: @TITLE@</title>
<style>
@STYLE@.parting td, .parting th { padding: 0.1rem 0.5rem; }
.parting .match { color: var(--match); font-weight: 700; }
.changed > summary { padding: 0.35rem 0; color: inherit; overflow-wrap: anywhere; }
.changed { border-bottom: 1px solid var(--line); }
</style>
</head>
<body>
<a class="skip" href="#differences">To what differs</a>
<header>
<p class="kind">Logit lens: two runs side by side</p>
<h1>@TITLE@</h1>
@SETTINGS@@NOTES@<nav aria-label="Sections"><a href="#differences">Differences</a> <a href="#figures">Figures</a> <a href="#groups">Groups</a> <a href="#tests">Tests</a> <a href="#answers">Changed answers</a> <a href="#pairing">Pairing</a></nav>
</header>
<main>
<section id="differences" aria-labelledby="differences-title">
<h2 id="differences-title">What differs in the results</h2>
@DIFFERENCES@</section>
<section id="figures" aria-labelledby="figures-title">
<h2 id="figures-title">Figures</h2>
<p>Layer 0 is the embedding, the last layer the model's own output. Entropies are in nats.</p>
@FIGURES@</section>
<section id="groups" aria-labelledby="groups-title">
<h2 id="groups-title">Groups</h2>
@GROUPS@</section>
<section id="tests" aria-labelledby="tests-title">
<h2 id="tests-title">Tests</h2>
@TESTS@</section>
<section id="answers" aria-labelledby="answers-title">
<h2 id="answers-title">Changed answers</h2>
@ANSWERS@</section>
<section id="pairing" aria-labelledby="pairing-title">
<h2 id="pairing-title">Pairing</h2>
@PAIRING@</section>
</main>
<footer>
@FOOTER@</footer>
</body>
</html>
)";

std::string title(const RunDiff& diff) {
  const std::string a = diff.infos[0].model_name, b = diff.infos[1].model_name;
  return report::html_text(a == b ? a : a + " and " + b);
}

std::string footer(const DiffPageOptions& options) {
  std::string html;
  if (!options.command_line.empty())
    html += "<p>Made by <code>" + report::html_text(options.command_line) +
            "</code></p>\n";
  if (!options.software_version.empty())
    html += "<p>" + report::html_text(options.software_version) + "</p>\n";
  return html +
         "<p>A difference of two runs is one of everything in which they "
         "differ: what stands at the top.</p>\n";
}

}  // namespace

std::string diff_page(const RunDiff& diff,
                      std::span<const report::ReportFigure> figures,
                      const DiffPageOptions& options) {
  return report::fill_template(kTemplate,
                               {{"TITLE", title(diff)},
                                {"STYLE", std::string(report::page_style())},
                                {"SETTINGS", settings_html(diff)},
                                {"NOTES", report::notes_html(diff.notes)},
                                {"DIFFERENCES", differences_html(diff)},
                                {"FIGURES", figures_html(figures)},
                                {"GROUPS", groups_html(diff)},
                                {"TESTS", tests_html(diff)},
                                {"ANSWERS", answers_html(diff)},
                                {"PAIRING", pairing_html(diff)},
                                {"FOOTER", footer(options)}});
}

}  // namespace lens::analysis::diff
