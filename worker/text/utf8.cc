#include "worker/text/utf8.h"

#include <cstdint>

#include "worker/text/tokenizer.h"

namespace lens::text {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

// What a lead byte asks for: how many bytes in all, and the range of the second
// byte, which is what excludes overlong forms, surrogates and > U+10FFFF.
struct Lead {
  std::size_t length;  // 0: not a lead byte
  std::uint8_t second_first, second_last;
};

Lead lead_of(std::uint8_t byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte < 0xC2) return {0, 0, 0};
  if (byte < 0xE0) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte < 0xF0) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte < 0xF4) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

}  // namespace

Utf8Step read_utf8(std::string_view bytes, std::size_t position) {
  const auto byte_at = [&](std::size_t index) {
    return static_cast<std::uint8_t>(bytes[index]);
  };
  const std::uint8_t first = byte_at(position);
  if (first < 0x80) return {first, 1, true};
  const Lead lead = lead_of(first);
  if (lead.length == 0) return {kReplacement, 1, false};
  char32_t code_point = first & (0x7F >> lead.length);
  for (std::size_t taken = 1; taken < lead.length; ++taken) {
    if (position + taken >= bytes.size()) return {kReplacement, taken, false};
    const std::uint8_t byte = byte_at(position + taken);
    const std::uint8_t low = taken == 1 ? lead.second_first : 0x80;
    const std::uint8_t high = taken == 1 ? lead.second_last : 0xBF;
    if (byte < low || byte > high) return {kReplacement, taken, false};
    code_point = (code_point << 6) | (byte & 0x3F);
  }
  return {code_point, lead.length, true};
}

bool is_utf8(std::string_view bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const Utf8Step step = read_utf8(bytes, at);
    if (!step.valid) return false;
    at += step.length;
  }
  return true;
}

void append_utf8(char32_t code_point, std::string& out) {
  const auto put = [&](char32_t byte) {
    out.push_back(static_cast<char>(byte));
  };
  const auto put_tail = [&](int shift) {
    put(0x80 | ((code_point >> shift) & 0x3F));
  };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | (code_point >> 6));
    put_tail(0);
  } else if (code_point < 0x10000) {
    put(0xE0 | (code_point >> 12));
    put_tail(6);
    put_tail(0);
  } else {
    put(0xF0 | (code_point >> 18));
    put_tail(12);
    put_tail(6);
    put_tail(0);
  }
}

std::string lossy_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (std::size_t at = 0; at < bytes.size();) {
    const Utf8Step step = read_utf8(bytes, at);
    if (step.valid) {
      text.append(bytes.substr(at, step.length));
    } else {
      append_utf8(kReplacement, text);
    }
    at += step.length;
  }
  return text;
}

}  // namespace lens::text
