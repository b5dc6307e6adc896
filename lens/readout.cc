#include "lens/readout.h"

#include <ATen/TensorOperators.h>
#include <c10/core/ScalarTypeToTypeMeta.h>

#include <stdexcept>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

namespace lens::readout {
namespace {

void require(bool holds, const table::Column& column, const char* what) {
  if (holds) return;
  throw std::logic_error("the lens gave no column " + std::string(column.name) +
                         " to use (" + what + ")");
}

}  // namespace

void append(const Readout& readout, table::TokenRows* rows) {
  for (const table::Column& column : table::kColumns) {
    if (!column.of_states()) continue;
    const at::Tensor& values = readout.column(column);
    require(values.defined(), column, "it is missing");
    const at::Tensor flat = values.contiguous();
    require(flat.numel() == flat.size(0) * rows->widths.row_elements(column),
            column, "its shape is another");
    std::visit(
        [&]<class Value>(std::vector<Value>& to) {
          if constexpr (std::is_arithmetic_v<Value>) {
            require(
                flat.scalar_type() == c10::CppTypeToScalarType<Value>::value,
                column, "its type is another");
            const Value* data = flat.const_data_ptr<Value>();
            to.insert(to.end(), data, data + flat.numel());
          }
        },
        rows->values(column));
  }
}

}  // namespace lens::readout
