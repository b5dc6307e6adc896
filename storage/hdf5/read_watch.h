#pragma once

#include <atomic>
#include <cstdint>

namespace lens::storage {

// How far this process has come inside the HDF5 library, which a damaged file
// can keep busy without end. A parent that shares the memory looks at it
// (storage/guard.h); without one it counts for nobody.
struct ReadWatch {
  std::atomic<std::uint64_t> steps = 0;  // calls begun and ended, blocks read
  std::atomic<std::int32_t> inside = 0;  // calls that have not ended
};

// This process's.
ReadWatch& read_watch();

// From now on read_watch() is `watch`, which outlives the process's reads.
void share_read_watch(ReadWatch* watch);

// A piece of a long read is done.
void mark_read_step();

// Lives as long as a call into the library.
class LibraryCall {
 public:
  LibraryCall();
  ~LibraryCall();
  LibraryCall(const LibraryCall&) = delete;
  LibraryCall& operator=(const LibraryCall&) = delete;
};

}  // namespace lens::storage
