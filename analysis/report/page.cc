#include "analysis/report/page.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "analysis/report/assets.h"
#include "analysis/report/base64.h"
#include "analysis/report/markup.h"
#include "analysis/report/page_data.h"
#include "analysis/report/sections.h"
#include "base/sha256.h"

namespace lens::analysis::report {
namespace {

std::string script_hash(std::string_view script) {
  Sha256 hash;
  hash.update(script);
  const Sha256::Digest digest = hash.finish();
  return "sha256-" + base64(std::span<const std::uint8_t>(digest));
}

std::string dump(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string fill_template(std::string_view text,
                          const std::map<std::string, std::string>& values) {
  std::string out;
  std::size_t at = 0;
  for (;;) {
    const std::size_t begin = text.find('@', at);
    if (begin == std::string_view::npos) break;
    const std::size_t end = text.find('@', begin + 1);
    if (end == std::string_view::npos) break;
    const auto value =
        values.find(std::string(text.substr(begin + 1, end - begin - 1)));
    out += text.substr(at, begin - at);
    if (value == values.end()) {
      out += '@';
      at = begin + 1;
      continue;
    }
    out += value->second;
    at = end + 1;
  }
  return out += text.substr(at);
}

std::vector<std::string> size_notes(const ReportContent& content,
                                    const PagePlan& plan) {
  std::vector<std::string> notes;
  const double megabytes =
      1e-6 * static_cast<double>(content.options->most_bytes);
  if (plan.shown < content.chosen.size())
    notes.push_back(fmt::format(
        "To stay below {:.3g} MB the page shows {} samples token by token "
        "instead of {}.",
        megabytes, plan.shown, content.chosen.size()));
  if (plan.listed < content.samples())
    notes.push_back(
        fmt::format("To stay below {:.3g} MB the list has {} of {} samples.",
                    megabytes, plan.listed, content.samples()));
  if (!plan.with_text)
    notes.push_back(fmt::format(
        "To stay below {:.3g} MB the list has no references and answers.",
        megabytes));
  return notes;
}

std::string render_page(const ReportContent& content, const PagePlan& plan) {
  std::vector<std::string> notes = content.source->notes;
  notes.insert(notes.end(), content.notes.begin(), content.notes.end());
  for (std::string& note : size_notes(content, plan))
    notes.push_back(std::move(note));
  const std::string_view script = page_script();
  return fill_template(
      page_template(),
      {{"SCRIPT_HASH", script_hash(script)},
       {"STYLE", std::string(page_style())},
       {"SCRIPT", std::string(script)},
       {"TITLE", title_text(content)},
       {"FACTS", facts_html(content)},
       {"NOTES", notes_html(notes)},
       {"PROVENANCE", provenance_html(content)},
       {"ANSWERS", answers_html(content.study)},
       {"FIGURES", figures_html(content.figures)},
       {"TESTS", tests_html(content.study)},
       {"CHOICE", choice_html(content, plan)},
       {"FAILURES", failures_html(content)},
       {"FOOTER", footer_html(content)},
       {"DATA", json_for_script(dump(page_json(content, plan)))},
       {"STUDY", json_for_script(content.study_json)}});
}

}  // namespace lens::analysis::report
