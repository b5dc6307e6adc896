#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <filesystem>
#include <memory>

#include "model/model.h"

namespace lens::model {

// Loads a checkpoint of any family in families.h. On the CPU and without a
// change of dtype the weights are views of the mapped files. Throws
// lens::InputError.
std::unique_ptr<const Model> open_model(const std::filesystem::path& checkpoint,
                                        at::ScalarType dtype,
                                        at::Device device);

}  // namespace lens::model
