#include "model/families.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "input/file/json_object.h"
#include "model/checkpoint/config_section.h"
#include "model/qwen2_5_vl/description.h"
#include "model/qwen2_vl/description.h"

namespace lens::model {
namespace {

constexpr std::array kFamilies = {
    Family{.model_type = "qwen2_vl",
           .name = "Qwen2-VL",
           .describe = qwen2_vl::describe,
           .published = qwen2_vl::published,
           .example = "Qwen2-VL-2B-Instruct",
           .image_processors = qwen::kImageProcessors,
           .chat_templates = qwen::kChatTemplates},
    Family{.model_type = "qwen2_5_vl",
           .name = "Qwen2.5-VL",
           .describe = qwen2_5_vl::describe,
           .published = qwen2_5_vl::published,
           .example = "Qwen2.5-VL-3B-Instruct",
           .image_processors = qwen::kImageProcessors,
           .chat_templates = qwen::kChatTemplates}};

std::string joined(std::string_view Family::*part) {
  std::string text;
  for (const Family& family : kFamilies) {
    text += (text.empty() ? "" : " or ") + std::string(family.*part);
  }
  return text;
}

}  // namespace

std::span<const Family> families() { return kFamilies; }

std::string family_names() { return joined(&Family::name); }

std::string example_name() { return std::string(kFamilies.front().example); }

const Family& family_of(const std::filesystem::path& checkpoint) {
  const auto file = checkpoint / "config.json";
  const nlohmann::json root = read_json_object(file);
  const std::string type =
      config_section(&root, file).string_or("model_type", "");
  const auto found = std::find_if(
      kFamilies.begin(), kFamilies.end(),
      [&](const Family& family) { return family.model_type == type; });
  if (found == kFamilies.end()) {
    throw InputError("cannot use " + file.string(),
                     type.empty() ? "model_type is missing"
                                  : "model_type is \"" + type + "\", not " +
                                        joined(&Family::model_type),
                     "give a " + family_names() + " checkpoint");
  }
  return *found;
}

Description describe(const std::filesystem::path& checkpoint) {
  return family_of(checkpoint).describe(checkpoint);
}

}  // namespace lens::model
