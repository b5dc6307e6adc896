#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "input/file/input_file.h"
#include "input/file/json_object.h"
#include "input/image/preprocess.h"

namespace lens::image {
namespace {

using nlohmann::json;

// One settings object, and the file that errors name.
class Settings {
 public:
  Settings(json object, std::filesystem::path file)
      : object_(std::move(object)), file_(std::move(file)) {
    if (!object_.is_object()) fail("it is not a JSON object");
  }

  const std::filesystem::path& file() const { return file_; }

  // The value of `key`, or nullptr when it is missing or null: both mean the
  // default to transformers.
  const json* find(std::string_view key) const { return find(object_, key); }

  std::optional<std::int64_t> integer(std::string_view key,
                                      std::int64_t lowest) const {
    const json* value = find(key);
    if (value == nullptr) return std::nullopt;
    return integer(*value, key, lowest);
  }

  std::int64_t integer(const json& value, std::string_view key,
                       std::int64_t lowest) const {
    // 2^40 pixels are over anything real and still far from overflow.
    constexpr std::int64_t kHighest = std::int64_t{1} << 40;
    if (!value.is_number_integer() || value.get<double>() < double(lowest) ||
        value.get<double>() > double(kHighest)) {
      fail(std::string(key) + " is not an integer of at least " +
           std::to_string(lowest));
    }
    return value.get<std::int64_t>();
  }

  // One number for all channels, or a list of three.
  void channels(std::string_view key, std::array<float, 3>& to) const {
    const json* value = find(key);
    if (value == nullptr) return;
    if (value->is_number()) {
      to.fill(value->get<float>());
      return;
    }
    if (!value->is_array() || value->size() != 3) {
      fail(std::string(key) + " is not a list of three numbers");
    }
    for (std::size_t c = 0; c < 3; ++c) {
      if (!(*value)[c].is_number()) {
        fail(std::string(key) + " is not a list of three numbers");
      }
      to[c] = (*value)[c].get<float>();
    }
  }

  // A step that the processor can leave out and this program cannot.
  void require_on(std::string_view key) const {
    const json* value = find(key);
    if (value != nullptr && *value != json(true)) {
      fail(std::string(key) + " is not true, which is not supported");
    }
  }

  [[noreturn]] void fail(const std::string& why) const {
    throw InputError("cannot use " + file_.string(), why,
                     "take the file of the original checkpoint");
  }

 private:
  static const json* find(const json& object, std::string_view key) {
    const auto entry = object.find(key);
    return entry == object.end() || entry->is_null() ? nullptr : &*entry;
  }

  json object_;
  std::filesystem::path file_;
};

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
      if (has_own && read_json_object(file) != value["image_processor"]) {
        notes.emplace_back(
            "images are cut as processor_config.json says, not as "
            "preprocessor_config.json beside it");
      }
      return Settings(std::move(value["image_processor"]), outer);
    }
  }
  if (!has_own) {
    throw InputError("no preprocessor in " + checkpoint.string(),
                     "neither preprocessor_config.json nor a "
                     "processor_config.json with image_processor: how images "
                     "are resized would be a guess",
                     "copy the file from the original checkpoint");
  }
  return Settings(read_json_object(file), file);
}

// Another class would resize in another way.
void check_class(const Settings& settings) {
  constexpr std::array kNames = {"Qwen2VLImageProcessor",
                                 "Qwen2VLImageProcessorFast",
                                 "Qwen2VLImageProcessorPil"};
  const json* type = settings.find("image_processor_type");
  if (type == nullptr) return;
  if (!type->is_string() ||
      std::find(kNames.begin(), kNames.end(), type->get<std::string>()) ==
          kNames.end()) {
    settings.fail("image_processor_type is not Qwen2VLImageProcessor");
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
void read_pixel_limits(const Settings& settings, PreprocessorConfig& config) {
  std::optional<std::int64_t> lowest = settings.integer("min_pixels", 1);
  std::optional<std::int64_t> highest = settings.integer("max_pixels", 1);
  if (const json* size = settings.find("size")) {
    if (!size->is_object()) settings.fail("size is not an object");
    note_choice("min_pixels", lowest, *size, "shortest_edge", config.notes);
    note_choice("max_pixels", highest, *size, "longest_edge", config.notes);
    for (const auto& [key, value] : size->items()) {
      if (key == "shortest_edge") {
        if (!lowest) lowest = settings.integer(value, "size." + key, 1);
      } else if (key == "longest_edge") {
        if (!highest) highest = settings.integer(value, "size." + key, 1);
      } else if ((key != "min_pixels" || !settings.find(key)) &&
                 (key != "max_pixels" || !settings.find(key))) {
        settings.fail("size has the unknown key " + key);
      }
    }
    if (!lowest || !highest) {
      settings.fail("size lacks shortest_edge or longest_edge");
    }
  }
  config.min_pixels = lowest.value_or(config.min_pixels);
  config.max_pixels = highest.value_or(config.max_pixels);
}

void read_steps(const Settings& settings, PreprocessorConfig& config) {
  for (const std::string_view key :
       {"do_resize", "do_rescale", "do_normalize", "do_convert_rgb"}) {
    settings.require_on(key);
  }
  constexpr int kBicubic = 3;
  if (const json* resample = settings.find("resample");
      resample != nullptr && *resample != json(kBicubic)) {
    settings.fail("resample is not 3 (bicubic), which is not supported");
  }
  if (const json* factor = settings.find("rescale_factor")) {
    if (!factor->is_number() || !(factor->get<double>() > 0)) {
      settings.fail("rescale_factor is not a positive number");
    }
    config.rescale_factor = factor->get<double>();
  }
  settings.channels("image_mean", config.mean);
  settings.channels("image_std", config.std);
  for (const float std : config.std) {
    if (!(std > 0) || !std::isfinite(std)) {
      settings.fail("image_std is not positive");
    }
  }
}

int read_side(const Settings& settings, std::string_view key, int otherwise) {
  constexpr std::int64_t kHighest = 1024;
  const std::int64_t side = settings.integer(key, 1).value_or(otherwise);
  if (side > kHighest) settings.fail(std::string(key) + " is over 1024");
  return static_cast<int>(side);
}

}  // namespace

PreprocessorConfig PreprocessorConfig::load(
    const std::filesystem::path& checkpoint) {
  PreprocessorConfig config;
  const Settings settings = find_settings(checkpoint, config.notes);
  config.file = settings.file();
  check_class(settings);
  read_pixel_limits(settings, config);
  read_steps(settings, config);
  config.patch_size = read_side(settings, "patch_size", config.patch_size);
  config.temporal_patch_size =
      read_side(settings, "temporal_patch_size", config.temporal_patch_size);
  config.merge_size = read_side(settings, "merge_size", config.merge_size);
  return config;
}

}  // namespace lens::image
