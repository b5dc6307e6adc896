#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "storage/hdf5/hdf5.h"

namespace lens::storage {

// Writes whole chunks to shuffled and deflated data sets. Compression, which is
// 20 times slower than the write, runs on threads; the chunks reach the file in
// the order of submit(), whatever thread was first: equal input gives equal
// bytes. Used by one thread.
class ChunkPipeline {
 public:
  // 0 threads: compress in submit(). Level 1 to 9.
  explicit ChunkPipeline(int threads, int level = kDefaultLevel);
  ~ChunkPipeline();
  ChunkPipeline(const ChunkPipeline&) = delete;
  ChunkPipeline& operator=(const ChunkPipeline&) = delete;

  // `raw` is a full chunk, edge chunks padded. The data set stays open until
  // drain(). Throws StorageError or H5::Exception; so does drain().
  void submit(const H5::DataSet& dataset, hdf5::Lengths offset,
              std::vector<std::byte> raw, std::size_t element_bytes);
  void drain();

  // Tried on columns of the 2B shape, one core: level 1 packs 1.31 times at
  // 40 MB/s, 4 packs 1.32 times at 33 MB/s, 6 packs 1.33 times at 17 MB/s;
  // without shuffle level 1 packs 1.18 times at 29 MB/s.
  static constexpr int kDefaultLevel = 1;

  // Threads worth having on this machine for a merge.
  static int useful_threads();

 private:
  struct Job;

  void write_front();
  void compress_jobs();

  const int level_;
  std::deque<std::unique_ptr<Job>> in_order_;  // of the calling thread

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job*> waiting_;  // guarded by mutex_
  bool stop_ = false;         // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace lens::storage
