#include "cli/chat_template.h"

#include <algorithm>
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

bool is_known(std::string text, const model::Family& family) {
  // A file may end with a line end that is not of the template.
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  return std::find(family.chat_templates.begin(), family.chat_templates.end(),
                   sha256_hex(text)) != family.chat_templates.end();
}

}  // namespace

std::optional<std::string> chat_template_note(const fs::path& checkpoint,
                                              const model::Family& family) {
  const std::vector<Template> templates = templates_of(checkpoint);
  const std::string ours =
      ": prompts are " + std::string(family.name) +
      "'s, a system turn and the image before the text; "
      "--system-prompt '' and {image} in --prompt change that";
  if (templates.empty()) return "the checkpoint has no chat template" + ours;
  std::string others;
  for (const Template& each : templates) {
    if (is_known(each.text, family)) continue;
    others += (others.empty() ? "" : ", ") + each.file;
  }
  if (others.empty()) return std::nullopt;
  return "the checkpoint's own chat template (" + others + ") is not used" +
         ours;
}

}  // namespace lens::cli
