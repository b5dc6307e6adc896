#include "storage/manifest_json.h"

#include <limits>
#include <type_traits>
#include <utility>

#include "base/error.h"

namespace lens::storage {
namespace {

using Json = nlohmann::json;

// An object of the document; its path goes into messages.
class Fields {
 public:
  Fields(const Json& json, std::string path)
      : json_(json), path_(std::move(path)) {
    if (!json_.is_object()) fail(path_, "is not an object");
  }

  [[noreturn]] static void fail(const std::string& path,
                                const std::string& why) {
    throw StorageError("cannot use the manifest (" + path + " " + why +
                       "); restore it or plan the run anew");
  }

  std::string path(const char* name) const { return path_ + "." + name; }

  const Json& at(const char* name) const {
    const auto found = json_.find(name);
    if (found == json_.end()) fail(path(name), "is missing");
    return *found;
  }

  void read(const char* name, std::string& value) const {
    value = text(at(name), path(name));
  }

  void read(const char* name, bool& value) const {
    if (!at(name).is_boolean()) fail(path(name), "is not true or false");
    value = at(name).get<bool>();
  }

  template <class Integer>
  requires std::is_integral_v<Integer>
  void read(const char* name, Integer& value, std::int64_t low,
            std::int64_t high = std::numeric_limits<Integer>::max()) const {
    value = static_cast<Integer>(integer(at(name), path(name), low, high));
  }

  static std::string text(const Json& json, const std::string& path) {
    if (!json.is_string()) fail(path, "is not a string");
    return json.get<std::string>();
  }

  static std::int64_t integer(const Json& json, const std::string& path,
                              std::int64_t low, std::int64_t high) {
    if (!json.is_number_integer()) fail(path, "is not an integer");
    const bool huge = json.is_number_unsigned() &&
                      json.get<std::uint64_t>() >
                          static_cast<std::uint64_t>(
                              std::numeric_limits<std::int64_t>::max());
    if (huge || json.get<std::int64_t>() < low ||
        json.get<std::int64_t>() > high) {
      fail(path,
           "is not in " + std::to_string(low) + ".." + std::to_string(high));
    }
    return json.get<std::int64_t>();
  }

  // Calls use(element, its path) for each element of an array.
  template <class Use>
  void each(const char* name, Use&& use) const {
    const Json& array = at(name);
    if (!array.is_array()) fail(path(name), "is not a list");
    for (std::size_t i = 0; i < array.size(); ++i) {
      use(array[i], path(name) + "[" + std::to_string(i) + "]");
    }
  }

 private:
  const Json& json_;
  std::string path_;
};

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

std::vector<InputFile> read_files(const Fields& fields) {
  std::vector<InputFile> files;
  fields.each("files", [&](const Json& json, const std::string& path) {
    const Fields file(json, path);
    InputFile& input = files.emplace_back();
    file.read("path", input.path);
    file.read("bytes", input.bytes, 0);
    file.read("modified_ns", input.modified_ns,
              std::numeric_limits<std::int64_t>::min());
    file.read("sha256", input.sha256);
  });
  return files;
}

std::vector<std::string> read_texts(const Fields& fields, const char* name) {
  std::vector<std::string> texts;
  fields.each(name, [&](const Json& json, const std::string& path) {
    texts.push_back(Fields::text(json, path));
  });
  return texts;
}

RunConfig read_config(const Fields& fields) {
  RunConfig config;
  fields.read("split", config.split);
  config.languages = read_texts(fields, "languages");
  fields.read("limit", config.limit, 0);
  fields.read("device", config.device);
  fields.read("dtype", config.dtype);
  fields.read("threads", config.threads, 1);
  fields.read("max_new_tokens", config.max_new_tokens, 1);
  fields.read("top_k", config.top_k, 1);
  config.tokens = read_texts(fields, "tokens");
  fields.read("min_pixels", config.min_pixels, 0);
  fields.read("max_pixels", config.max_pixels, 0);
  fields.read("system_prompt", config.system_prompt);
  const Json& prompts = fields.at("prompts");
  if (!prompts.is_object()) {
    Fields::fail(fields.path("prompts"), "is not an object");
  }
  for (const auto& [name, text] : prompts.items()) {
    config.prompts[name] =
        Fields::text(text, fields.path("prompts") + "." + name);
  }
  fields.read("unit_images", config.unit_images, 1);
  fields.read("generation_config", config.generation_config);
  fields.each("save_hidden", [&](const Json& json, const std::string& path) {
    config.save_hidden.push_back(static_cast<int>(
        Fields::integer(json, path, 0, std::numeric_limits<int>::max())));
  });
  return config;
}

ModelInput read_model(const Fields& fields) {
  ModelInput model;
  fields.read("path", model.path);
  fields.read("name", model.name);
  fields.read("sha256", model.sha256);
  fields.read("tokenizer_sha256", model.tokenizer_sha256);
  model.files = read_files(fields);
  fields.read("num_layers", model.num_layers, 1, 100000);
  fields.read("vocab_size", model.vocab_size, 1,
              std::numeric_limits<std::int32_t>::max());
  fields.read("hidden_size", model.hidden_size, 1,
              std::numeric_limits<std::int32_t>::max());
  return model;
}

DatasetInput read_dataset(const Fields& fields) {
  DatasetInput dataset;
  fields.read("name", dataset.name);
  fields.read("path", dataset.path);
  dataset.files = read_files(fields);
  fields.read("samples", dataset.samples, 0,
              std::numeric_limits<std::int32_t>::max());
  return dataset;
}

Unit read_unit(const Fields& fields) {
  Unit unit;
  fields.read("index", unit.index, 0);
  fields.read("dataset", unit.dataset);
  fields.read("row_begin", unit.row_begin, 0);
  fields.read("row_end", unit.row_end, 0);
  fields.read("first_sample", unit.first_sample, 0);
  fields.read("samples", unit.samples, 1);
  return unit;
}

}  // namespace

nlohmann::json to_json(const RunConfig& config) {
  return {{"split", config.split},
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
}

nlohmann::json to_json(const Manifest& manifest) {
  const ModelInput& model = manifest.model;
  Json datasets = Json::array();
  for (const DatasetInput& dataset : manifest.datasets) {
    datasets.push_back({{"name", dataset.name},
                        {"path", dataset.path},
                        {"files", to_json(dataset.files)},
                        {"samples", dataset.samples}});
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
  const Fields fields(json, name);
  Manifest manifest;
  // Looked at first: another version may have other fields.
  fields.read("version", manifest.version, 0);
  if (manifest.version != Manifest().version) {
    throw StorageError("cannot read " + name + " (manifest version " +
                       std::to_string(manifest.version) +
                       ", this program knows " +
                       std::to_string(Manifest().version) +
                       "); use the program that planned the run");
  }
  fields.read("run_id", manifest.run_id);
  manifest.config = read_config({fields.at("config"), fields.path("config")});
  manifest.model = read_model({fields.at("model"), fields.path("model")});
  fields.each("datasets", [&](const Json& entry, const std::string& path) {
    manifest.datasets.push_back(read_dataset({entry, path}));
  });
  fields.each("units", [&](const Json& entry, const std::string& path) {
    manifest.units.push_back(read_unit({entry, path}));
  });
  // Earlier manifests have none.
  if (json.contains("notes")) manifest.notes = read_texts(fields, "notes");
  return manifest;
}

}  // namespace lens::storage
