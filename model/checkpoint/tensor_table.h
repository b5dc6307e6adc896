#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace lens::model {

using TensorShape = std::vector<std::int64_t>;

// "[2, 3]"
std::string to_text(const TensorShape& shape);

// Values of a tensor of this shape.
std::int64_t value_count(const TensorShape& shape);

// Every tensor that a model of some config has.
struct TensorTable {
  std::map<std::string, TensorShape> shapes;  // by official name
  // The head of the decoder and its embedding, both among `shapes`. Where the
  // config ties them a checkpoint may lack one: then it is the other.
  std::string head;
  std::string embedding;
  bool tied = false;
  // Beginnings of names as some files spell them, and as they are spelled
  // officially; the first that fits counts.
  std::vector<std::pair<std::string, std::string>> spellings;

  std::string official_name(const std::string& stored) const;

  // Values of all weights: a head of its own where it is not tied.
  std::int64_t values() const;
};

}  // namespace lens::model
