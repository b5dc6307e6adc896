#include "input/text/added_tokens.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/utf8.h"
#include "input/text/characters.h"

namespace lens::text {
namespace {

constexpr std::int32_t kNoToken = -1;

std::uint64_t edge_of(std::uint32_t node, char byte) {
  return std::uint64_t{node} << 8 | static_cast<std::uint8_t>(byte);
}

// Where the character before `position` > 0 begins.
std::size_t step_back(std::string_view text, std::size_t position) {
  do {
    --position;
  } while (position > 0 &&
           (static_cast<std::uint8_t>(text[position]) & 0xC0) == 0x80);
  return position;
}

Character character_at(std::string_view text, std::size_t position) {
  return Character(read_utf8(text, position).code_point);
}

bool touches_word(std::string_view text, std::size_t first, std::size_t last) {
  return (first > 0 && character_at(text, step_back(text, first)).is(kWord)) ||
         (last < text.size() && character_at(text, last).is(kWord));
}

std::size_t skip_space(std::string_view text, std::size_t position) {
  while (position < text.size()) {
    const Utf8Step step = read_utf8(text, position);
    if (!Character(step.code_point).is(kSpace)) break;
    position += step.length;
  }
  return position;
}

std::size_t skip_space_back(std::string_view text, std::size_t position,
                            std::size_t limit) {
  while (position > limit) {
    const std::size_t before = step_back(text, position);
    if (!character_at(text, before).is(kSpace)) break;
    position = before;
  }
  return position;
}

}  // namespace

AddedTokenMatcher::AddedTokenMatcher(std::vector<AddedToken> tokens)
    : tokens_(std::move(tokens)), token_at_(1, kNoToken) {
  for (std::size_t index = 0; index < tokens_.size(); ++index) insert(index);
}

void AddedTokenMatcher::insert(std::size_t index) {
  const std::string& content = tokens_[index].content;
  if (content.empty()) return;
  // A table of first bytes: nearly every position of a text is left at once.
  begins_[static_cast<std::uint8_t>(content.front())] = true;
  std::uint32_t node = 0;
  for (const char byte : content) {
    const auto fresh = static_cast<std::uint32_t>(token_at_.size());
    const auto [child, is_new] =
        children_.try_emplace(edge_of(node, byte), fresh);
    if (is_new) token_at_.push_back(kNoToken);
    node = child->second;
  }
  if (token_at_[node] == kNoToken) {
    // Of two alike the first one counts.
    token_at_[node] = static_cast<std::int32_t>(index);
  }
}

AddedTokenMatcher::Match AddedTokenMatcher::longest_at(
    std::string_view text, std::size_t position) const {
  Match match;
  if (!begins_[static_cast<std::uint8_t>(text[position])]) return match;
  std::uint32_t node = 0;
  for (std::size_t at = position; at < text.size(); ++at) {
    const auto child = children_.find(edge_of(node, text[at]));
    if (child == children_.end()) break;
    node = child->second;
    if (token_at_[node] != kNoToken)
      match = {&tokens_[token_at_[node]], at + 1};
  }
  return match;
}

std::vector<Segment> AddedTokenMatcher::split(std::string_view text) const {
  std::vector<Segment> segments;
  std::size_t done = 0;  // everything before is in a segment
  for (std::size_t at = 0; at < text.size();) {
    const Match match = longest_at(text, at);
    if (match.token == nullptr) {
      ++at;
      continue;
    }
    std::size_t first = at;
    std::size_t last = match.end;
    at = match.end;  // also past a match that is then discarded
    const AddedToken& token = *match.token;
    if (token.single_word && touches_word(text, first, last)) continue;
    // Spaces that the token before has taken stay with it.
    if (token.lstrip) first = skip_space_back(text, first, done);
    if (token.rstrip) last = skip_space(text, last);
    if (done < first) {
      segments.push_back({text.substr(done, first - done), std::nullopt});
    }
    segments.push_back({text.substr(first, last - first), token.id});
    done = last;
  }
  if (done < text.size()) segments.push_back({text.substr(done), std::nullopt});
  return segments;
}

}  // namespace lens::text
