#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lens::text {

// Byte-level BPE tokenizer of the Qwen2 family, equal to the Hugging Face one:
// added tokens split off the raw text, NFC, Qwen's split pattern, byte-level
// BPE by merge rank. As there, the pattern and NFC are Qwen's whatever
// tokenizer.json says of them, and bytes whose letter the vocabulary lacks are
// left out. Immutable and safe to share between threads.
class Tokenizer {
 public:
  // Reads tokenizer.json (both spellings of merges) or vocab.json + merges.txt
  // with added_tokens.json / tokenizer_config.json from a checkpoint folder.
  // Ids are those of the files: no token is invented for a special one they
  // lack. Throws lens::InputError.
  static Tokenizer load(const std::filesystem::path& checkpoint);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  // Ids of `utf8`. Invalid UTF-8 is first replaced by U+FFFD, one per maximal
  // invalid subpart. Text that spells a control token becomes that token, as in
  // Hugging Face.
  std::vector<std::int32_t> encode(std::string_view utf8) const;

  // Text of a whole id list: bytes joined, then lossy UTF-8. Ids beyond the
  // vocabulary decode to nothing.
  std::string decode(std::span<const std::int32_t> ids,
                     bool skip_special_tokens = false) const;

  // The bytes a single token stands for; empty for ids without a token.
  std::string token_bytes(std::int32_t id) const;
  bool is_added(std::int32_t id) const;
  bool is_special(std::int32_t id) const;
  bool has_token(std::int32_t id) const;

  // True if a lower id stands for the same bytes, which takes a vocabulary with
  // entries that are spelled outside the byte alphabet.
  bool repeats_bytes(std::int32_t id) const;

  // Id of a token by its exact content, for example "<|im_start|>"; tokens of
  // the vocabulary go by their spelling in its file, for example "\u0120Hello".
  std::optional<std::int32_t> id_of(std::string_view content) const;

  // 1 + the largest id that has a token.
  std::int32_t size() const;

 private:
  struct Impl;
  explicit Tokenizer(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

}  // namespace lens::text
