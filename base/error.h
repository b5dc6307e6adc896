#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace lens {

// Something given to us cannot be used: a file, a sample, a flag, a config.
//
// The message is one line: what is wrong, why in brackets, what to do. It is
// shown to the user as it is, or stored as the failure reason of a sample.
class InputError : public std::runtime_error {
 public:
  explicit InputError(const std::string& message)
      : std::runtime_error(message) {}

  // "problem (why); remedy". Empty parts are left out.
  InputError(std::string_view problem, std::string_view why,
             std::string_view remedy = "")
      : std::runtime_error(compose(problem, why, remedy)) {}

 private:
  static std::string compose(std::string_view problem, std::string_view why,
                             std::string_view remedy) {
    std::string line(problem);
    if (!why.empty()) line.append(" (").append(why).append(")");
    if (!remedy.empty()) line.append("; ").append(remedy);
    return line;
  }
};

// A file of the run is no longer the one that was planned: nothing that is read
// from here on may be mixed with what was read before. Ends the run.
class InputChanged : public InputError {
 public:
  using InputError::InputError;
};

// A file of the store cannot be read, written or believed. One line: problem,
// why in brackets, what to do.
class StorageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace lens
