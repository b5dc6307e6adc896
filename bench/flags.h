#pragma once

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

namespace lens::bench {

using Flags = std::map<std::string, std::string>;

// The command line's pairs of name and value over `flags`, which names all that
// there are, with their defaults. Ends the program at any other; `file` is the
// source that explains them.
inline Flags read_flags(int argc, char** argv, Flags flags, const char* file) {
  for (int i = 1; i < argc; i += 2) {
    const auto flag = flags.find(argv[i]);
    if (i + 1 >= argc || flag == flags.end()) {
      std::fprintf(stderr,
                   "bench: unknown flag %s; they are named at the top of %s\n",
                   argv[i], file);
      std::exit(1);
    }
    flag->second = argv[i + 1];
  }
  return flags;
}

}  // namespace lens::bench
