#pragma once

namespace lens::cli {

// The whole program: parses the command line, runs the command, maps errors to
// exit codes (exit_code.h). Does not throw.
int lens_main(int argc, const char* const* argv);

}  // namespace lens::cli
