#pragma once

#include <cstdint>
#include <string_view>

namespace lens::analysis::statistics {

// Random numbers by their index: the i-th is a pure function of the stream's
// key and i, so threads share a stream without sharing state and results do not
// depend on how many there are. The numbers are those of SplitMix64 (Steele,
// Lea, Flood 2014) begun at the key. Other programs that repeat our resampling
// rely on this scheme (docs/metrics.md): it must not change.
class RandomStream {
 public:
  // `name` says what the stream is for: uses of one seed stay independent.
  RandomStream(std::uint64_t seed, std::string_view name)
      : key_(mixed(seed ^ fnv1a(name))) {}

  std::uint64_t bits(std::uint64_t index) const {
    return mixed(key_ + (index + 1) * 0x9E3779B97F4A7C15u);
  }

  // 0..bound-1, bound < 2^32. The bias is below bound / 2^32.
  std::uint64_t below(std::uint64_t bound, std::uint64_t index) const {
    return ((bits(index) >> 32) * bound) >> 32;
  }

 private:
  static std::uint64_t mixed(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  static std::uint64_t fnv1a(std::string_view text) {
    std::uint64_t hash = 0xCBF29CE484222325u;
    for (const char c : text)
      hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
    return hash;
  }

  std::uint64_t key_;
};

}  // namespace lens::analysis::statistics
