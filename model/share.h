#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace lens::model {

// Some of the places along one dimension of a tensor.
struct Range {
  std::int64_t begin = 0;
  std::int64_t end = 0;

  std::int64_t size() const { return end - begin; }
  bool has(std::int64_t place) const { return place >= begin && place < end; }
};

// One rank among those that hold a model together.
struct Share {
  int rank = 0;  // 0 .. size - 1
  int size = 1;

  // Its places among `total`: ranges follow one another in the order of the
  // ranks, and no two differ in size by more than one.
  Range of(std::int64_t total) const {
    return {total * rank / size, total * (rank + 1) / size};
  }
};

// What one rank holds of a tensor: these ranges along one dimension, put one
// after another.
struct Cut {
  int dimension = 0;
  std::vector<Range> ranges;

  std::int64_t size() const {
    std::int64_t places = 0;
    for (const Range& range : ranges) places += range.size();
    return places;
  }
};

// By the tensors' official names. What is not among them every rank has whole.
using Cuts = std::map<std::string, Cut>;

}  // namespace lens::model
