#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "base/durable.h"
#include "storage/hdf5/hdf5.h"

namespace lens::storage {

// An HDF5 file that is written into a DurableFile.
//
// A library that meets a full disk while it flushes its caches cannot close the
// file any more, and HDF5 1.10 then crashes. So it never meets one: the first
// write that fails is remembered, it and all later ones are kept in memory, and
// the library closes the file in peace. check() says what happened; it must be
// called often, or much will be kept.
class DriverFile {
 public:
  // `output` is empty and outlives this object. Throws H5::Exception.
  explicit DriverFile(DurableFile& output);
  ~DriverFile();
  DriverFile(const DriverFile&) = delete;
  DriverFile& operator=(const DriverFile&) = delete;

  H5::H5File& file() { return file_; }

  // Throws StorageError where a write has failed.
  void check() const;

  // Ends the file; then check(). All other handles are closed before.
  void close();

  // What the driver works on; public for its C callbacks.
  struct Backing {
    int descriptor = -1;
    int error = 0;  // errno of the first write that failed
    std::map<std::uint64_t, std::vector<std::byte>> kept;  // by address
  };

 private:
  DurableFile& output_;
  Backing backing_;
  H5::H5File file_;
};

}  // namespace lens::storage
