#include "cli/standard_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>
#include <string_view>
#include <utility>

namespace lens::cli {
namespace {

constexpr std::size_t kHeldBytes = 1 << 16;

}  // namespace

OutputError::OutputError(int error)
    : std::runtime_error(std::string("cannot write the output (") +
                         std::strerror(error) +
                         "); free space, or send it elsewhere"),
      nobody_reads_(error == EPIPE) {}

StandardOutput::Buffer::Buffer(int descriptor)
    : descriptor_(descriptor), by_line_(isatty(descriptor) != 0) {}

void StandardOutput::Buffer::write_waiting() {
  const std::string text = std::exchange(waiting_, {});
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t count =
        ::write(descriptor_, text.data() + at, text.size() - at);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) throw OutputError(count < 0 ? errno : EIO);
    at += static_cast<std::size_t>(count);
  }
}

StandardOutput::Buffer::int_type StandardOutput::Buffer::overflow(
    int_type character) {
  if (traits_type::eq_int_type(character, traits_type::eof()))
    return traits_type::not_eof(character);
  const char one = traits_type::to_char_type(character);
  xsputn(&one, 1);
  return character;
}

std::streamsize StandardOutput::Buffer::xsputn(const char* text,
                                               std::streamsize count) {
  const std::string_view more(text, static_cast<std::size_t>(count));
  waiting_ += more;
  if (waiting_.size() >= kHeldBytes ||
      (by_line_ && more.find('\n') != std::string_view::npos))
    write_waiting();
  return count;
}

int StandardOutput::Buffer::sync() {
  write_waiting();
  return 0;
}

StandardOutput::StandardOutput(int descriptor)
    : std::ostream(nullptr),
      buffer_(descriptor),
      former_tie_(std::cerr.tie(this)) {
  rdbuf(&buffer_);
  // Only now: without a buffer the stream was bad, and would have thrown here.
  exceptions(std::ios::badbit);
}

StandardOutput::~StandardOutput() { std::cerr.tie(former_tie_); }

void StandardOutput::finish() {
  // Also where an earlier failure made the stream bad.
  buffer_.write_waiting();
}

void hold_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest free number is this one. Read-only: writing to it fails.
    ::open("/dev/null", O_RDONLY);
  }
}

bool errors_on_terminal() {
  static const bool terminal = isatty(STDERR_FILENO) != 0;
  return terminal;
}

}  // namespace lens::cli
