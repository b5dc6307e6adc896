#pragma once

#include <string>

#include "input/data/description.h"
#include "storage/manifest.h"

namespace lens::data {

// How the run reads the data set of this name: as its manifest says, else the
// preset. Throws lens::InputError where there is neither.
Description description_of(const storage::RunConfig& config,
                           const std::string& name);

// What the manifest has to say of it; nothing where the name says all.
void put_map(const std::string& name, const Description& description,
             storage::RunConfig& config);

}  // namespace lens::data
