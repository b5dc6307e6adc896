#pragma once

#include <c10/core/DeviceType.h>

#include <cstdint>

namespace lens::engine {

// Bounds of the batch schedule. They decide how work is packed, never what is
// computed; fixed by the kind of device so that a unit done twice is done
// alike.
struct Schedule {
  std::int64_t max_slots = 32;             // sequences decoded together
  std::int64_t max_prefill_tokens = 4096;  // in one packed pass
  std::int64_t max_vision_patches = 8192;  // in one packed pass
  std::int64_t kv_bytes = std::int64_t{2} << 30;

  static Schedule for_device(at::DeviceType device) {
    if (device != at::DeviceType::CUDA) return {};
    return {.max_slots = 256,
            .max_prefill_tokens = 16384,
            .max_vision_patches = 32768,
            .kv_bytes = std::int64_t{16} << 30};
  }
};

}  // namespace lens::engine
