#include "analysis/diff/configuration.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

namespace lens::analysis::diff {
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

// Objects are gone into: "prompts.mtvqa".
void add_json(const std::string& name, const nlohmann::json& json,
              Settings& settings) {
  if (!json.is_object()) {
    settings.emplace_back(
        name, json.is_string()
                  ? json.get<std::string>()
                  : json.dump(-1, ' ', false,
                              nlohmann::json::error_handler_t::replace));
    return;
  }
  for (const auto& [key, value] : json.items())
    add_json(name.empty() ? key : name + "." + key, value, settings);
}

void add_config(const std::string& text, Settings& settings) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) {
    settings.emplace_back("config_json", text);
    return;
  }
  Settings of_config;
  add_json("", json, of_config);
  // The file says it outright, too.
  std::erase_if(of_config,
                [](const auto& setting) { return setting.first == "dtype"; });
  settings.insert(settings.end(), of_config.begin(), of_config.end());
}

void add_files(const storage::Manifest& manifest, Settings& settings) {
  for (const storage::DatasetInput& dataset : manifest.datasets) {
    std::string hashes;
    for (const storage::InputFile& file : dataset.files)
      hashes += (hashes.empty() ? "" : " ") + file.sha256;
    settings.emplace_back("files of " + dataset.name, hashes);
  }
}

Settings settings_of(const Source& source, bool with_files) {
  const storage::ResultsInfo& info = source.results.info();
  Settings settings = {{"model_name", info.model_name},
                       {"model_sha256", info.model_sha256},
                       {"tokenizer_sha256", info.tokenizer_sha256},
                       {"dtype", info.dtype},
                       {"device_names", info.device_names},
                       {"software_version", info.software_version},
                       {"git_commit", info.git_commit}};
  add_config(info.config_json, settings);
  if (with_files) add_files(*source.manifest, settings);
  return settings;
}

const std::string* find(const Settings& settings, const std::string& name) {
  const auto found =
      std::find_if(settings.begin(), settings.end(),
                   [&](const auto& each) { return each.first == name; });
  return found == settings.end() ? nullptr : &found->second;
}

}  // namespace

std::vector<Setting> differing_settings(const Source& a, const Source& b) {
  const bool with_files = a.manifest && b.manifest;
  const Settings of_a = settings_of(a, with_files);
  const Settings of_b = settings_of(b, with_files);
  std::vector<Setting> differing;
  for (const auto& [name, value] : of_a) {
    const std::string* other = find(of_b, name);
    if (other == nullptr || *other != value)
      differing.push_back({name, value, other == nullptr ? "" : *other});
  }
  for (const auto& [name, value] : of_b)
    if (find(of_a, name) == nullptr) differing.push_back({name, "", value});
  return differing;
}

}  // namespace lens::analysis::diff
