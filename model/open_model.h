#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <filesystem>
#include <memory>

#include "model/model.h"
#include "model/ranks.h"

namespace lens::model {

// Loads a checkpoint of any family in families.h. On the CPU and without a
// change of dtype the weights are views of the mapped files. Throws
// lens::InputError.
//   ranks  who share the model: each opens it, and has its own share of the
//          weights; their number is one of Description::spreads
std::unique_ptr<const Model> open_model(const std::filesystem::path& checkpoint,
                                        at::ScalarType dtype, at::Device device,
                                        const Ranks& ranks = {});

}  // namespace lens::model
