#include "storage/manifest_json.h"

#include <limits>
#include <utility>

#include "base/error.h"
#include "base/json_section.h"

namespace lens::storage {
namespace {

using Json = nlohmann::json;

JsonSection section_of(const Json& json, const std::string& name) {
  const auto error = [](const JsonFault& fault) {
    return std::make_exception_ptr(
        StorageError("cannot use the manifest (" + fault.place + " " +
                     fault.why + "); restore it or plan the run anew"));
  };
  return {&json, {.error = error}, name};
}

Json to_json(const InputFile& file) {
  return {{"path", file.path},
          {"bytes", file.bytes},
          {"modified_ns", file.modified_ns},
          {"sha256", file.sha256}};
}

Json to_json(const std::vector<InputFile>& files) {
  Json array = Json::array();
  for (const InputFile& file : files) array.push_back(to_json(file));
  return array;
}

Json to_json(const Unit& unit) {
  return {{"index", unit.index},         {"dataset", unit.dataset},
          {"row_begin", unit.row_begin}, {"row_end", unit.row_end},
          {"samples", unit.samples},     {"first_sample", unit.first_sample}};
}

std::vector<InputFile> read_files(const JsonSection& section,
                                  const char* key = "files") {
  std::vector<InputFile> files;
  for (const JsonSection& file : section.sections(key)) {
    files.push_back(
        {.path = file.string("path"),
         .bytes = file.integer("bytes", 0),
         .modified_ns = file.integer("modified_ns",
                                     std::numeric_limits<std::int64_t>::min()),
         .sha256 = file.string("sha256")});
  }
  return files;
}

DatasetMap read_map(const JsonSection& section) {
  DatasetMap map;
  const JsonSection columns = section.section("columns");
  for (const auto& [role, unused] : columns.object().items()) {
    map.columns[role] = columns.string(role);
  }
  map.question = section.string("question");
  map.score = section.string("score");
  return map;
}

std::string read_image(const JsonSection& section) {
  std::string image = section.string("image");
  if (image != kKeepImages && image != kBlankImages)
    section.reject("image", "is not keep or blank");
  return image;
}

RunConfig read_config(const JsonSection& section) {
  RunConfig config;
  config.split = section.string("split");
  config.languages = section.strings("languages");
  config.limit = section.integer("limit", 0);
  config.device = section.string("device");
  config.dtype = section.string("dtype");
  config.threads = section.integer<int>("threads", 1);
  if (section.contains("tensor_parallel")) {
    config.tensor_parallel = section.integer<int>("tensor_parallel", 1);
  }
  config.max_new_tokens = section.integer<int>("max_new_tokens", 1);
  config.top_k = section.integer<int>("top_k", 1);
  config.tokens = section.strings("tokens");
  config.min_pixels = section.integer("min_pixels", 0);
  config.max_pixels = section.integer("max_pixels", 0);
  if (section.contains("image")) config.image = read_image(section);
  config.system_prompt = section.string("system_prompt");
  const JsonSection prompts = section.section("prompts");
  for (const auto& [name, text] : prompts.object().items()) {
    config.prompts[name] = prompts.string(name);
  }
  // Only there where the names of the data sets do not say all.
  if (section.contains("data")) {
    const JsonSection data = section.section("data");
    for (const auto& [name, unused] : data.object().items()) {
      config.data[name] = read_map(data.section(name));
    }
  }
  config.unit_images = section.integer("unit_images", 1);
  if (section.contains("attention")) {
    config.attention = section.string("attention");
  }
  config.generation_config = section.boolean("generation_config");
  config.save_hidden = section.integers<int>("save_hidden", 0);
  return config;
}

ModelInput read_model(const JsonSection& section) {
  constexpr auto kMost = std::numeric_limits<std::int32_t>::max();
  ModelInput model;
  model.path = section.string("path");
  model.name = section.string("name");
  model.sha256 = section.string("sha256");
  model.tokenizer_sha256 = section.string("tokenizer_sha256");
  model.files = read_files(section);
  model.num_layers = section.integer<int>("num_layers", 1, 100000);
  model.vocab_size = section.integer("vocab_size", 1, kMost);
  model.hidden_size = section.integer("hidden_size", 1, kMost);
  return model;
}

DatasetInput read_dataset(const JsonSection& section) {
  DatasetInput dataset;
  dataset.name = section.string("name");
  dataset.path = section.string("path");
  dataset.files = read_files(section);
  if (section.contains("pictures")) {
    dataset.pictures = read_files(section, "pictures");
  }
  dataset.samples =
      section.integer("samples", 0, std::numeric_limits<std::int32_t>::max());
  return dataset;
}

Unit read_unit(const JsonSection& section) {
  Unit unit;
  unit.index = section.integer<std::int32_t>("index", 0);
  unit.dataset = section.string("dataset");
  unit.row_begin = section.integer("row_begin", 0);
  unit.row_end = section.integer("row_end", 0);
  unit.first_sample = section.integer("first_sample", 0);
  unit.samples = section.integer("samples", 1);
  return unit;
}

}  // namespace

nlohmann::json to_json(const RunConfig& config) {
  Json json = {{"split", config.split},
               {"languages", config.languages},
               {"limit", config.limit},
               {"device", config.device},
               {"dtype", config.dtype},
               {"threads", config.threads},
               {"max_new_tokens", config.max_new_tokens},
               {"top_k", config.top_k},
               {"tokens", config.tokens},
               {"min_pixels", config.min_pixels},
               {"max_pixels", config.max_pixels},
               {"system_prompt", config.system_prompt},
               {"prompts", config.prompts},
               {"unit_images", config.unit_images},
               {"generation_config", config.generation_config},
               {"save_hidden", config.save_hidden}};
  // A plan that does not say these means what all did before they could be
  // said: they are still the same runs.
  if (config.tensor_parallel > 1) {
    json["tensor_parallel"] = config.tensor_parallel;
  }
  if (config.image != kKeepImages) json["image"] = config.image;
  if (config.attention != kNoAttention) json["attention"] = config.attention;
  for (const auto& [name, map] : config.data) {
    json["data"][name] = {{"columns", map.columns},
                          {"question", map.question},
                          {"score", map.score}};
  }
  return json;
}

nlohmann::json to_json(const Manifest& manifest) {
  const ModelInput& model = manifest.model;
  Json datasets = Json::array();
  for (const DatasetInput& dataset : manifest.datasets) {
    datasets.push_back({{"name", dataset.name},
                        {"path", dataset.path},
                        {"files", to_json(dataset.files)},
                        {"samples", dataset.samples}});
    if (!dataset.pictures.empty()) {
      datasets.back()["pictures"] = to_json(dataset.pictures);
    }
  }
  Json units = Json::array();
  for (const Unit& unit : manifest.units) units.push_back(to_json(unit));
  return {{"version", manifest.version},
          {"run_id", manifest.run_id},
          {"config", to_json(manifest.config)},
          {"model",
           {{"path", model.path},
            {"name", model.name},
            {"sha256", model.sha256},
            {"tokenizer_sha256", model.tokenizer_sha256},
            {"files", to_json(model.files)},
            {"num_layers", model.num_layers},
            {"vocab_size", model.vocab_size},
            {"hidden_size", model.hidden_size}}},
          {"datasets", std::move(datasets)},
          {"units", std::move(units)},
          {"notes", manifest.notes}};
}

Manifest manifest_from_json(const nlohmann::json& json,
                            const std::string& name) {
  const JsonSection section = section_of(json, name);
  Manifest manifest;
  // Looked at first: another version may have other fields.
  manifest.version = section.integer<int>("version", 0);
  if (manifest.version != Manifest().version) {
    throw StorageError("cannot read " + name + " (manifest version " +
                       std::to_string(manifest.version) +
                       ", this program knows " +
                       std::to_string(Manifest().version) +
                       "); use the program that planned the run");
  }
  manifest.run_id = section.string("run_id");
  manifest.config = read_config(section.section("config"));
  manifest.model = read_model(section.section("model"));
  for (const JsonSection& dataset : section.sections("datasets")) {
    manifest.datasets.push_back(read_dataset(dataset));
  }
  for (const JsonSection& unit : section.sections("units")) {
    manifest.units.push_back(read_unit(unit));
  }
  // Earlier manifests have none.
  if (section.contains("notes")) manifest.notes = section.strings("notes");
  return manifest;
}

}  // namespace lens::storage
