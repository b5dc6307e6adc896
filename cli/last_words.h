#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace lens::cli {

// The last lines of a text file, each indented and ended; "" where there is
// none. Empty lines and rulers are left out.
std::string last_lines(const std::filesystem::path& file, int count);

// The same of what stands behind byte `from`, without what mpirun says between
// rulers, which tells that a process ended but not why; unless there is nothing
// else.
std::string last_words(const std::filesystem::path& file, std::int64_t from,
                       int count);

// The last of such lines without indent and end; "" of "".
std::string last_line(const std::string& lines);

// Size of a file, 0 where there is none.
std::int64_t log_bytes(const std::filesystem::path& file);

}  // namespace lens::cli
