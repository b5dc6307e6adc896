#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

namespace lens::analysis::statistics {

// Count, mean and sum of squared deviations from the mean. Values are added one
// by one, or whole pieces merged (Chan, Golub, LeVeque 1983): how the values
// were cut into pieces changes nothing but rounding.
struct Moments {
  std::int64_t count = 0;
  double mean = 0;
  double squares = 0;  // M2

  void add(double value) {
    ++count;
    const double before = value - mean;
    mean += before / static_cast<double>(count);
    squares += before * (value - mean);
  }

  void merge(const Moments& other) {
    if (other.count == 0) return;
    const auto mine = static_cast<double>(count);
    const auto theirs = static_cast<double>(other.count);
    const double apart = other.mean - mean;
    count += other.count;
    const auto all = static_cast<double>(count);
    mean += apart * theirs / all;
    squares += other.squares + apart * apart * mine * theirs / all;
  }

  // Of the sample (n - 1). NaN below two values.
  double variance() const {
    return count < 2 ? std::numeric_limits<double>::quiet_NaN()
                     : squares / static_cast<double>(count - 1);
  }
  double deviation() const { return std::sqrt(variance()); }
};

}  // namespace lens::analysis::statistics
