#pragma once

#include <stdexcept>
#include <string>

namespace lens::storage {

// A file of the store cannot be read, written or believed. One line: problem,
// why in brackets, what to do.
class StorageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace lens::storage
