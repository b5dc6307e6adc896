#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lens {

// What is wrong with a value of a JSON document.
struct JsonFault {
  std::string place;  // "config.threads", "files[2].bytes"
  std::string why;    // "is missing", "is not an integer", "is not in 1..8"
  // Of an integer: its range, and what stands there if that is an integer.
  std::optional<std::pair<std::int64_t, std::int64_t>> range = {};
  std::string integer = {};
};

// How the readers of a kind of document take it.
struct JsonDocument {
  // The exception for a fault, in the words of whoever gave the document.
  std::function<std::exception_ptr(const JsonFault&)> error;
  // Whether a key whose value is null counts as missing.
  bool null_is_missing = false;
};

// One object of a JSON document with typed access to its members. Whatever is
// not as asked for throws what the document's `error` makes of it.
class JsonSection {
 public:
  // `object` must outlive the section; null: an object without keys. `place`
  // stands before the keys in what is thrown.
  JsonSection(const nlohmann::json* object, JsonDocument document,
              std::string place = "");

  const nlohmann::json& object() const { return *object_; }

  // Whether the key is there, null or not.
  bool contains(std::string_view key) const;
  // The value; nullptr where it is missing.
  const nlohmann::json* find(std::string_view key) const;

  // The value of a key that must be there.
  std::string string(std::string_view key) const;
  bool boolean(std::string_view key) const;
  template <class Integer = std::int64_t>
  Integer integer(
      std::string_view key, std::int64_t low,
      std::int64_t high = std::numeric_limits<Integer>::max()) const {
    return static_cast<Integer>(integer_at(key, std::nullopt, low, high));
  }
  JsonSection section(std::string_view key) const;

  // The elements of a list that must be there.
  std::vector<JsonSection> sections(std::string_view key) const;
  std::vector<std::string> strings(std::string_view key) const;
  template <class Integer = std::int64_t>
  std::vector<Integer> integers(
      std::string_view key, std::int64_t low,
      std::int64_t high = std::numeric_limits<Integer>::max()) const {
    const std::vector<std::int64_t> values = integers_at(key, low, high);
    return {values.begin(), values.end()};
  }

  // The value of a key, or `otherwise` where it is missing. The range is that
  // of `otherwise` too, which may come from another key.
  std::string string_or(std::string_view key,
                        const std::string& otherwise) const;
  bool boolean_or(std::string_view key, bool otherwise) const;
  template <class Integer>
  Integer integer_or(
      std::string_view key, Integer otherwise, std::int64_t low,
      std::int64_t high = std::numeric_limits<Integer>::max()) const {
    return static_cast<Integer>(integer_at(key, otherwise, low, high));
  }
  // In (0, 1e12).
  double number_or(std::string_view key, double otherwise) const;
  std::optional<JsonSection> find_section(std::string_view key) const;

  // The same object, with no place before its keys.
  JsonSection without_place() const;

  // Throws that the value of `key` is not to be used.
  [[noreturn]] void reject(std::string_view key, const std::string& why) const;

 private:
  JsonSection(const nlohmann::json* object,
              std::shared_ptr<const JsonDocument> document, std::string place);

  std::string place_of(std::string_view key) const;
  [[noreturn]] void fail(JsonFault fault) const;
  const nlohmann::json& at(std::string_view key) const;
  const nlohmann::json& list_at(std::string_view key) const;
  std::int64_t integer_at(std::string_view key,
                          std::optional<std::int64_t> otherwise,
                          std::int64_t low, std::int64_t high) const;
  std::vector<std::int64_t> integers_at(std::string_view key, std::int64_t low,
                                        std::int64_t high) const;

  std::string as_string(const nlohmann::json& value,
                        const std::string& place) const;
  bool as_boolean(const nlohmann::json& value, const std::string& place) const;
  std::int64_t as_integer(const nlohmann::json& value, const std::string& place,
                          std::int64_t low, std::int64_t high) const;

  const nlohmann::json* object_;
  std::shared_ptr<const JsonDocument> document_;
  std::string place_;
};

}  // namespace lens
