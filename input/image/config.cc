#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json_section.h"
#include "input/file/input_file.h"
#include "input/file/json_object.h"
#include "input/image/preprocess.h"

namespace lens::image {
namespace {

using nlohmann::json;

// 2^40 pixels are over anything real and still far from overflow.
constexpr std::int64_t kMostPixels = std::int64_t{1} << 40;

// What the preprocessor is told, and the file that says it.
struct Settings {
  json object;
  std::filesystem::path file;
};

// Null is the default of a key, as to transformers.
JsonSection section_of(const Settings& settings) {
  const auto error = [file = settings.file.string()](const JsonFault& fault) {
    std::string why = fault.place + " " + fault.why;
    if (fault.place.empty()) why = "it is not a JSON object";
    if (fault.range) {
      why = fault.place + " is not an integer of at least " +
            std::to_string(fault.range->first);
    }
    return std::make_exception_ptr(InputError(
        "cannot use " + file, why, "take the file of the original checkpoint"));
  };
  return {&settings.object, {.error = error, .null_is_missing = true}};
}

std::optional<std::int64_t> pixels(const JsonSection& settings,
                                   std::string_view key) {
  if (!settings.find(key)) return std::nullopt;
  return settings.integer(key, 1, kMostPixels);
}

// One number for all channels, or a list of three.
void read_channels(const JsonSection& settings, std::string_view key,
                   std::array<float, 3>& to) {
  const json* value = settings.find(key);
  if (value == nullptr) return;
  if (value->is_number()) {
    to.fill(value->get<float>());
    return;
  }
  if (!value->is_array() || value->size() != 3) {
    settings.reject(key, "is not a list of three numbers");
  }
  for (std::size_t c = 0; c < 3; ++c) {
    if (!(*value)[c].is_number()) {
      settings.reject(key, "is not a list of three numbers");
    }
    to[c] = (*value)[c].get<float>();
  }
}

// A step that the processor can leave out and this program cannot.
void require_on(const JsonSection& settings, std::string_view key) {
  const json* value = settings.find(key);
  if (value != nullptr && *value != json(true)) {
    settings.reject(key, "is not true, which is not supported");
  }
}

// The settings as transformers finds them: those nested in
// processor_config.json come before preprocessor_config.json.
Settings find_settings(const std::filesystem::path& checkpoint,
                       std::vector<std::string>& notes) {
  const std::filesystem::path outer = checkpoint / "processor_config.json";
  const std::filesystem::path file = checkpoint / "preprocessor_config.json";
  const bool has_own = has_file(file);
  if (has_file(outer)) {
    json value = read_json_object(outer);
    if (value.contains("image_processor")) {
      // Only said: a copy that differs is no error to transformers.
      if (has_own && read_json_object(file) != value["image_processor"]) {
        notes.emplace_back(
            "images are cut as processor_config.json says, not as "
            "preprocessor_config.json beside it");
      }
      return {std::move(value["image_processor"]), outer};
    }
  }
  if (!has_own) {
    throw InputError("no preprocessor in " + checkpoint.string(),
                     "neither preprocessor_config.json nor a "
                     "processor_config.json with image_processor: how images "
                     "are resized would be a guess",
                     "copy the file from the original checkpoint");
  }
  return {read_json_object(file), file};
}

// Another class would resize in another way.
void check_class(const JsonSection& settings,
                 std::span<const std::string_view> processors) {
  const json* type = settings.find("image_processor_type");
  if (type == nullptr) return;
  if (!type->is_string() ||
      std::find(processors.begin(), processors.end(),
                type->get<std::string>()) == processors.end()) {
    settings.reject("image_processor_type",
                    "is not " + std::string(processors.front()));
  }
}

// Says which of two values counts.
void note_choice(const char* chosen, std::optional<std::int64_t> value,
                 const json& size, const char* left,
                 std::vector<std::string>& notes) {
  const auto other = size.find(left);
  if (!value || other == size.end() || *other == json(*value)) return;
  notes.push_back("the preprocessor's " + std::string(chosen) + " = " +
                  std::to_string(*value) + " counts, not size." + left + " = " +
                  other->dump());
}

// min_pixels and max_pixels come before `size`, whose two "edges" are pixel
// counts too; a `size` that is given must end up complete.
void read_pixel_limits(const JsonSection& settings,
                       PreprocessorConfig& config) {
  std::optional<std::int64_t> lowest = pixels(settings, "min_pixels");
  std::optional<std::int64_t> highest = pixels(settings, "max_pixels");
  // Saved again by transformers the limits stand in `size`, as pixel counts
  // under the names of edges.
  if (const auto size = settings.find_section("size")) {
    note_choice("min_pixels", lowest, size->object(), "shortest_edge",
                config.notes);
    note_choice("max_pixels", highest, size->object(), "longest_edge",
                config.notes);
    for (const auto& [key, value] : size->object().items()) {
      if (key == "shortest_edge") {
        if (!lowest) lowest = size->integer(key, 1, kMostPixels);
      } else if (key == "longest_edge") {
        if (!highest) highest = size->integer(key, 1, kMostPixels);
      } else if ((key != "min_pixels" || !settings.find(key)) &&
                 (key != "max_pixels" || !settings.find(key))) {
        settings.reject("size", "has the unknown key " + key);
      }
    }
    if (!lowest || !highest) {
      settings.reject("size", "lacks shortest_edge or longest_edge");
    }
  }
  config.min_pixels = lowest.value_or(config.min_pixels);
  config.max_pixels = highest.value_or(config.max_pixels);
}

void read_steps(const JsonSection& settings, PreprocessorConfig& config) {
  for (const std::string_view key :
       {"do_resize", "do_rescale", "do_normalize", "do_convert_rgb"}) {
    require_on(settings, key);
  }
  constexpr int kBicubic = 3;
  if (const json* resample = settings.find("resample");
      resample != nullptr && *resample != json(kBicubic)) {
    settings.reject("resample", "is not 3 (bicubic), which is not supported");
  }
  if (const json* factor = settings.find("rescale_factor")) {
    if (!factor->is_number() || !(factor->get<double>() > 0)) {
      settings.reject("rescale_factor", "is not a positive number");
    }
    config.rescale_factor = factor->get<double>();
  }
  read_channels(settings, "image_mean", config.mean);
  read_channels(settings, "image_std", config.std);
  for (const float std : config.std) {
    if (!(std > 0) || !std::isfinite(std)) {
      settings.reject("image_std", "is not positive");
    }
  }
}

int read_side(const JsonSection& settings, std::string_view key,
              int otherwise) {
  constexpr std::int64_t kHighest = 1024;
  const std::int64_t side =
      settings.integer_or<std::int64_t>(key, otherwise, 1, kMostPixels);
  if (side > kHighest) settings.reject(key, "is over 1024");
  return static_cast<int>(side);
}

}  // namespace

PreprocessorConfig PreprocessorConfig::load(
    const std::filesystem::path& checkpoint,
    std::span<const std::string_view> processors) {
  PreprocessorConfig config;
  const Settings found = find_settings(checkpoint, config.notes);
  const JsonSection settings = section_of(found);
  config.file = found.file;
  check_class(settings, processors);
  read_pixel_limits(settings, config);
  read_steps(settings, config);
  config.patch_size = read_side(settings, "patch_size", config.patch_size);
  config.temporal_patch_size =
      read_side(settings, "temporal_patch_size", config.temporal_patch_size);
  config.merge_size = read_side(settings, "merge_size", config.merge_size);
  return config;
}

}  // namespace lens::image
