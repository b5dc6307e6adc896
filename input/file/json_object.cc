#include "input/file/json_object.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/error.h"
#include "input/file/input_file.h"

namespace lens {
namespace {

using nlohmann::json;

constexpr std::uintmax_t kFileLimit = std::uintmax_t{64} << 20;
constexpr std::size_t kQuotedBytes = 40;

// Deeper than any file of a checkpoint, shallow enough for every parser.
constexpr std::size_t kDepthLimit = 64;

// Brackets outside strings are counted before the file is parsed, because the
// parser's tree grows with depth as fast as a hostile file likes.
bool is_too_deep(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char byte = text[at];
    if (in_string) {
      // The character after a backslash ends no string.
      if (byte == '\\') ++at;
      if (byte == '"') in_string = false;
    } else if (byte == '"') {
      in_string = true;
    } else if (byte == '[' || byte == '{') {
      if (++depth > kDepthLimit) return true;
    } else if ((byte == ']' || byte == '}') && depth > 0) {
      --depth;
    }
  }
  return false;
}

// Notes the first key that stands twice in one object.
class KeyWatch {
 public:
  bool operator()(int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) open_.emplace_back();
    if (event == json::parse_event_t::object_end) open_.pop_back();
    if (event == json::parse_event_t::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!open_.back().insert(key).second && doubled_.empty()) {
        doubled_ = key.empty() ? "\"\"" : key;
      }
    }
    return true;
  }
  const std::string& doubled() const { return doubled_; }

 private:
  std::vector<std::unordered_set<std::string>> open_;
  std::string doubled_;
};

// Fit for a one-line message.
std::string shown(const std::string& key) {
  std::string text;
  for (const char c : key.substr(0, kQuotedBytes)) {
    const auto byte = static_cast<unsigned char>(c);
    text.push_back(byte < 0x20 || byte >= 0x7F ? '?' : c);
  }
  return text;
}

}  // namespace

WatchedJson parse_watched(std::string_view text) {
  KeyWatch watch;
  json value = json::parse(
      text, [&watch](int depth, json::parse_event_t event, json& parsed) {
        return watch(depth, event, parsed);
      });
  return {.value = std::move(value), .doubled = watch.doubled()};
}

json read_json_object(const std::filesystem::path& path) {
  const std::string problem = "cannot read " + path.string();
  const std::string remedy = "copy the file from its source again";
  const std::string content = read_whole(path, kFileLimit);
  if (is_too_deep(content)) {
    throw InputError(problem, "JSON nested too deeply", remedy);
  }
  WatchedJson parsed;
  try {
    parsed = parse_watched(content);
  } catch (const json::parse_error& error) {
    throw InputError(problem, "not JSON at byte " + std::to_string(error.byte),
                     remedy);
  } catch (const json::exception&) {
    // A number beyond a double.
    throw InputError(problem, "JSON with a value out of range", remedy);
  }
  if (!parsed.value.is_object())
    throw InputError(problem, "not a JSON object", remedy);
  if (!parsed.doubled.empty()) {
    throw InputError(problem,
                     "the key " + shown(parsed.doubled) + " stands there twice",
                     "keep one of them");
  }
  return std::move(parsed.value);
}

}  // namespace lens
