#include "model/families.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "model/open_model.h"
#include "tests/model/tiny_checkpoint.h"

namespace lens::model {
namespace {

using ::testing::HasSubstr;

// A folder whose config.json is this text.
class FamilyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(::testing::TempDir()) /
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string error(const std::string& config) const {
    std::ofstream(folder_ / "config.json") << config;
    try {
      family_of(folder_);
    } catch (const InputError& problem) {
      return problem.what();
    }
    return "";
  }

  std::filesystem::path folder_;
};

TEST_F(FamilyTest, ModelTypeOfTheConfigDecides) {
  EXPECT_EQ(family_of(tiny_checkpoint()).model_type, "qwen2_vl");
  EXPECT_EQ(family_of(tiny_windowed_checkpoint()).name, "Qwen2.5-VL");
  EXPECT_EQ(error(R"({"model_type": "qwen2_vl"})"), "");
}

TEST_F(FamilyTest, OtherFamilyIsRefusedWithTheKnownOnes) {
  EXPECT_THAT(error(R"({"model_type": "llama"})"),
              HasSubstr("model_type is \"llama\", not qwen2_vl or qwen2_5_vl); "
                        "give a Qwen2-VL or Qwen2.5-VL checkpoint"));
  EXPECT_THAT(error("{}"), HasSubstr("model_type is missing"));
  EXPECT_THAT(error(R"({"model_type": 5})"), HasSubstr("not a string"));
}

// families() and open_model() each hold a half of the same table.
TEST_F(FamilyTest, EachOneCanBeOpened) {
  for (const Family& family : families()) {
    std::ofstream(folder_ / "config.json")
        << R"({"model_type": ")" << family.model_type << R"("})";
    EXPECT_THROW(open_model(folder_, at::kFloat, at::kCPU), InputError)
        << "by the family's own reader, for a config without sizes";
  }
}

}  // namespace
}  // namespace lens::model
