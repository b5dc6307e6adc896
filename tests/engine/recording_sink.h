#pragma once

#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <utility>

#include "engine/row_sink.h"

namespace lens::engine {

// Remembers every captured row by prompt and position.
class RecordingSink : public RowSink {
 public:
  void take(const at::Tensor& states,
            std::span<const CapturedRow> rows) override {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto key = std::pair(rows[i].prompt, rows[i].position);
      EXPECT_FALSE(states_.contains(key)) << "captured twice";
      states_[key] = states.select(0, static_cast<std::int64_t>(i)).clone();
      rows_[key] = rows[i];
    }
  }

  bool has(int prompt, std::int64_t position) const {
    return states_.contains({prompt, position});
  }
  at::Tensor states(int prompt, std::int64_t position) const {
    return states_.at({prompt, position});
  }
  const CapturedRow& row(int prompt, std::int64_t position) const {
    return rows_.at({prompt, position});
  }
  const std::map<std::pair<int, std::int64_t>, CapturedRow>& rows() const {
    return rows_;
  }
  std::size_t size() const { return rows_.size(); }

 private:
  std::map<std::pair<int, std::int64_t>, at::Tensor> states_;
  std::map<std::pair<int, std::int64_t>, CapturedRow> rows_;
};

}  // namespace lens::engine
