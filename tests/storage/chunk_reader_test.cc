#include "storage/hdf5/chunk_reader.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>

#include "fixtures.h"
#include "storage/hdf5/chunk_pipeline.h"

namespace lens::storage {
namespace {

// 1,000 rows of three numbers, 100 rows to a chunk, in a file in memory.
class ChunkReaderTest : public testing::Test {
 protected:
  static constexpr hsize_t kRows = 1000, kColumns = 3, kChunk = 100;

  static H5::DSetCreatPropList properties() {
    H5::DSetCreatPropList made;
    const hsize_t chunk[] = {kChunk, kColumns};
    made.setChunk(2, chunk);
    return made;
  }
  static H5::DSetCreatPropList as_ours(bool shuffle = true) {
    H5::DSetCreatPropList made = properties();
    if (shuffle) made.setShuffle();
    made.setDeflate(1);
    return made;
  }

  template <class Value>
  H5::DataSet create(const H5::DataType& type,
                     const H5::DSetCreatPropList& with) {
    const hsize_t lengths[] = {kRows, kColumns};
    H5::DataSet dataset = file_.createDataSet(
        "d" + std::to_string(++count_), type, H5::DataSpace(2, lengths), with);
    std::vector<Value> values(kRows * kColumns);
    std::iota(values.begin(), values.end(), Value(7));
    dataset.write(values.data(), type);
    return dataset;
  }

  // Rows [begin, end) by read_chunks; nothing where HDF5 is to read.
  template <class Value>
  static std::vector<Value> read(const H5::DataSet& dataset, hsize_t begin,
                                 hsize_t end) {
    std::vector<Value> values((end - begin) * kColumns);
    if (!read_chunks(dataset, begin, end, std::span(values))) values.clear();
    return values;
  }

  template <class Value>
  void reads_all_ranges(const H5::DataType& type, bool shuffle = true) {
    const H5::DataSet dataset = create<Value>(type, as_ours(shuffle));
    for (const auto& [begin, end] : {std::pair<hsize_t, hsize_t>{0, kRows},
                                     {0, 50},
                                     {99, 201},
                                     {7, 993},
                                     {950, 1000},
                                     {100, 200}}) {
      const auto values = read<Value>(dataset, begin, end);
      ASSERT_EQ(values.size(), (end - begin) * kColumns);
      for (std::size_t i = 0; i < values.size(); ++i)
        ASSERT_EQ(values[i], Value(Value(7) + begin * kColumns + i));
    }
  }

  H5::H5File file_ = hdf5::create_image();
  int count_ = 0;
};

TEST_F(ChunkReaderTest, GivesTheRowsOfEveryType) {
  reads_all_ranges<float>(H5::PredType::NATIVE_FLOAT);
  reads_all_ranges<std::int32_t>(H5::PredType::NATIVE_INT32);
  reads_all_ranges<std::int64_t>(H5::PredType::NATIVE_INT64);
  reads_all_ranges<std::uint8_t>(H5::PredType::NATIVE_UINT8);
  reads_all_ranges<std::uint8_t>(H5::PredType::NATIVE_UINT8, false);
}

TEST_F(ChunkReaderTest, LeavesFewRowsToTheCacheOfHdf5) {
  const H5::DataSet dataset =
      create<float>(H5::PredType::NATIVE_FLOAT, as_ours());
  EXPECT_TRUE(read<float>(dataset, 0, 49).empty());
  EXPECT_FALSE(read<float>(dataset, 0, 50).empty());
}

TEST_F(ChunkReaderTest, LeavesOtherLayoutsToHdf5) {
  const auto type = H5::PredType::NATIVE_INT32;
  H5::DSetCreatPropList contiguous;
  H5::DSetCreatPropList columns = as_ours();
  const hsize_t part[] = {kChunk, 1};
  columns.setChunk(2, part);
  H5::DSetCreatPropList checksum = as_ours();
  checksum.setFletcher32();
  for (const auto& with :
       {contiguous, properties(), as_ours(false), columns, checksum})
    EXPECT_TRUE(
        read<std::int32_t>(create<std::int32_t>(type, with), 0, kRows).empty());
}

TEST_F(ChunkReaderTest, LeavesDamagedChunksToHdf5) {
  const H5::DataSet dataset =
      create<float>(H5::PredType::NATIVE_FLOAT, as_ours());
  const hsize_t offset[] = {300, 0};
  const std::vector<char> rubbish(64, 'x');
  ASSERT_GE(H5Dwrite_chunk(dataset.getId(), H5P_DEFAULT, 0, offset,
                           rubbish.size(), rubbish.data()),
            0);
  EXPECT_TRUE(read<float>(dataset, 0, kRows).empty());
  EXPECT_FALSE(read<float>(dataset, 0, 300).empty());
  // Stored, but not through the filters.
  const std::vector<float> plain(kChunk * kColumns, 2);
  ASSERT_GE(H5Dwrite_chunk(dataset.getId(), H5P_DEFAULT, 3, offset,
                           plain.size() * sizeof(float), plain.data()),
            0);
  EXPECT_TRUE(read<float>(dataset, 300, 400).empty());
}

TEST_F(ChunkReaderTest, LeavesWhatWasNeverWrittenToHdf5) {
  const hsize_t lengths[] = {kRows, kColumns};
  const H5::DataSet dataset =
      file_.createDataSet("empty", H5::PredType::NATIVE_FLOAT,
                          H5::DataSpace(2, lengths), as_ours());
  EXPECT_TRUE(read<float>(dataset, 0, kRows).empty());
}

}  // namespace
}  // namespace lens::storage
