#pragma once

#include <string>

namespace lens::cli {

// "" where the loopback interface can carry a connection; otherwise why not.
// The processes of a local run talk to each other over it.
std::string loopback_problem();

}  // namespace lens::cli
