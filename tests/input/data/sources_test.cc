// Data sets that are no Parquet file: JSONL, CSV, folders of pictures.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/error.h"
#include "input/data/dataset.h"
#include "input/data/picture_folder.h"

namespace lens::data {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SourcesTest : public ::testing::Test {
 protected:
  SourcesTest() {
    std::string pattern =
        (fs::temp_directory_path() / "lens_sources_XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~SourcesTest() override { fs::remove_all(folder_); }

  fs::path write(const std::string& name, const std::string& bytes) const {
    const fs::path file = folder_ / name;
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << bytes;
    return file;
  }

  static std::string image_of(const Row& row) {
    return {reinterpret_cast<const char*>(row.image.data()), row.image.size()};
  }

  static std::vector<Row> rows_of(const Dataset& dataset) {
    return dataset.read(0, dataset.rows(), {});
  }

  fs::path folder_;
};

Description described() {
  return {.columns = {.image = "file_name",
                      .question = "question",
                      .answer = "answer",
                      .language = "lang",
                      .id = ""},
          .question = "",
          .prompt = "{question}",
          .score = ScoreRule::kEdit,
          .answer_noun = "answer"};
}

TEST_F(SourcesTest, JsonlAndCsvGiveTheSameRows) {
  write("a b.png", "one");
  write("\u4e2d/\u00fc.jpg", "two");
  const fs::path jsonl =
      write("metadata.jsonl",
            "\xEF\xBB\xBF{\"lang\": \"DE\", \"extra\": [1], \"file_name\": \"a "
            "b.png\", "
            "\"question\": \"Wo, \\\"hier\\\"?\\nJa\", \"answer\": \"da\"}\r\n"
            "\n"
            "{\"answer\": 7, \"question\": \"?\", \"file_name\": "
            "\"\u4e2d/\u00fc.jpg\"}");
  const fs::path csv = write("metadata.csv",
                             "question,file_name,,answer,lang\r\n"
                             "\"Wo, \"\"hier\"\"?\nJa\",a b.png,0,da,DE\r\n"
                             "?,\u4e2d/\u00fc.jpg,1,7,\r\n");
  for (const fs::path& file : {jsonl, csv}) {
    SCOPED_TRACE(file);
    const Dataset dataset(described(), {file});
    const std::vector<Row> rows = rows_of(dataset);
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0].failure, "");
    EXPECT_EQ(image_of(rows[0]), "one");
    EXPECT_EQ(rows[0].language, "DE");
    EXPECT_EQ(rows[0].questions[0].question, "Wo, \"hier\"?\nJa");
    EXPECT_THAT(rows[0].questions[0].answers, ElementsAre("da"));
    EXPECT_EQ(image_of(rows[1]), "two");
    EXPECT_EQ(rows[1].language, "");
    EXPECT_THAT(rows[1].questions[0].answers, ElementsAre("7"));
    EXPECT_EQ(rows[1].picture, folder_ / "\u4e2d/\u00fc.jpg");
    EXPECT_EQ(dataset.outline()[1].picture, rows[1].picture);
  }
}

TEST_F(SourcesTest, BadLinesFailAlone) {
  write("a.png", "one");
  const std::string good =
      R"({"file_name": "a.png", "question": "q", "answer": "a"})"
      "\n";
  const fs::path file = write(
      "rows.jsonl",
      good + "{broken\n" + "[1]\n" +
          R"({"file_name": "a.png", "question": null, "answer": "a"})"
          "\n"
          R"({"file_name": "a.png", "question": "q", "answer": []})"
          "\n"
          R"({"file_name": ["a.png", "a.png"], "question": "q", "answer": ""})"
          "\n"
          R"({"file_name": "a.png", "file_name": "b.png"})"
          "\n" +
          good);
  const std::vector<Row> rows = rows_of(Dataset(
      [] {
        Description no_language = described();
        no_language.columns.language = "";
        return no_language;
      }(),
      {file}));
  ASSERT_EQ(rows.size(), 8U);
  EXPECT_EQ(rows[0].failure, "");
  EXPECT_EQ(rows[1].failure, "line 2 is not JSON ({broken)");
  EXPECT_EQ(rows[2].failure, "line 3 is no JSON object ([1])");
  EXPECT_EQ(rows[3].failure, "no question (question is null)");
  EXPECT_EQ(rows[4].failure, "no answer (answer is an empty list)");
  EXPECT_EQ(rows[5].failure, "no image (file_name names 2 pictures, not one)");
  EXPECT_EQ(rows[6].failure, "line 7 has the key 'file_name' twice");
  EXPECT_EQ(rows[7].failure, "");
}

TEST_F(SourcesTest, BadRecordsOfCsvFailAlone) {
  write("a.png", "one");
  const std::vector<Row> rows =
      rows_of(Dataset(described(), {write("rows.csv",
                                          "file_name,question,answer,lang\n"
                                          "a.png,q,a\n"
                                          "a.png,5\" pipe,a,DE\n"
                                          "\n"
                                          "a.png,\"q\"x,a,DE\n"
                                          "a.png,q,,DE\n"
                                          "a.png,\"open,a,DE\n")}));
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_EQ(rows[0].failure, "line 2 has 3 values, the header 4");
  EXPECT_EQ(rows[1].failure, "");
  EXPECT_EQ(rows[1].questions[0].question, "5\" pipe");
  EXPECT_THAT(rows[2].failure, HasSubstr("line 5 has a quote"));
  EXPECT_EQ(rows[3].failure, "no answer (answer is null)");
  EXPECT_THAT(rows[4].failure, HasSubstr("line 7 has a quote"));
}

TEST_F(SourcesTest, PicturesOutsideOfTheFolderAreNotRead) {
  write("outside.png", "secret");
  write("in/a.png", "one");
  write("in/empty.png", "");
  fs::create_symlink("../outside.png", folder_ / "in/link.png");
  fs::create_symlink("a.png", folder_ / "in/inner.png");
  const auto reason = [&](const std::string& name) {
    const fs::path file =
        write("in/one.jsonl", "{\"file_name\": \"" + name +
                                  "\", \"question\": \"q\", \"answer\": \"a\", "
                                  "\"lang\": \"\"}\n");
    return rows_of(Dataset(described(), {file}))[0].failure;
  };
  EXPECT_EQ(reason("inner.png"), "");
  EXPECT_EQ(reason("./x/../a.png"), "");
  EXPECT_THAT(reason("../outside.png"), HasSubstr("is outside of the folder"));
  EXPECT_THAT(reason("a/../../outside.png"), HasSubstr("is outside of the"));
  EXPECT_THAT(reason((folder_ / "in/a.png").string()),
              HasSubstr("is not relative to the folder"));
  EXPECT_THAT(reason("link.png"), HasSubstr("is a link out of the folder"));
  EXPECT_THAT(reason("https://x/a.png"), HasSubstr("is a URL"));
  EXPECT_EQ(reason("b.png"), "no image ('b.png' is not there)");
  EXPECT_THAT(reason("empty.png"), HasSubstr("is empty"));
  EXPECT_THAT(reason(""), HasSubstr("its name is empty"));
  EXPECT_THAT(reason("."), HasSubstr("cannot be read"));
}

TEST_F(SourcesTest, FilesOfTheHubsCacheAreWithinIt) {
  write("blobs/abc", "one");
  fs::create_directories(folder_ / "snapshots/rev/test");
  fs::create_symlink("../../../blobs/abc",
                     folder_ / "snapshots/rev/test/a.png");
  const fs::path file = write(
      "snapshots/rev/test/metadata.jsonl",
      R"({"file_name": "a.png", "question": "q", "answer": "a", "lang": ""})");
  EXPECT_EQ(image_of(rows_of(Dataset(described(), {file}))[0]), "one");
}

TEST_F(SourcesTest, PicturesAloneAreARowEach) {
  write("b/2.PNG", "two");
  write("a 1.jpg", "one");
  write("notes.txt", "");
  write(".hidden/3.png", "");
  const std::vector<fs::path> pictures = list_pictures(folder_);
  ASSERT_THAT(pictures, ElementsAre(folder_ / "a 1.jpg", folder_ / "b/2.PNG"));
  const Description alone{.columns = {.image = "file_name",
                                      .question = "",
                                      .answer = "",
                                      .language = "",
                                      .id = "file_name"},
                          .question = "What is it?",
                          .prompt = "{question}",
                          .score = ScoreRule::kNone,
                          .answer_noun = "answer"};
  const std::vector<Row> rows = rows_of(Dataset(alone, pictures, folder_));
  EXPECT_EQ(rows[1].key, "b/2.PNG");
  EXPECT_EQ(image_of(rows[1]), "two");
  EXPECT_EQ(rows[1].questions[0].question, "What is it?");
  EXPECT_TRUE(rows[1].questions[0].answers.empty());
  const Dataset one(alone, {pictures[0]}, pictures[0]);
  EXPECT_EQ(rows_of(one)[0].key, "a 1.jpg");
  EXPECT_EQ(image_of(rows_of(one)[0]), "one");
}

TEST_F(SourcesTest, QuestionsAndAnswersTakeEveryForm) {
  write("a.png", "one");
  Description pairs = described();
  pairs.columns = {.image = "images",
                   .question = "qa",
                   .answer = "qa",
                   .language = "",
                   .id = "id"};
  const fs::path file = write(
      "rows.jsonl",
      R"({"id": 12, "images": ["a.png"], "qa": [{"question": "q", "answer": ["x", "y"]}, {"question": "r", "answer": {"answer": "z"}}]})"
      "\n"
      R"({"id": "b", "images": {"path": "a.png"}, "qa": "[{'question': 'q', 'answer': 'a'}]"})"
      "\n"
      R"({"id": null, "images": ["a.png"], "qa": []})");
  const std::vector<Row> rows = rows_of(Dataset(pairs, {file}));
  EXPECT_EQ(rows[0].key, "12");
  ASSERT_EQ(rows[0].questions.size(), 2U);
  EXPECT_THAT(rows[0].questions[0].answers, ElementsAre("x", "y"));
  EXPECT_THAT(rows[0].questions[1].answers, ElementsAre("z"));
  EXPECT_EQ(rows[1].failure, "");
  EXPECT_EQ(rows[2].key, "row 2");
  EXPECT_EQ(rows[2].failure, "no id (id is null)");
}

TEST_F(SourcesTest, MissingColumnNamesThosePresent) {
  const fs::path file = write("rows.jsonl", R"({"picture": "a.png"})");
  try {
    Dataset(described(), {file});
    FAIL();
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("no column 'file_name'"));
    EXPECT_THAT(error.what(), HasSubstr("(columns: picture)"));
  }
}

// The file is 200 times what its rows may take at one time.
TEST_F(SourcesTest, ManyLinesAreReadAFewAtATime) {
  write("a.png", "one");
  const fs::path file = folder_ / "many.jsonl";
  constexpr std::int64_t kLines = 100'000;
  {
    std::ofstream out(file);
    const std::string padding(500, 'x');
    for (std::int64_t i = 0; i < kLines; ++i) {
      out << R"({"file_name": "a.png", "lang": "", "question": "q)" << i
          << R"(", "answer": "a", "padding": ")" << padding << "\"}\n";
    }
  }
  const Dataset dataset(described(), {file});
  ASSERT_EQ(dataset.rows(), kLines);
  EXPECT_EQ(dataset.outline().size(), static_cast<std::size_t>(kLines));
  for (const std::int64_t row : {0L, 255L, 256L, kLines - 1}) {
    EXPECT_EQ(dataset.read(row, row + 1, {})[0].questions[0].question,
              "q" + std::to_string(row));
  }
}

}  // namespace
}  // namespace lens::data
