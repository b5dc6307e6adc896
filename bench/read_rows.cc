// read_rows RESULTS.h5: reads the token columns of every data set with HDF5's
// own filters and with read_chunks, in turns, and prints the ratio of the
// times.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>

#include "storage/hdf5/chunk_reader.h"
#include "storage/reader.h"

namespace {

using lens::storage::read_chunks;

constexpr hsize_t kBlockRows = 4096;  // as the tables of analysis/ are read
constexpr int kTurns = 3;

double seconds(auto&& body) {
  const auto begin = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
      .count();
}

// Calls body(first row, end row, elements of a row) for each block.
void for_blocks(const H5::DataSet& dataset, auto&& body) {
  const auto lengths = lens::storage::hdf5::lengths_of(dataset);
  std::size_t row_elements = 1;
  for (std::size_t i = 1; i < lengths.size(); ++i) row_elements *= lengths[i];
  for (hsize_t begin = 0; begin < lengths[0]; begin += kBlockRows)
    body(begin, std::min(lengths[0], begin + kBlockRows), row_elements);
}

void read_by_hdf5(const H5::DataSet& dataset, std::vector<float>& values) {
  for_blocks(
      dataset, [&](hsize_t begin, hsize_t end, std::size_t row_elements) {
        values.resize((end - begin) * row_elements);
        H5::DataSpace space = dataset.getSpace();
        auto count = lens::storage::hdf5::lengths_of(dataset);
        count[0] = end - begin;
        std::vector<hsize_t> start(count.size(), 0);
        start[0] = begin;
        space.selectHyperslab(H5S_SELECT_SET, count.data(), start.data());
        dataset.read(
            values.data(), dataset.getDataType(),
            H5::DataSpace(static_cast<int>(count.size()), count.data()), space);
      });
}

// False where a block is one that HDF5 has to read.
bool read_by_chunks(const H5::DataSet& dataset, std::vector<float>& values) {
  bool all = true;
  for_blocks(dataset,
             [&](hsize_t begin, hsize_t end, std::size_t row_elements) {
               values.resize((end - begin) * row_elements);
               all = read_chunks(dataset, begin, end, std::span(values)) && all;
             });
  return all;
}

void compare(const H5::Group& group, const char* column) {
  const H5::DataSet dataset = group.openDataSet(column);
  std::vector<float> values;  // or integers of four bytes
  double by_hdf5 = 1e9, by_chunks = 1e9;
  bool all = true;
  for (int turn = 0; turn < kTurns; ++turn) {
    by_hdf5 =
        std::min(by_hdf5, seconds([&] { read_by_hdf5(dataset, values); }));
    by_chunks = std::min(
        by_chunks, seconds([&] { all = read_by_chunks(dataset, values); }));
  }
  if (!all) {
    std::printf("  %-15s a block of too few rows\n", column);
    return;
  }
  std::printf("  %-15s HDF5 %7.1f ms, chunks %7.1f ms: ratio %.2f\n", column,
              1e3 * by_hdf5, 1e3 * by_chunks, by_hdf5 / by_chunks);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: read_rows RESULTS.h5\n");
    return 2;
  }
  try {
    const lens::storage::ResultsReader results(argv[1]);
    H5::H5File file = lens::storage::hdf5::open_file(argv[1]);
    for (const auto& dataset : results.datasets()) {
      std::printf("%s, %lld tokens\n", dataset.name.c_str(),
                  static_cast<long long>(dataset.tokens));
      for (const char* column :
           {"entropy", "target_rank", "top_id", "top_logprob", "script_share"})
        compare(file.openGroup(dataset.name), column);
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "read_rows: %s\n", error.what());
  } catch (const H5::Exception& error) {
    std::fprintf(stderr, "read_rows: %s\n", error.getCDetailMsg());
  }
  return 1;
}
