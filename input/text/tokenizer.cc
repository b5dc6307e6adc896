#include "input/text/tokenizer.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "input/text/added_tokens.h"
#include "input/text/bpe.h"
#include "input/text/byte_letters.h"
#include "input/text/nfc.h"
#include "input/text/splitter.h"
#include "input/text/tokenizer_files.h"

namespace lens::text {
namespace {

constexpr std::int32_t kNoId = -1;

struct Token {
  std::string bytes;
  bool present = false;
  bool added = false;
  bool special = false;
  bool repeats_bytes = false;
};

using Ids = std::unordered_map<std::string, std::int32_t>;

// The bytes a spelling decodes to. One with a character that is no byte's
// letter stands for itself, as in the reference; added tokens are no exception.
std::string bytes_of(const std::string& spelling) {
  return bytes_of_letters(spelling).value_or(spelling);
}

std::vector<Token> list_tokens(const TokenizerFiles& files) {
  // One more than the largest id: ids may have holes.
  std::int32_t size = 0;
  for (const auto& [spelling, id] : files.vocabulary) {
    size = std::max(size, id + 1);
  }
  for (const AddedToken& token : files.added) {
    size = std::max(size, token.id + 1);
  }
  std::vector<Token> tokens(size);
  for (const auto& [spelling, id] : files.vocabulary) {
    tokens[id].bytes = bytes_of(spelling);
    tokens[id].present = true;
  }
  for (const AddedToken& added : files.added) {
    // What is matched after NFC is also written out after NFC.
    const std::string text =
        added.normalized ? to_nfc(added.content) : added.content;
    tokens[added.id] = {bytes_of(text), true, true, added.special};
  }
  return tokens;
}

// Spellings in byte letters are one to one with bytes, so only the others can
// stand for the bytes of a second token.
void mark_repeated(const Ids& ids, std::vector<Token>& tokens) {
  std::unordered_map<std::string, std::vector<std::int32_t>> sharing;
  for (const auto& [spelling, id] : ids) {
    if (bytes_of_letters(spelling).has_value()) continue;
    auto& list = sharing[tokens[id].bytes];
    list.push_back(id);
    const auto twin = ids.find(letters_of(tokens[id].bytes));
    if (twin != ids.end()) list.push_back(twin->second);
  }
  for (auto& [bytes, list] : sharing) {
    const std::int32_t lowest = *std::min_element(list.begin(), list.end());
    for (const std::int32_t id : list) tokens[id].repeats_bytes = id != lowest;
  }
}

Bpe make_bpe(const TokenizerFiles& files,
             const std::filesystem::path& checkpoint) {
  Bpe::ByteIds byte_ids;
  bool has_any = false;
  for (std::size_t byte = 0; byte < byte_ids.size(); ++byte) {
    const auto found =
        files.vocabulary.find(letter_of(static_cast<std::uint8_t>(byte)));
    byte_ids[byte] = found == files.vocabulary.end() ? kNoId : found->second;
    has_any = has_any || byte_ids[byte] != kNoId;
  }
  if (!has_any) {
    throw InputError("cannot use the tokenizer in " + checkpoint.string(),
                     "its vocabulary has no token for any single byte",
                     "give the folder of a supported checkpoint");
  }
  return Bpe(byte_ids, files.merges);
}

// The added tokens that are matched before NFC, or those matched after it.
AddedTokenMatcher make_matcher(const std::vector<AddedToken>& added,
                               bool normalized) {
  std::vector<AddedToken> tokens;
  for (const AddedToken& token : added) {
    if (token.normalized != normalized) continue;
    tokens.push_back(token);
    if (normalized) tokens.back().content = to_nfc(token.content);
  }
  return AddedTokenMatcher(std::move(tokens));
}

}  // namespace

struct Tokenizer::Impl {
  std::vector<Token> tokens;  // by id
  Ids ids;                    // by spelling
  Bpe bpe;
  AddedTokenMatcher before_nfc, after_nfc;

  const Token* find(std::int32_t id) const {
    const bool is_known = id >= 0 &&
                          static_cast<std::size_t>(id) < tokens.size() &&
                          tokens[id].present;
    return is_known ? &tokens[id] : nullptr;
  }
};

Tokenizer Tokenizer::load(const std::filesystem::path& checkpoint) {
  TokenizerFiles files = read_tokenizer_files(checkpoint);
  std::vector<Token> tokens = list_tokens(files);
  Bpe bpe = make_bpe(files, checkpoint);
  Ids ids = std::move(files.vocabulary);
  for (const AddedToken& token : files.added) ids[token.content] = token.id;
  mark_repeated(ids, tokens);
  return Tokenizer(std::unique_ptr<const Impl>(new Impl{
      std::move(tokens), std::move(ids), std::move(bpe),
      make_matcher(files.added, false), make_matcher(files.added, true)}));
}

Tokenizer::Tokenizer(std::unique_ptr<const Impl> impl)
    : impl_(std::move(impl)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

std::vector<std::int32_t> Tokenizer::encode(std::string_view utf8) const {
  std::string repaired;
  if (!is_utf8(utf8)) {
    repaired = lossy_utf8(utf8);
    utf8 = repaired;
  }
  std::vector<std::int32_t> ids;
  for (const Segment& raw : impl_->before_nfc.split(utf8)) {
    if (raw.id.has_value()) {
      ids.push_back(*raw.id);
      continue;
    }
    // Some tokens are cut out of the text as it came. The rest is normalised
    // before it is split into words, or other words would result.
    const std::string normal = to_nfc(raw.text);
    for (const Segment& segment : impl_->after_nfc.split(normal)) {
      if (segment.id.has_value()) {
        ids.push_back(*segment.id);
        continue;
      }
      for (const std::string_view piece : split_pieces(segment.text)) {
        impl_->bpe.encode(piece, ids);
      }
    }
  }
  return ids;
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids,
                              bool skip_special_tokens) const {
  std::string bytes;
  for (const std::int32_t id : ids) {
    const Token* token = impl_->find(id);
    if (token == nullptr || (skip_special_tokens && token->special)) continue;
    bytes.append(token->bytes);
  }
  // Of all bytes together: a character may be spread over tokens.
  return lossy_utf8(bytes);
}

std::string Tokenizer::token_bytes(std::int32_t id) const {
  const Token* token = impl_->find(id);
  return token == nullptr ? std::string() : token->bytes;
}

bool Tokenizer::is_added(std::int32_t id) const {
  const Token* token = impl_->find(id);
  return token != nullptr && token->added;
}

bool Tokenizer::is_special(std::int32_t id) const {
  const Token* token = impl_->find(id);
  return token != nullptr && token->special;
}

bool Tokenizer::has_token(std::int32_t id) const {
  return impl_->find(id) != nullptr;
}

bool Tokenizer::repeats_bytes(std::int32_t id) const {
  const Token* token = impl_->find(id);
  return token != nullptr && token->repeats_bytes;
}

std::optional<std::int32_t> Tokenizer::id_of(std::string_view content) const {
  const auto found = impl_->ids.find(std::string(content));
  if (found == impl_->ids.end()) return std::nullopt;
  return found->second;
}

std::int32_t Tokenizer::size() const {
  return static_cast<std::int32_t>(impl_->tokens.size());
}

}  // namespace lens::text
