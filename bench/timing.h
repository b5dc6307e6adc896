#pragma once

#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/Device.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <string>
#include <vector>

#include "model/cuda/gpus.h"

namespace lens::bench {

[[noreturn]] inline void fail(const std::string& line) {
  std::fprintf(stderr, "bench: %s\n", line.c_str());
  std::exit(1);
}

// The device by name, ready to compute as the programs do: float32 products are
// float32.
inline at::Device open_device(const std::string& name) {
  const at::Device device(name);
  if (!device.is_cuda()) return device;
  try {
    model::cuda::open_gpus();
  } catch (const std::exception& error) {
    fail(error.what());
  }
  return at::Device(at::kCUDA, 0);
}

// Until all that was asked of the device is done.
inline void finish(const at::Device& device) {
  if (device.is_cuda()) at::detail::getCUDAHooks().deviceSynchronize(0);
}

inline double seconds(const at::Device& device,
                      const std::function<void()>& work) {
  finish(device);
  const auto begin = std::chrono::steady_clock::now();
  work();
  finish(device);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
      .count();
}

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// The median of some runs, after one that is not counted.
inline double median_seconds(const at::Device& device, int rounds,
                             const std::function<void()>& work) {
  work();
  std::vector<double> times;
  for (int round = 0; round < rounds; ++round) {
    times.push_back(seconds(device, work));
  }
  return median(std::move(times));
}

}  // namespace lens::bench
