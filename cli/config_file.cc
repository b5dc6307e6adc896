#include "cli/config_file.h"

#include <toml++/toml.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "cli/usage_error.h"

namespace lens::cli {
namespace {

[[noreturn]] void wrong(const std::filesystem::path& file,
                        const std::string& what) {
  throw UsageError("cannot use --config " + file.string() + " (" + what +
                   "); correct the file");
}

std::string scalar_text(const toml::node& node,
                        const std::filesystem::path& file,
                        const std::string& key) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto number = node.value_exact<std::int64_t>())
    return std::to_string(*number);
  if (const auto truth = node.value_exact<bool>())
    return *truth ? "true" : "false";
  wrong(file, "the value of " + key + " is not a text, a number or true/false");
}

toml::table parse(const std::filesystem::path& file) {
  std::ifstream stream(file);
  if (!stream)
    throw UsageError("cannot read --config " + file.string() +
                     " (no such file); check the path");
  try {
    return toml::parse(stream, file.string());
  } catch (const toml::parse_error& error) {
    std::ostringstream what;
    what << "line " << error.source().begin.line << ": " << error.description();
    wrong(file, what.str());
  }
}

}  // namespace

std::vector<std::string> config_arguments(const std::filesystem::path& file,
                                          const std::set<std::string>& known,
                                          const std::set<std::string>& given) {
  std::vector<std::string> arguments;
  const toml::table table = parse(file);
  for (const auto& [raw_key, node] : table) {
    std::string key(raw_key.str());
    std::replace(key.begin(), key.end(), '_', '-');
    if (!known.contains(key) || key == "config" || key == "help")
      wrong(file, "unknown key " + std::string(raw_key.str()));
    if (given.contains(key)) continue;
    const auto append = [&](const std::string& value) {
      // In one word: a value that begins with a dash is no flag.
      arguments.push_back("--" + key + "=" + value);
    };
    if (const toml::array* list = node.as_array()) {
      for (const toml::node& item : *list) append(scalar_text(item, file, key));
    } else if (const toml::table* pairs = node.as_table()) {
      for (const auto& [name, value] : *pairs)
        append(std::string(name.str()) + "=" + scalar_text(value, file, key));
    } else {
      append(scalar_text(node, file, key));
    }
  }
  return arguments;
}

}  // namespace lens::cli
