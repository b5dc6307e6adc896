#include "input/text/tokenizer_files.h"

#include <string_view>
#include <utility>

#include "base/error.h"
#include "input/file/input_file.h"
#include "input/file/json_object.h"
#include "input/text/added_token_files.h"
#include "input/text/token_id.h"

namespace lens::text {
namespace {

using nlohmann::json;
using std::filesystem::path;
using Vocabulary = std::unordered_map<std::string, std::int32_t>;

constexpr std::uintmax_t kMergesLimit = std::uintmax_t{64} << 20;

[[noreturn]] void fail(const path& file, const std::string& why) {
  throw InputError("cannot use " + file.string(), why,
                   "give the folder of a supported checkpoint");
}

// A member of an object, null if it has none.
const json& member(const json& object, const char* key) {
  static const json null;
  const auto found = object.find(key);
  return found == object.end() ? null : *found;
}

Vocabulary read_vocabulary(const json& object, const path& file) {
  if (!object.is_object() || object.empty()) {
    fail(file, "it has no vocabulary of tokens and their ids");
  }
  Vocabulary vocabulary;
  vocabulary.reserve(object.size());
  for (const auto& [spelling, value] : object.items()) {
    vocabulary.emplace(spelling, read_id(value, file, spelling));
  }
  return vocabulary;
}

// Turns pairs of spellings into pairs of ids, in the order of the file.
class MergeReader {
 public:
  MergeReader(const Vocabulary& vocabulary, const path& file)
      : vocabulary_(vocabulary), file_(file) {}

  void add(std::string_view left, std::string_view right) {
    joined_.assign(left).append(right);
    const std::int32_t left_id = id_of(std::string(left));
    const std::int32_t right_id = id_of(std::string(right));
    merges_.push_back({left_id, right_id, id_of(joined_)});
  }

  // A pair as "left right".
  void add(std::string_view line) {
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos || space == 0 ||
        space + 1 == line.size() ||
        line.find(' ', space + 1) != std::string_view::npos) {
      fail(file_, where() + ", " + quote(line) +
                      ", is not two tokens with a space between them");
    }
    add(line.substr(0, space), line.substr(space + 1));
  }

  void add(const json& merge) {
    // "left right" before tokenizers 0.20, ["left", "right"] since.
    if (merge.is_string()) {
      add(std::string_view(merge.get_ref<const std::string&>()));
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
               merge[1].is_string()) {
      add(merge[0].get_ref<const std::string&>(),
          merge[1].get_ref<const std::string&>());
    } else {
      fail(file_, where() + " is not a pair of tokens");
    }
  }

  std::vector<Merge> take() { return std::move(merges_); }

 private:
  std::string where() const {
    return "merge " + std::to_string(merges_.size() + 1);
  }

  std::int32_t id_of(const std::string& spelling) const {
    const auto found = vocabulary_.find(spelling);
    if (found == vocabulary_.end()) {
      fail(file_, where() + " names " + quote(spelling) +
                      ", which the vocabulary lacks");
    }
    return found->second;
  }

  const Vocabulary& vocabulary_;
  const path& file_;
  std::string joined_;
  std::vector<Merge> merges_;
};

std::vector<Merge> read_merges_file(const path& file,
                                    const Vocabulary& vocabulary) {
  const std::string content = read_whole(file, kMergesLimit);
  MergeReader reader(vocabulary, file);
  std::string_view rest = content;
  for (bool is_first = true; !rest.empty(); is_first = false) {
    const std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    // Only the first line may be a comment: '#' also begins merges.
    if (line.empty() || (is_first && line.starts_with("#version"))) continue;
    reader.add(line);
  }
  return reader.take();
}

void read_model(const json& tokenizer_json, const path& file,
                TokenizerFiles& files) {
  const json& model = member(tokenizer_json, "model");
  if (!model.is_object()) fail(file, "it has no \"model\"");
  const json& type = member(model, "type");
  if (!type.is_null() && type != "BPE")
    fail(file, "its model is not of type BPE");
  for (const char* affix :
       {"continuing_subword_prefix", "end_of_word_suffix"}) {
    const json& value = member(model, affix);
    const bool is_unset = value.is_null() || value == json("");
    if (!is_unset) {
      fail(file, std::string(affix) + " is set, so it is not byte-level BPE");
    }
  }
  files.vocabulary = read_vocabulary(member(model, "vocab"), file);
  const json& merges = member(model, "merges");
  if (!merges.is_array()) fail(file, "its model has no list of merges");
  MergeReader reader(files.vocabulary, file);
  for (const json& merge : merges) reader.add(merge);
  files.merges = reader.take();
}

// Vocabulary and added tokens together; an added token may repeat an entry of
// the vocabulary, but only with the same content.
void check_ids(const TokenizerFiles& files, const path& folder) {
  std::unordered_map<std::int32_t, std::string_view> owners;
  owners.reserve(files.vocabulary.size() + files.added.size());
  const auto claim = [&](std::int32_t id, std::string_view content) {
    const auto [owner, is_new] = owners.try_emplace(id, content);
    if (is_new || owner->second == content) return;
    // Two names in alphabetical order: which of them came first depends on a
    // hash.
    const bool in_order = owner->second < content;
    fail(folder, "id " + std::to_string(id) + " belongs to " +
                     quote(in_order ? owner->second : content) + " and to " +
                     quote(in_order ? content : owner->second));
  };
  for (const auto& [spelling, id] : files.vocabulary) claim(id, spelling);
  for (const AddedToken& token : files.added) claim(token.id, token.content);
}

}  // namespace

TokenizerFiles read_tokenizer_files(const path& folder) {
  const path main_file = folder / "tokenizer.json";
  const path vocabulary_file = folder / "vocab.json";
  const path merges_file = folder / "merges.txt";
  TokenizerFiles files;
  json tokenizer_json;
  if (has_file(main_file)) {
    tokenizer_json = read_json_object(main_file);
    read_model(tokenizer_json, main_file, files);
  } else if (has_file(vocabulary_file) && has_file(merges_file)) {
    files.vocabulary =
        read_vocabulary(read_json_object(vocabulary_file), vocabulary_file);
    files.merges = read_merges_file(merges_file, files.vocabulary);
  } else {
    throw InputError("no tokenizer in " + folder.string(),
                     "neither tokenizer.json nor vocab.json with merges.txt",
                     "give the folder of a complete checkpoint");
  }
  files.added = read_added_tokens(folder, tokenizer_json, files.vocabulary);
  check_ids(files, folder);
  return files;
}

std::optional<std::string> tokenizer_note(const path& folder) {
  const path main_file = folder / "tokenizer.json";
  const path vocabulary_file = folder / "vocab.json";
  if (!has_file(main_file) || !has_file(vocabulary_file)) return std::nullopt;
  const json tokenizer_json = read_json_object(main_file);
  if (member(member(tokenizer_json, "model"), "vocab") ==
      read_json_object(vocabulary_file)) {
    return std::nullopt;
  }
  return "the vocabulary is that of tokenizer.json, vocab.json beside it says "
         "another";
}

}  // namespace lens::text
