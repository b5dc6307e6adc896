#pragma once

#include <c10/core/Device.h>

#include <filesystem>
#include <string_view>

#include "collective/collective.h"

namespace lens::model {

// Who reads the weight files where several ranks share a model.
enum class Reading {
  kEach,  // each rank its own slices
  kOnce,  // rank 0 all of them, and hands them on
};

std::string_view name_of(Reading reading);

// The faster way, as all ranks find together with a few pieces of `file`. What
// several ranks of one machine read it mostly has in memory; what several
// machines read of one slow disk each waits for. Rank 0 says on std::clog which
// one it is.
Reading measured_reading(const std::filesystem::path& file, at::Device device,
                         collective::Collective& ranks);

}  // namespace lens::model
