#include "model/checkpoint/config_section.h"

#include "base/error.h"

namespace lens::model {

using nlohmann::json;

bool ConfigSection::contains(const char* key) const {
  return object_ != nullptr && object_->contains(key);
}

const json* ConfigSection::find(const char* key) const {
  if (object_ == nullptr) return nullptr;
  const auto found = object_->find(key);
  return found == object_->end() || found->is_null() ? nullptr : &*found;
}

std::int64_t ConfigSection::integer(const char* key, std::int64_t fallback,
                                    std::int64_t low, std::int64_t high) const {
  const json* value = find(key);
  if (!value) return check(key, fallback, low, high);
  if (!value->is_number_integer()) reject(key, "is not an integer");
  return check(key, value->get<std::int64_t>(), low, high);
}

std::int64_t ConfigSection::required(const char* key, std::int64_t low,
                                     std::int64_t high) const {
  if (!find(key)) reject(key, "is missing");
  return integer(key, 0, low, high);
}

double ConfigSection::number(const char* key, double fallback) const {
  const json* value = find(key);
  if (!value) return fallback;
  if (!value->is_number()) reject(key, "is not a number");
  const double number = value->get<double>();
  if (!(number > 0) || !(number < 1e12)) reject(key, "is out of range");
  return number;
}

bool ConfigSection::boolean(const char* key, bool fallback) const {
  const json* value = find(key);
  if (!value) return fallback;
  if (!value->is_boolean()) reject(key, "is not true or false");
  return value->get<bool>();
}

std::string ConfigSection::string(const char* key,
                                  const std::string& fallback) const {
  const json* value = find(key);
  if (!value) return fallback;
  if (!value->is_string()) reject(key, "is not a string");
  return value->get<std::string>();
}

void ConfigSection::reject(const std::string& key,
                           const std::string& why) const {
  throw InputError("cannot use " + file_, key + " " + why,
                   "check that it is the config of a Qwen2-VL checkpoint");
}

std::int64_t ConfigSection::check(const char* key, std::int64_t value,
                                  std::int64_t low, std::int64_t high) const {
  if (value < low || value > high) {
    reject(key, "= " + std::to_string(value) + " is not in " +
                    std::to_string(low) + ".." + std::to_string(high));
  }
  return value;
}

}  // namespace lens::model
