#pragma once

#include <ostream>
#include <stdexcept>
#include <streambuf>
#include <string>

namespace lens::cli {

// Standard output cannot be written. One line.
class OutputError : public std::runtime_error {
 public:
  explicit OutputError(int error);

  // Who reads it has seen enough, as `head` has: nothing to say.
  bool nobody_reads() const { return nobody_reads_; }

 private:
  bool nobody_reads_;
};

// A descriptor as a stream whose every failed write throws OutputError with its
// reason, where std::cout forgets it. Lines come out whole: on a terminal one
// by one, else as the buffer fills, and before anything that std::cerr says.
class StandardOutput : public std::ostream {
 public:
  explicit StandardOutput(int descriptor);
  ~StandardOutput() override;

  // Writes what waits. Throws OutputError.
  void finish();

 private:
  class Buffer : public std::streambuf {
   public:
    explicit Buffer(int descriptor);
    // What could not be written is dropped: it is tried once.
    void write_waiting();

   protected:
    int_type overflow(int_type character) override;
    std::streamsize xsputn(const char* text, std::streamsize count) override;
    int sync() override;

   private:
    const int descriptor_;
    const bool by_line_;
    std::string waiting_;
  };

  Buffer buffer_;
  std::ostream* former_tie_;
};

// Opens what the caller closed of descriptors 0, 1 and 2, so that no file of
// ours becomes standard output: reads end and writes fail, as on a closed one.
void hold_standard_descriptors();

// Whether standard error was a terminal when this was first asked.
bool errors_on_terminal();

}  // namespace lens::cli
