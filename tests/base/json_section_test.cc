#include "base/json_section.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace lens {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;

class JsonSectionTest : public ::testing::Test {
 protected:
  // The document is kept: a section only points to it.
  JsonSection section(const char* text, bool null_is_missing = false) {
    document_ = json::parse(text);
    const auto error = [](const JsonFault& fault) {
      return std::make_exception_ptr(std::runtime_error(
          fault.place + " " + fault.why + (fault.integer.empty() ? "" : ": ") +
          fault.integer + (fault.range ? " #" : "")));
    };
    return {&document_, {.error = error, .null_is_missing = null_is_missing}};
  }

  template <class Use>
  static std::string error_of(Use&& use) {
    try {
      use();
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  }

  json document_;
};

TEST_F(JsonSectionTest, ValuesAreReadByTheirTypes) {
  const JsonSection all = section(
      R"({"s": "x", "b": true, "i": -3, "l": ["p", "q"], "n": [4, 5]})");
  EXPECT_EQ(all.string("s"), "x");
  EXPECT_TRUE(all.boolean("b"));
  EXPECT_EQ(all.integer<int>("i", -3), -3);
  EXPECT_THAT(all.strings("l"), ElementsAre("p", "q"));
  EXPECT_THAT(all.integers<int>("n", 0), ElementsAre(4, 5));
}

TEST_F(JsonSectionTest, MissingKeysThrowOrGiveWhatWasSaidOtherwise) {
  const JsonSection none = section("{}");
  EXPECT_EQ(error_of([&] { none.string("s"); }), "s is missing");
  EXPECT_EQ(error_of([&] { none.boolean("b"); }), "b is missing");
  EXPECT_EQ(error_of([&] { none.integer("i", 0); }), "i is missing #");
  EXPECT_EQ(error_of([&] { none.section("o"); }), "o is missing");
  EXPECT_EQ(error_of([&] { none.strings("l"); }), "l is missing");
  EXPECT_EQ(none.string_or("s", "other"), "other");
  EXPECT_TRUE(none.boolean_or("b", true));
  EXPECT_EQ(none.integer_or("i", 7, 0), 7);
  EXPECT_EQ(none.number_or("n", 0.5), 0.5);
  EXPECT_FALSE(none.find_section("o"));
}

TEST_F(JsonSectionTest, RangeHoldsForWhatIsTakenOtherwise) {
  EXPECT_EQ(error_of([&] { section("{}").integer_or("id", 9, 0, 5); }),
            "id is not in 0..5: 9 #");
}

TEST_F(JsonSectionTest, WrongTypesThrowAlsoWhereAnotherValueStandsBy) {
  const JsonSection wrong =
      section(R"({"a": 1, "b": "x", "c": 1.0, "d": {"e": []}})");
  EXPECT_EQ(error_of([&] { wrong.string_or("a", ""); }), "a is not a string");
  EXPECT_EQ(error_of([&] { wrong.boolean_or("a", true); }),
            "a is not true or false");
  EXPECT_EQ(error_of([&] { wrong.integer_or("c", 1, 0); }),
            "c is not an integer #");
  EXPECT_EQ(error_of([&] { wrong.number_or("b", 1); }), "b is not a number");
  EXPECT_EQ(error_of([&] { wrong.find_section("a"); }), "a is not an object");
  EXPECT_EQ(error_of([&] { wrong.sections("d"); }), "d is not a list");
  EXPECT_EQ(error_of([&] { section("[]"); }), " is not an object");
}

TEST_F(JsonSectionTest, IntegersKeepTheirRangeAtBothEndsOfTheType) {
  const JsonSection ends = section(
      R"({"most": 9223372036854775807, "more": 9223372036854775808,
          "least": -9223372036854775808, "huge": 18446744073709551615})");
  constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(ends.integer("most", 0), 9223372036854775807);
  EXPECT_EQ(ends.integer("least", kLeast), kLeast);
  // A cast would have made it -1, which is in this range.
  EXPECT_EQ(error_of([&] { ends.integer("huge", -5, 5); }),
            "huge is not in -5..5: 18446744073709551615 #");
  EXPECT_NE(error_of([&] { ends.integer("more", kLeast); }), "");
  EXPECT_NE(error_of([&] { ends.integer<int>("most", 0); }), "");
}

TEST_F(JsonSectionTest, NumbersArePositiveAndOfThisWorld) {
  EXPECT_EQ(section(R"({"n": 2})").number_or("n", 1), 2);
  for (const char* text : {"0", "-1", "1e12", "1e300"}) {
    const std::string object = std::string(R"({"n": )") + text + "}";
    EXPECT_EQ(error_of([&] { section(object.c_str()).number_or("n", 1); }),
              "n is out of range");
  }
}

TEST_F(JsonSectionTest, NullIsAValueUnlessTheDocumentSaysThatItIsNone) {
  const char* text = R"({"k": null})";
  EXPECT_EQ(error_of([&] { section(text).string_or("k", "other"); }),
            "k is not a string");
  EXPECT_NE(section(text).find("k"), nullptr);
  EXPECT_EQ(section(text, true).string_or("k", "other"), "other");
  EXPECT_EQ(error_of([&] { section(text, true).string("k"); }), "k is missing");
  EXPECT_EQ(section(text, true).find("k"), nullptr);
  EXPECT_TRUE(section(text, true).contains("k"));
}

TEST_F(JsonSectionTest, FaultsNameThePlaceThroughObjectsAndLists) {
  const JsonSection all = section(
      R"({"files": [{"size": 1}, {"size": "x"}], "names": ["a", 2],
          "counts": [1, 9]})");
  EXPECT_EQ(error_of([&] { all.sections("files")[1].integer("size", 0); }),
            "files[1].size is not an integer #");
  EXPECT_EQ(error_of([&] { all.strings("names"); }),
            "names[1] is not a string");
  EXPECT_EQ(error_of([&] { all.integers("counts", 0, 5); }),
            "counts[1] is not in 0..5: 9 #");
  EXPECT_EQ(error_of([&] {
              all.sections("files")[1].without_place().integer("size", 0);
            }),
            "size is not an integer #");
  EXPECT_EQ(error_of([&] { all.sections("files")[0].reject("size", "bad"); }),
            "files[0].size bad");
}

TEST_F(JsonSectionTest, NoObjectIsOneWithoutKeys) {
  const JsonSection none(nullptr, {});
  EXPECT_FALSE(none.contains("k"));
  EXPECT_EQ(none.integer_or("k", 3, 0), 3);
}

}  // namespace
}  // namespace lens
