#pragma once

#include <algorithm>
#include <exception>
#include <thread>
#include <vector>

namespace lens::analysis::statistics {

// Calls body(begin, end) for ranges that make up [0, count), on the threads of
// this machine. Who calls sees to it that the ranges do not share what they
// write. The first exception is thrown again.
template <class Body>
void in_parallel(int count, Body&& body) {
  const int threads =
      std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 16);
  std::vector<std::exception_ptr> errors(static_cast<std::size_t>(threads));
  {
    std::vector<std::jthread> running;
    for (int i = 0; i < threads; ++i) {
      const int begin = count / threads * i + std::min(i, count % threads);
      const int end = begin + count / threads + (i < count % threads ? 1 : 0);
      running.emplace_back([&, i, begin, end] {
        try {
          body(begin, end);
        } catch (...) {
          errors[static_cast<std::size_t>(i)] = std::current_exception();
        }
      });
    }
  }
  for (const std::exception_ptr& error : errors)
    if (error) std::rethrow_exception(error);
}

}  // namespace lens::analysis::statistics
