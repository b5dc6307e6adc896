#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/description.h"

namespace lens::model {

// What is known of a family without torch. A further family is a folder of its
// own, a row here and one in open_model.cc.
struct Family {
  std::string_view model_type;  // in config.json
  std::string_view name;        // for people
  // Throws lens::InputError for a configuration that cannot be used.
  Description (*describe)(const std::filesystem::path& checkpoint);
  std::vector<PublishedModel> (*published)();
  std::string_view example;  // the folder of a published checkpoint
  // The classes in its preprocessor's configuration that cut images as
  // input/image does; the first is the usual one.
  std::span<const std::string_view> image_processors;
  // SHA-256 of the chat templates that render one picture and one question as
  // input/prompt.h does.
  std::span<const std::string_view> chat_templates;
};

std::span<const Family> families();

// "Qwen2-VL", or all names with "or" between them.
std::string family_names();

// A published checkpoint's folder, for help texts.
std::string example_name();

// The family of a checkpoint folder, by its config.json. Throws
// lens::InputError: no file, not JSON, another family.
const Family& family_of(const std::filesystem::path& checkpoint);

// By the family that it is of.
Description describe(const std::filesystem::path& checkpoint);

}  // namespace lens::model
