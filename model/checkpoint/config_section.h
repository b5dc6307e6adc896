#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace lens::model {

// One object of a configuration file with typed access to its keys; the file
// is named in what it throws.
class ConfigSection {
 public:
  // `object` must outlive the section; null: a section without keys.
  ConfigSection(const nlohmann::json* object, std::string file)
      : object_(object), file_(std::move(file)) {}

  const std::string& file() const { return file_; }

  // Whether the key is there, null or not.
  bool contains(const char* key) const;
  // The value; nullptr where it is missing or null.
  const nlohmann::json* find(const char* key) const;

  // The value of a key, or `fallback` where find() gives none. Throw
  // lens::InputError for another type and for what is out of range.
  std::int64_t integer(const char* key, std::int64_t fallback, std::int64_t low,
                       std::int64_t high) const;
  double number(const char* key, double fallback) const;
  bool boolean(const char* key, bool fallback) const;
  std::string string(const char* key, const std::string& fallback) const;

  // As integer(), but the key must be there.
  std::int64_t required(const char* key, std::int64_t low,
                        std::int64_t high) const;

  [[noreturn]] void reject(const std::string& key,
                           const std::string& why) const;

 private:
  std::int64_t check(const char* key, std::int64_t value, std::int64_t low,
                     std::int64_t high) const;

  const nlohmann::json* object_;
  std::string file_;
};

}  // namespace lens::model
