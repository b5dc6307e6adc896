#include "cli/chat_template.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "base/sha256.h"
#include "input/file/input_file.h"
#include "input/file/json_object.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::uintmax_t kTemplateBytes = 1 << 20;

// SHA-256 of templates that render one picture and one question as Lens does:
// that of the published Qwen2-VL checkpoints, and that of small_tokenizer.py.
constexpr std::array<std::string_view, 2> kKnown = {
    "a0bc6f6fc7a29a80017a433e8f03a1cc1236e838a944a2d034295a60c4f2fddb",
    "f7226c63b005a1df4de3cbaebe68a3cc7752e8cd4def103bac824819c7abc5ae"};

struct Template {
  std::string file;
  std::string text;
};

// A chat_template: a text, or a list of {name, template}, of which "default"
// is what is used.
void add_template(const json& object, const char* file,
                  std::vector<Template>& templates) {
  const json value = object.value("chat_template", json());
  if (value.is_null()) return;
  std::string text;  // of none that is known, where it has another form
  if (value.is_string()) text = value.get<std::string>();
  if (value.is_array()) {
    for (const json& entry : value) {
      if (entry.is_object() && entry.value("name", json()) == "default" &&
          entry.value("template", json()).is_string()) {
        text = entry["template"].get<std::string>();
      }
    }
  }
  templates.push_back({file, text});
}

std::vector<Template> templates_of(const fs::path& checkpoint) {
  std::vector<Template> templates;
  for (const char* name : {"chat_template.json", "tokenizer_config.json"}) {
    if (has_file(checkpoint / name))
      add_template(read_json_object(checkpoint / name), name, templates);
  }
  constexpr const char* kJinja = "chat_template.jinja";
  if (has_file(checkpoint / kJinja))
    templates.push_back(
        {kJinja, read_whole(checkpoint / kJinja, kTemplateBytes)});
  return templates;
}

bool is_known(std::string text) {
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  return std::find(kKnown.begin(), kKnown.end(), sha256_hex(text)) !=
         kKnown.end();
}

}  // namespace

std::optional<std::string> chat_template_note(const fs::path& checkpoint) {
  const std::vector<Template> templates = templates_of(checkpoint);
  const std::string ours =
      ": prompts are Qwen2-VL's, a system turn and the image before the text; "
      "--system-prompt '' and {image} in --prompt change that";
  if (templates.empty()) return "the checkpoint has no chat template" + ours;
  std::string others;
  for (const Template& each : templates) {
    if (is_known(each.text)) continue;
    others += (others.empty() ? "" : ", ") + each.file;
  }
  if (others.empty()) return std::nullopt;
  return "the checkpoint's own chat template (" + others + ") is not used" +
         ours;
}

}  // namespace lens::cli
