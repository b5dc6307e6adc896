#include "cli/last_words.h"

#include <algorithm>
#include <deque>
#include <fstream>
#include <system_error>

namespace lens::cli {
namespace {

bool is_empty(const std::string& line) {
  return line.find_first_not_of(" -\t\r") == std::string::npos;
}

// mpirun puts one above and one below each of its messages.
bool is_ruler(const std::string& line) {
  constexpr std::size_t kShortest = 20;
  return line.size() >= kShortest &&
         line.find_first_not_of('-') == std::string::npos;
}

class Tail {
 public:
  explicit Tail(int count) : count_(static_cast<std::size_t>(count)) {}

  void add(const std::string& line) {
    if (is_empty(line)) return;
    lines_.push_back(line);
    if (lines_.size() > count_) lines_.pop_front();
  }
  std::string text() const {
    std::string text;
    for (const std::string& line : lines_) text += "  " + line + "\n";
    return text;
  }

 private:
  std::size_t count_;
  std::deque<std::string> lines_;
};

}  // namespace

std::string last_lines(const std::filesystem::path& file, int count) {
  std::ifstream stream(file);
  Tail all(count);
  for (std::string line; std::getline(stream, line);) all.add(line);
  return all.text();
}

std::string last_words(const std::filesystem::path& file, std::int64_t from,
                       int count) {
  std::ifstream stream(file);
  stream.seekg(from);
  Tail all(count), own(count);
  bool launcher = false;
  for (std::string line; std::getline(stream, line);) {
    all.add(line);
    if (is_ruler(line))
      launcher = !launcher;
    else if (!launcher)
      own.add(line);
  }
  return own.text().empty() ? all.text() : own.text();
}

std::string last_line(const std::string& lines) {
  if (lines.empty()) return "";
  const std::size_t end = lines.size() - 1;  // of the last line
  const std::size_t before =
      end == 0 ? std::string::npos : lines.rfind('\n', end - 1);
  const std::size_t begin = before == std::string::npos ? 0 : before + 1;
  const std::string line = lines.substr(begin, end - begin);
  const std::size_t text = line.find_first_not_of(' ');
  return text == std::string::npos ? "" : line.substr(text);
}

std::int64_t log_bytes(const std::filesystem::path& file) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(file, error);
  return error ? 0 : static_cast<std::int64_t>(bytes);
}

}  // namespace lens::cli
