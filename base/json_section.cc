#include "base/json_section.h"

#include <nlohmann/json.hpp>

namespace lens {
namespace {

using nlohmann::json;

const json& no_keys() {
  static const json empty = json::object();
  return empty;
}

std::string element(const std::string& list, std::size_t index) {
  return list + "[" + std::to_string(index) + "]";
}

// get<int64_t>() would wrap what is above its type and call it negative.
bool is_huge(const json& value) {
  return value.is_number_unsigned() &&
         value.get<std::uint64_t>() >
             std::uint64_t{std::numeric_limits<std::int64_t>::max()};
}

JsonFault out_of_range(const std::string& place, std::string integer,
                       std::int64_t low, std::int64_t high) {
  return {
      .place = place,
      .why = "is not in " + std::to_string(low) + ".." + std::to_string(high),
      .range = std::pair(low, high),
      .integer = std::move(integer)};
}

}  // namespace

JsonSection::JsonSection(const json* object, JsonDocument document,
                         std::string place)
    : JsonSection(object,
                  std::make_shared<const JsonDocument>(std::move(document)),
                  std::move(place)) {}

JsonSection::JsonSection(const json* object,
                         std::shared_ptr<const JsonDocument> document,
                         std::string place)
    : object_(object ? object : &no_keys()),
      document_(std::move(document)),
      place_(std::move(place)) {
  if (!object_->is_object()) {
    fail({.place = place_, .why = "is not an object"});
  }
}

std::string JsonSection::place_of(std::string_view key) const {
  return (place_.empty() ? "" : place_ + ".") + std::string(key);
}

void JsonSection::fail(JsonFault fault) const {
  std::rethrow_exception(document_->error(fault));
}

void JsonSection::reject(std::string_view key, const std::string& why) const {
  fail({.place = place_of(key), .why = why});
}

bool JsonSection::contains(std::string_view key) const {
  return object_->contains(key);
}

const json* JsonSection::find(std::string_view key) const {
  const auto found = object_->find(key);
  if (found == object_->end()) return nullptr;
  if (found->is_null() && document_->null_is_missing) return nullptr;
  return &*found;
}

const json& JsonSection::at(std::string_view key) const {
  const json* value = find(key);
  if (!value) reject(key, "is missing");
  return *value;
}

const json& JsonSection::list_at(std::string_view key) const {
  const json& list = at(key);
  if (!list.is_array()) reject(key, "is not a list");
  return list;
}

std::string JsonSection::string(std::string_view key) const {
  return as_string(at(key), place_of(key));
}

std::string JsonSection::string_or(std::string_view key,
                                   const std::string& otherwise) const {
  const json* value = find(key);
  return value ? as_string(*value, place_of(key)) : otherwise;
}

bool JsonSection::boolean(std::string_view key) const {
  return as_boolean(at(key), place_of(key));
}

bool JsonSection::boolean_or(std::string_view key, bool otherwise) const {
  const json* value = find(key);
  return value ? as_boolean(*value, place_of(key)) : otherwise;
}

double JsonSection::number_or(std::string_view key, double otherwise) const {
  const json* value = find(key);
  if (!value) return otherwise;
  if (!value->is_number()) reject(key, "is not a number");
  const auto number = value->get<double>();
  if (!(number > 0) || !(number < 1e12)) reject(key, "is out of range");
  return number;
}

JsonSection JsonSection::section(std::string_view key) const {
  return {&at(key), document_, place_of(key)};
}

std::optional<JsonSection> JsonSection::find_section(
    std::string_view key) const {
  const json* value = find(key);
  if (!value) return std::nullopt;
  return JsonSection(value, document_, place_of(key));
}

JsonSection JsonSection::without_place() const {
  return {object_, document_, ""};
}

std::vector<JsonSection> JsonSection::sections(std::string_view key) const {
  std::vector<JsonSection> sections;
  for (const json& value : list_at(key)) {
    sections.push_back(
        {&value, document_, element(place_of(key), sections.size())});
  }
  return sections;
}

std::vector<std::string> JsonSection::strings(std::string_view key) const {
  std::vector<std::string> strings;
  for (const json& value : list_at(key)) {
    strings.push_back(as_string(value, element(place_of(key), strings.size())));
  }
  return strings;
}

std::vector<std::int64_t> JsonSection::integers_at(std::string_view key,
                                                   std::int64_t low,
                                                   std::int64_t high) const {
  std::vector<std::int64_t> integers;
  for (const json& value : list_at(key)) {
    integers.push_back(
        as_integer(value, element(place_of(key), integers.size()), low, high));
  }
  return integers;
}

std::int64_t JsonSection::integer_at(std::string_view key,
                                     std::optional<std::int64_t> otherwise,
                                     std::int64_t low,
                                     std::int64_t high) const {
  if (const json* value = find(key)) {
    return as_integer(*value, place_of(key), low, high);
  }
  if (!otherwise) {
    fail({.place = place_of(key),
          .why = "is missing",
          .range = std::pair(low, high)});
  }
  if (*otherwise < low || *otherwise > high) {
    fail(out_of_range(place_of(key), std::to_string(*otherwise), low, high));
  }
  return *otherwise;
}

std::string JsonSection::as_string(const json& value,
                                   const std::string& place) const {
  if (!value.is_string()) fail({.place = place, .why = "is not a string"});
  return value.get<std::string>();
}

bool JsonSection::as_boolean(const json& value,
                             const std::string& place) const {
  if (!value.is_boolean()) {
    fail({.place = place, .why = "is not true or false"});
  }
  return value.get<bool>();
}

std::int64_t JsonSection::as_integer(const json& value,
                                     const std::string& place, std::int64_t low,
                                     std::int64_t high) const {
  if (!value.is_number_integer()) {
    fail({.place = place,
          .why = "is not an integer",
          .range = std::pair(low, high)});
  }
  if (is_huge(value) || value.get<std::int64_t>() < low ||
      value.get<std::int64_t>() > high) {
    fail(out_of_range(place, value.dump(), low, high));
  }
  return value.get<std::int64_t>();
}

}  // namespace lens
