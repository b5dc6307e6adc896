#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace lens::text {

// A token that is matched in the text as it stands instead of by BPE.
struct AddedToken {
  std::string content;
  std::int32_t id = 0;
  bool special = false;      // left out by decode() where asked
  bool normalized = false;   // matched after NFC instead of before
  bool single_word = false;  // not next to a letter, digit or underscore
  bool lstrip = false;       // takes the white space before it
  bool rstrip = false;       // takes the white space after it

  bool operator==(const AddedToken&) const = default;
};

// A stretch of text: one added token, or text between them.
struct Segment {
  std::string_view text;
  std::optional<std::int32_t> id;
};

// Finds added tokens: the leftmost first, the longest of those that begin at
// the same place. Immutable.
class AddedTokenMatcher {
 public:
  // Empty contents are ignored; of two equal ones the first counts.
  explicit AddedTokenMatcher(std::vector<AddedToken> tokens);

  // The segments of valid UTF-8 `text`, in order; they point into it.
  std::vector<Segment> split(std::string_view text) const;

 private:
  struct Match {
    const AddedToken* token = nullptr;
    std::size_t end = 0;
  };

  void insert(std::size_t index);
  Match longest_at(std::string_view text, std::size_t position) const;

  std::vector<AddedToken> tokens_;
  // A trie by bytes: (node, byte) -> node, and the token that ends at a node.
  std::unordered_map<std::uint64_t, std::uint32_t> children_;
  std::vector<std::int32_t> token_at_;
  bool begins_[256] = {};
};

}  // namespace lens::text
