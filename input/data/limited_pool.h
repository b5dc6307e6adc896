#pragma once

#include <arrow/memory_pool.h>

#include <cstdint>

namespace lens::data {

// What decoding one row group may take. Photo data sets need about 50 MB; a
// forged page header must not take the machine down.
constexpr std::int64_t kMaxDecodeBytes = std::int64_t{8} << 30;

// The system's allocator with a limit on what is allocated at one time.
class LimitedPool final : public arrow::ProxyMemoryPool {
 public:
  using MemoryPool::Allocate;
  using MemoryPool::Reallocate;

  LimitedPool() : ProxyMemoryPool(arrow::system_memory_pool()) {}

  arrow::Status Allocate(std::int64_t size, std::int64_t alignment,
                         std::uint8_t** out) override {
    ARROW_RETURN_NOT_OK(check_growth(size));
    return ProxyMemoryPool::Allocate(size, alignment, out);
  }

  arrow::Status Reallocate(std::int64_t old_size, std::int64_t new_size,
                           std::int64_t alignment,
                           std::uint8_t** ptr) override {
    ARROW_RETURN_NOT_OK(check_growth(new_size - old_size));
    return ProxyMemoryPool::Reallocate(old_size, new_size, alignment, ptr);
  }

 private:
  arrow::Status check_growth(std::int64_t bytes) const;
};

}  // namespace lens::data
