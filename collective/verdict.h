#pragma once

#include <string>

#include "collective/collective.h"

namespace lens::collective {

// All ranks meet and say what problem they have met, none where it is empty.
// Gives each of them the same answer, so that all go on or none: the problem of
// the first rank that has one, or nothing. Long ones are cut off.
std::string common_verdict(Collective& ranks, const std::string& problem);

}  // namespace lens::collective
