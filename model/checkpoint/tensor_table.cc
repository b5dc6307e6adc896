#include "model/checkpoint/tensor_table.h"

namespace lens::model {

std::string to_text(const TensorShape& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  return text + "]";
}

std::int64_t value_count(const TensorShape& shape) {
  std::int64_t count = 1;
  for (const std::int64_t side : shape) count *= side;
  return count;
}

std::string TensorTable::official_name(const std::string& stored) const {
  for (const auto& [beginning, official] : spellings) {
    if (stored.starts_with(beginning)) {
      return official + stored.substr(beginning.size());
    }
  }
  return stored;
}

std::int64_t TensorTable::values() const {
  std::int64_t count = 0;
  for (const auto& [name, shape] : shapes) {
    if (name != head || !tied) count += value_count(shape);
  }
  return count;
}

}  // namespace lens::model
