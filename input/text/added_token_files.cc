#include "input/text/added_token_files.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/json_section.h"
#include "input/file/input_file.h"
#include "input/file/json_object.h"
#include "input/text/token_id.h"

namespace lens::text {
namespace {

using nlohmann::json;
using std::filesystem::path;

constexpr const char* kNamedTokens[] = {
    "bos_token", "eos_token", "unk_token",  "sep_token",
    "pad_token", "cls_token", "mask_token",
};
constexpr const char* kNamedTokenLists[] = {
    "additional_special_tokens",
    "extra_special_tokens",
    "model_specific_special_tokens",
};
// What Qwen2's tokenizer takes where the folder names none.
constexpr const char* kDefaultNames[] = {"eos_token", "pad_token", "unk_token"};
constexpr const char* kDefaultEnd = "<|endoftext|>";

InputError unusable(const std::string& file, const std::string& why) {
  return {"cannot use " + file, why, "correct the file"};
}

[[noreturn]] void fail(const path& file, const std::string& why) {
  throw unusable(file.string(), why);
}

JsonSection section_of(const json& token, const path& file) {
  const auto error = [name = file.string()](const JsonFault& fault) {
    const bool is_flag = !fault.place.empty() && fault.place != "content";
    return std::make_exception_ptr(
        unusable(name, is_flag ? fault.place + " of an added token " + fault.why
                               : "an added token has no text in \"content\""));
  };
  return {&token, {.error = error, .null_is_missing = true}};
}

AddedToken read_token(const json& object, const path& file) {
  const JsonSection section = section_of(object, file);
  AddedToken token;
  token.content = section.string("content");
  token.special = section.boolean_or("special", false);
  // Where a file does not say it, control tokens are matched in the raw text
  // and others after NFC.
  token.normalized = section.boolean_or("normalized", !token.special);
  token.single_word = section.boolean_or("single_word", false);
  token.lstrip = section.boolean_or("lstrip", false);
  token.rstrip = section.boolean_or("rstrip", false);
  return token;
}

std::int32_t read_id_key(const std::string& key, const path& file) {
  std::int32_t id = -1;
  const char* end = key.data() + key.size();
  const auto [stop, error] = std::from_chars(key.data(), end, id);
  if (error != std::errc() || stop != end || id < 0 || id >= kIdLimit) {
    fail(file, quote(key) + " in added_tokens_decoder is not a token id");
  }
  return id;
}

// The added tokens found so far, with the check that files agree on ids.
class Collection {
 public:
  explicit Collection(
      const std::unordered_map<std::string, std::int32_t>& vocabulary)
      : vocabulary_(vocabulary) {}

  // Replaces the flags of a token that is known, if `overrides`.
  void add(AddedToken token, const path& file, bool overrides) {
    if (token.content.empty()) return;
    const auto in_vocabulary = vocabulary_.find(token.content);
    const auto known = tokens_.find(token.content);
    if ((known != tokens_.end() && known->second.id != token.id) ||
        (in_vocabulary != vocabulary_.end() &&
         in_vocabulary->second != token.id)) {
      fail(file, "added token " + quote(token.content) + " has the id " +
                     std::to_string(token.id) + " here and another elsewhere");
    }
    const auto [owner, is_new] = owners_.try_emplace(token.id, token.content);
    if (!is_new && owner->second != token.content) {
      fail(file, "id " + std::to_string(token.id) + " is claimed by " +
                     quote(owner->second) + " and " + quote(token.content));
    }
    if (known == tokens_.end()) {
      tokens_.emplace(token.content, std::move(token));
    } else if (overrides) {
      known->second = std::move(token);
    }
  }

  // A token that a configuration file names; `flags` as it says, special.
  void name(AddedToken flags) {
    const auto known = tokens_.find(flags.content);
    if (known != tokens_.end()) {
      known->second.special = true;
      return;
    }
    const auto in_vocabulary = vocabulary_.find(flags.content);
    if (flags.content.empty() || in_vocabulary == vocabulary_.end()) return;
    flags.id = in_vocabulary->second;
    tokens_.emplace(flags.content, std::move(flags));
  }

  std::vector<AddedToken> sorted() const {
    std::vector<AddedToken> list;
    for (const auto& [content, token] : tokens_) list.push_back(token);
    std::sort(list.begin(), list.end(),
              [](const AddedToken& left, const AddedToken& right) {
                return left.id < right.id;
              });
    return list;
  }

 private:
  const std::unordered_map<std::string, std::int32_t>& vocabulary_;
  std::map<std::string, AddedToken> tokens_;  // by content
  std::unordered_map<std::int32_t, std::string> owners_;
};

json read_if_there(const path& file) {
  return has_file(file) ? read_json_object(file) : json::object();
}

AddedToken read_named(const json& value, const path& file) {
  AddedToken token;
  if (value.is_string()) {
    token.content = value.get<std::string>();
  } else {
    token = read_token(value, file);
    token.normalized = section_of(value, file).boolean_or("normalized", false);
  }
  token.special = true;
  return token;
}

// The special tokens that a configuration file names, by the name's key.
void read_names(const json& config, const path& file,
                std::map<std::string, AddedToken>& names) {
  for (const char* key : kNamedTokens) {
    const auto found = config.find(key);
    if (found == config.end()) continue;
    // Null takes the default away.
    names[key] = found->is_null() ? AddedToken{} : read_named(*found, file);
  }
  for (const char* key : kNamedTokenLists) {
    const auto found = config.find(key);
    if (found == config.end() || found->is_null()) continue;
    if (!found->is_structured()) {
      fail(file, std::string(key) + " is not a list");
    }
    std::size_t index = 0;
    for (const json& value : *found) {
      names[key + std::to_string(index++)] = read_named(value, file);
    }
  }
}

// added_tokens.json knows no flags: a token is special if it is named so, and
// matched after NFC if it is not.
void add_bare_tokens(const path& file,
                     const std::map<std::string, AddedToken>& names,
                     Collection& tokens) {
  std::set<std::string> special;
  for (const auto& [key, token] : names) special.insert(token.content);
  const json bare = read_if_there(file);
  for (const auto& [content, id] : bare.items()) {
    AddedToken token;
    token.content = content;
    token.id = read_id(id, file, content);
    token.special = special.contains(content);
    token.normalized = !token.special;
    tokens.add(std::move(token), file, false);
  }
}

}  // namespace

std::vector<AddedToken> read_added_tokens(
    const path& folder, const json& tokenizer_json,
    const std::unordered_map<std::string, std::int32_t>& vocabulary) {
  Collection tokens(vocabulary);
  const path main_file = folder / "tokenizer.json";
  if (tokenizer_json.is_object() && tokenizer_json.contains("added_tokens")) {
    for (const json& object : tokenizer_json["added_tokens"]) {
      AddedToken token = read_token(object, main_file);
      token.id = read_id(object.value("id", json()), main_file, token.content);
      tokens.add(std::move(token), main_file, true);
    }
  }

  const path config_file = folder / "tokenizer_config.json";
  const path map_file = folder / "special_tokens_map.json";
  const json config = read_if_there(config_file);
  const bool has_decoder = config.contains("added_tokens_decoder");
  std::map<std::string, AddedToken> names;
  for (const char* key : kDefaultNames) names[key].content = kDefaultEnd;
  for (const char* key : kDefaultNames) names[key].special = true;
  read_names(config, config_file, names);
  // Older folders have no added_tokens_decoder, and two files in its place.
  if (!has_decoder) read_names(read_if_there(map_file), map_file, names);

  if (has_decoder) {
    const json& decoder = config["added_tokens_decoder"];
    if (!decoder.is_object()) {
      fail(config_file, "added_tokens_decoder is not an object");
    }
    for (const auto& [key, object] : decoder.items()) {
      AddedToken token = read_token(object, config_file);
      token.id = read_id_key(key, config_file);
      tokens.add(std::move(token), config_file, true);
    }
  } else {
    add_bare_tokens(folder / "added_tokens.json", names, tokens);
  }
  for (const auto& [key, token] : names) tokens.name(token);
  return tokens.sorted();
}

}  // namespace lens::text
