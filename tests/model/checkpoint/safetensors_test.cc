#include "model/checkpoint/safetensors.h"

#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "tests/model/tiny_checkpoint.h"

namespace lens::model {
namespace {

using ::testing::HasSubstr;

class SafetensorsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    file_ =
        std::filesystem::path(::testing::TempDir()) /
        (std::string(
             ::testing::UnitTest::GetInstance()->current_test_info()->name()) +
         ".safetensors");
  }
  void TearDown() override { std::filesystem::remove(file_); }

  void write(std::uint64_t header_bytes, const std::string& rest) {
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &header_bytes, 8);
    std::ofstream(file_, std::ios::binary) << bytes << rest;
  }

  std::string error(const std::string& header, std::size_t data_bytes) {
    write(header.size(), header + std::string(data_bytes, 'x'));
    return open_error();
  }

  std::string open_error() {
    try {
      SafetensorsFile opened(file_);
    } catch (const InputError& problem) {
      EXPECT_EQ(std::string(problem.what()).find('\n'), std::string::npos);
      return problem.what();
    }
    return "";
  }

  std::filesystem::path file_;
};

TEST_F(SafetensorsTest, TensorsAreReadByName) {
  const std::string header =
      R"({"__metadata__":{"format":"pt"},)"
      R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
      R"("b":{"dtype":"I64","shape":[1,1],"data_offsets":[8,16]}})";
  const float a[2] = {1.5f, -2.0f};
  const std::int64_t b = 7;
  std::string data(16, '\0');
  std::memcpy(data.data(), a, 8);
  std::memcpy(data.data() + 8, &b, 8);
  write(header.size(), header + data);
  const SafetensorsFile file(file_);
  EXPECT_EQ(file.entries().size(), 2u);
  EXPECT_EQ(file.tensor("a")[1].item<float>(), -2.0f);
  EXPECT_EQ(file.tensor("b").sizes(), (at::IntArrayRef{1, 1}));
  EXPECT_THROW(file.tensor("c"), InputError);
}

TEST_F(SafetensorsTest, TensorOutlivesTheFileObject) {
  const std::string header =
      R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}})";
  write(header.size(), header + "xyz");
  const at::Tensor a = SafetensorsFile(file_).tensor("a");
  EXPECT_EQ(a[2].item<std::uint8_t>(), 'z');
}

TEST_F(SafetensorsTest, HostileHeadersAreRefused) {
  const auto one = [](const std::string& dtype, const std::string& shape,
                      const std::string& range) {
    return "{\"a\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape +
           ",\"data_offsets\":" + range + "}}";
  };
  EXPECT_THAT(error(one("F32", "[2]", "[0,8]"), 4), HasSubstr("outside"));
  EXPECT_THAT(error(one("F32", "[2]", "[0,4]"), 4), HasSubstr("length"));
  EXPECT_THAT(error(one("F32", "[-2]", "[0,8]"), 8), HasSubstr("dimension"));
  EXPECT_THAT(error(one("F32", "[4294967296,4294967296]", "[0,8]"), 8),
              HasSubstr("overflow"));
  EXPECT_THAT(error(one("F32", "[1e3]", "[0,8]"), 8), HasSubstr("dimension"));
  EXPECT_THAT(error(one("F32", "[2]", "[8,0]"), 8), HasSubstr("outside"));
  EXPECT_THAT(error(one("F99", "[2]", "[0,8]"), 8), HasSubstr("dtype"));
  EXPECT_THAT(error(one("F32", "[2]", "[-8,0]"), 8), HasSubstr("offsets"));
  EXPECT_THAT(error(one("U8", "[4]", "[4,8]"), 8), HasSubstr("hole"));
  EXPECT_THAT(error(one("U8", "[4]", "[0,4]"), 8), HasSubstr("longer"));
  EXPECT_THAT(error(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                    R"("b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})",
                    6),
              HasSubstr("overlap"));
  EXPECT_THAT(error(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                    R"("a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})",
                    4),
              HasSubstr("twice"));
  EXPECT_THAT(error("[1,2]", 0), HasSubstr("JSON"));
  EXPECT_THAT(error("{\"a\":", 0), HasSubstr("JSON"));
  EXPECT_THAT(error("{\"a\":3}", 0), HasSubstr("not an object"));
}

TEST_F(SafetensorsTest, HeaderLengthIsBounded) {
  write(~std::uint64_t{0}, "{}");
  EXPECT_THAT(open_error(), HasSubstr("header"));
  write(200, "{}");
  EXPECT_THAT(open_error(), HasSubstr("header"));
  std::ofstream(file_, std::ios::binary) << "abc";
  EXPECT_THAT(open_error(), HasSubstr("short"));
  std::ofstream(file_, std::ios::binary | std::ios::trunc).flush();
  EXPECT_THAT(open_error(), HasSubstr("empty"));
}

TEST_F(SafetensorsTest, EveryTruncationOfARealFileIsRefused) {
  const std::filesystem::path real =
      std::filesystem::path(tiny_checkpoint()) / "model.safetensors";
  std::ifstream in(real, std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(in), {});
  for (std::size_t kept = 0; kept < bytes.size();
       kept += 1 + bytes.size() / 97) {
    std::ofstream(file_, std::ios::binary | std::ios::trunc)
        << bytes.substr(0, kept);
    EXPECT_NE(open_error(), "") << kept;
  }
}

}  // namespace
}  // namespace lens::model
