#include "input/file/json_object.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/input/file/scratch_files.h"

namespace lens {
namespace {

using testing::HasSubstr;

class JsonObject : public testing::Test {
 protected:
  std::string refusal(const std::string& text) const {
    const auto file = scratch_.write("file.json", text);
    return refusal_of([&] { read_json_object(file); });
  }

  ScratchFiles scratch_;
};

TEST_F(JsonObject, IsReadWithEqualKeysInDifferentObjects) {
  const auto file =
      scratch_.write("file.json", R"({"a": {"k": 1}, "b": {"k": [{"k": 2}]}})");
  EXPECT_EQ(read_json_object(file)["b"]["k"][0]["k"], 2);
}

TEST_F(JsonObject, KeyThatStandsTwiceIsRefusedByName) {
  EXPECT_THAT(refusal(R"({"vocab_size": 5, "x": 1, "vocab_size": 6})"),
              HasSubstr("the key vocab_size stands there twice"));
  EXPECT_THAT(refusal(R"({"a": [{"b": 1, "b": 1}]})"), HasSubstr("the key b"));
  EXPECT_THAT(refusal("{\"a\\nb\": 1, \"a\\nb\": 1}"), HasSubstr("a?b"));
}

TEST_F(JsonObject, AnythingElseIsRefusedInOneLine) {
  EXPECT_THAT(refusal("{\"a\": "), HasSubstr("not JSON at byte"));
  EXPECT_THAT(refusal(""), HasSubstr("not JSON"));
  EXPECT_THAT(refusal("[1]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(refusal("{\"a\": 1e999}"), HasSubstr("out of range"));
  EXPECT_THAT(refusal("{\"a\": " + std::string(100'000, '[')),
              HasSubstr("nested too deeply"));
  EXPECT_THAT(refusal_of([&] { read_json_object(scratch_ / "none.json"); }),
              HasSubstr("no such file"));
}

}  // namespace
}  // namespace lens
