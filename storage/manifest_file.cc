#include "storage/manifest_file.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "base/durable.h"
#include "base/error.h"
#include "base/sha256.h"
#include "storage/manifest_json.h"

namespace lens::storage {
namespace {

using Json = nlohmann::json;

// Bytes that are not UTF-8 cannot stand in JSON; they are replaced, always in
// the same way.
std::string canonical(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

void require(bool holds, const std::string& what) {
  if (!holds) {
    throw StorageError("cannot use the manifest (" + what +
                       "); restore it or plan the run anew");
  }
}

bool one_of(std::string_view value, std::initializer_list<const char*> names) {
  return std::find(names.begin(), names.end(), value) != names.end();
}

void check_config(const Manifest& manifest) {
  const RunConfig& config = manifest.config;
  require(one_of(config.device, {"cpu", "cuda"}),
          "config.device is neither cpu nor cuda");
  require(one_of(config.dtype, {"float32", "bfloat16"}),
          "config.dtype is neither float32 nor bfloat16");
  require(!config.tokens.empty(), "config.tokens is empty");
  for (const std::string& kind : config.tokens) {
    require(one_of(kind, {"answer", "question", "image", "all"}),
            "config.tokens holds '" + kind + "'");
  }
  require(config.min_pixels <= config.max_pixels,
          "config.min_pixels is above max_pixels");
  require(config.top_k <= manifest.model.vocab_size,
          "config.top_k is above the vocabulary");
  int last = -1;
  require(one_of(config.attention, {kNoAttention, kImageAttention}),
          "config.attention is '" + config.attention + "'");
  for (const int layer : config.save_hidden) {
    require(layer > last && layer <= manifest.model.num_layers,
            "config.save_hidden does not rise within the model's states");
    last = layer;
  }
}

// Units of one data set follow each other without gap or overlap, and end with
// its last sample.
void check_units(const Manifest& manifest) {
  struct Progress {
    std::int64_t samples = 0;
    std::int64_t row = 0;
  };
  std::map<std::string, Progress> progress;
  for (const DatasetInput& dataset : manifest.datasets) {
    require(is_dataset_name(dataset.name),
            "a data set is called '" + dataset.name + "'");
    require(progress.emplace(dataset.name, Progress{}).second,
            "data set " + dataset.name + " occurs twice");
  }
  for (std::size_t i = 0; i < manifest.units.size(); ++i) {
    const Unit& unit = manifest.units[i];
    const std::string name = "unit " + std::to_string(i);
    require(unit.index == static_cast<std::int64_t>(i),
            name + " has the index " + std::to_string(unit.index));
    const auto found = progress.find(unit.dataset);
    require(found != progress.end(),
            name + " is of an unknown data set '" + unit.dataset + "'");
    require(unit.samples >= 1 && unit.row_begin >= found->second.row &&
                unit.row_begin < unit.row_end &&
                unit.first_sample == found->second.samples,
            name + " does not continue the one before");
    found->second = {.samples = unit.first_sample + unit.samples,
                     .row = unit.row_end};
  }
  for (const DatasetInput& dataset : manifest.datasets) {
    require(progress[dataset.name].samples == dataset.samples,
            "the units of " + dataset.name + " do not give its samples");
  }
}

void check(const Manifest& manifest) {
  check_config(manifest);
  check_units(manifest);
  require(manifest.run_id == run_identity(manifest),
          "run_id does not follow from the rest: something was changed");
}

}  // namespace

bool is_dataset_name(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !name.empty() && std::all_of(name.begin(), name.end(), plain) &&
         !one_of(name, {"layer", "block", "rank", "script", "vocabulary"});
}

std::string run_identity(const Manifest& manifest) {
  Json datasets = Json::array();
  for (const DatasetInput& dataset : manifest.datasets) {
    Json files = Json::array();
    for (const InputFile& file : dataset.files) files.push_back(file.sha256);
    datasets.push_back({{"name", dataset.name},
                        {"files", std::move(files)},
                        {"samples", dataset.samples}});
    if (dataset.pictures.empty()) continue;
    // Which row names which follows from the files and the order.
    Json pictures = Json::array();
    for (const InputFile& file : dataset.pictures) {
      pictures.push_back(file.sha256);
    }
    datasets.back()["pictures"] = std::move(pictures);
  }
  const ModelInput& model = manifest.model;
  const Json identity = {{"version", manifest.version},
                         {"config", to_json(manifest.config)},
                         {"model",
                          {{"sha256", model.sha256},
                           {"tokenizer_sha256", model.tokenizer_sha256},
                           {"num_layers", model.num_layers},
                           {"vocab_size", model.vocab_size},
                           {"hidden_size", model.hidden_size}}},
                         {"datasets", std::move(datasets)},
                         {"units", to_json(manifest).at("units")}};
  return sha256_hex(canonical(identity)).substr(0, 32);
}

std::string config_json(const RunConfig& config) {
  return canonical(to_json(config));
}

void write_manifest(const std::filesystem::path& file,
                    const Manifest& manifest) {
  check(manifest);
  write_file_durably(file, canonical(to_json(manifest), 1) + "\n");
}

Manifest read_manifest(const std::filesystem::path& file) {
  const std::vector<std::byte> bytes = read_file(file);
  const auto* begin = reinterpret_cast<const char*>(bytes.data());
  const Json json =
      Json::parse(begin, begin + bytes.size(), nullptr, /*exceptions=*/false);
  if (json.is_discarded()) {
    throw StorageError("cannot read " + file.string() +
                       " (it is not JSON: cut short or changed); restore it "
                       "or plan the run anew");
  }
  Manifest manifest = manifest_from_json(json, file.filename().string());
  check(manifest);
  return manifest;
}

}  // namespace lens::storage
