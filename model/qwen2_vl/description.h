#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/description.h"
#include "model/qwen2_vl/config.h"

namespace lens::model::qwen2_vl {

// Throws lens::InputError as Config::load().
Description describe(const std::filesystem::path& checkpoint);

// 2B, 7B and 72B: the sizes of each by its name.
std::vector<std::pair<std::string, Config>> published_configs();
std::vector<PublishedModel> published();

inline constexpr std::array<std::string_view, 3> kImageProcessors = {
    "Qwen2VLImageProcessor", "Qwen2VLImageProcessorFast",
    "Qwen2VLImageProcessorPil"};

// That of the published checkpoints, and that of scripts/small_tokenizer.py.
inline constexpr std::array<std::string_view, 2> kChatTemplates = {
    "a0bc6f6fc7a29a80017a433e8f03a1cc1236e838a944a2d034295a60c4f2fddb",
    "f7226c63b005a1df4de3cbaebe68a3cc7752e8cd4def103bac824819c7abc5ae"};

}  // namespace lens::model::qwen2_vl
