#include "storage/hdf5/chunk_pipeline.h"

#include <libdeflate.h>

#include <algorithm>

namespace lens::storage {

struct ChunkPipeline::Job {
  H5::DataSet dataset;
  hdf5::Lengths offset;
  std::size_t element_bytes = 1;
  std::vector<std::byte> raw;
  std::vector<std::byte> packed;
  bool done = false;  // guarded by mutex_ where there are threads
  bool failed = false;
};

namespace {

// HDF5's shuffle filter: byte 0 of all elements, then byte 1, and so on.
std::vector<std::byte> shuffled(const std::vector<std::byte>& raw,
                                std::size_t element_bytes) {
  const std::size_t count = raw.size() / element_bytes;
  std::vector<std::byte> result(raw.size());
  for (std::size_t byte = 0; byte < element_bytes; ++byte) {
    for (std::size_t i = 0; i < count; ++i) {
      result[byte * count + i] = raw[i * element_bytes + byte];
    }
  }
  return result;
}

// The shuffle filter leaves elements of one byte alone.
bool pack(const std::vector<std::byte>& raw, std::size_t element_bytes,
          int level, std::vector<std::byte>& packed) {
  struct Free {
    void operator()(libdeflate_compressor* compressor) const {
      libdeflate_free_compressor(compressor);
    }
  };
  const std::unique_ptr<libdeflate_compressor, Free> compressor(
      libdeflate_alloc_compressor(level));
  if (!compressor) return false;
  const std::vector<std::byte> bytes =
      element_bytes > 1 ? shuffled(raw, element_bytes) : raw;
  packed.resize(libdeflate_zlib_compress_bound(compressor.get(), bytes.size()));
  packed.resize(libdeflate_zlib_compress(compressor.get(), bytes.data(),
                                         bytes.size(), packed.data(),
                                         packed.size()));
  return !packed.empty();
}

}  // namespace

ChunkPipeline::ChunkPipeline(int threads, int level) : level_(level) {
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { compress_jobs(); });
  }
}

ChunkPipeline::~ChunkPipeline() {
  {
    const std::lock_guard lock(mutex_);
    // Jobs that still wait are dropped: who destroys this before drain() has
    // given the file up.
    stop_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

int ChunkPipeline::useful_threads() {
  return static_cast<int>(
      std::clamp(std::thread::hardware_concurrency(), 1U, 16U));
}

void ChunkPipeline::submit(const H5::DataSet& dataset, hdf5::Lengths offset,
                           std::vector<std::byte> raw,
                           std::size_t element_bytes) {
  in_order_.push_back(std::make_unique<Job>());
  Job& job = *in_order_.back();
  job.dataset = dataset;
  job.offset = std::move(offset);
  job.element_bytes = element_bytes;
  job.raw = std::move(raw);
  if (threads_.empty()) {
    job.failed = !pack(job.raw, element_bytes, level_, job.packed);
    job.done = true;
    write_front();
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    // Stays where it is while others come and go: in_order_ holds pointers.
    waiting_.push_back(&job);
  }
  changed_.notify_all();
  // Two chunks to a thread keep all busy; more would only take memory.
  while (in_order_.size() > 2 * threads_.size()) write_front();
}

void ChunkPipeline::drain() {
  while (!in_order_.empty()) write_front();
}

void ChunkPipeline::write_front() {
  Job& job = *in_order_.front();
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return job.done; });
  }
  if (job.failed) {
    throw StorageError(
        "cannot compress a chunk (no memory); free memory "
        "and run the same command again");
  }
  // Here alone the library is called, by the thread that submits: it is not
  // built for several. The 0 says that no filter was skipped.
  hdf5::checked(H5Dwrite_chunk(job.dataset.getId(), H5P_DEFAULT, 0,
                               job.offset.data(), job.packed.size(),
                               job.packed.data()));
  in_order_.pop_front();
}

void ChunkPipeline::compress_jobs() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stop_ || !waiting_.empty(); });
    if (stop_) return;
    // Ours until it is done: write_front() waits for that before it lets go.
    Job& job = *waiting_.front();
    waiting_.pop_front();
    lock.unlock();
    bool failed = true;
    try {
      failed = !pack(job.raw, job.element_bytes, level_, job.packed);
    } catch (const std::bad_alloc&) {
      // Reported as failed: the thread that submitted it throws.
    }
    lock.lock();
    job.failed = failed;
    job.done = true;
    changed_.notify_all();
  }
}

}  // namespace lens::storage
