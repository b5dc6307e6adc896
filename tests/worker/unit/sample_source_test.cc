#include "worker/sample_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/error.h"

namespace lens::worker {
namespace {

namespace fs = std::filesystem;
using storage::SampleStatus;
using ::testing::AllOf;
using ::testing::HasSubstr;

// The demo's own data sets with the tiny checkpoint's tokenizer.
class SampleSourceTest : public ::testing::Test {
 protected:
  SampleSourceTest() {
    const std::string root = LENS_SOURCE_DIR;
    for (const char* name : {"mtvqa", "latex_ocr"}) {
      storage::DatasetInput input;
      input.name = name;
      input.files.push_back(
          file(root + "/demo/data/" + name + "/test-00000-of-00001.parquet"));
      manifest_.datasets.push_back(input);
    }
    manifest_.config.min_pixels = 3136;
    manifest_.config.max_pixels = 1003520;
  }

  // As planning writes it down.
  static storage::InputFile file(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
    return {.path = path,
            .bytes = info.st_size,
            .modified_ns = std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 +
                           info.st_mtim.tv_nsec,
            .sha256 = ""};
  }

  SampleSource source(PromptLimits limits = {}) {
    return {manifest_, image::PreprocessorConfig{}, prompts_, limits, 2};
  }

  static storage::Unit unit(const char* dataset, std::int64_t begin,
                            std::int64_t end, std::int64_t samples) {
    return {.index = 0,
            .dataset = dataset,
            .row_begin = begin,
            .row_end = end,
            .first_sample = 0,
            .samples = samples};
  }

  // Questions of the first rows, to know what to expect.
  std::int64_t samples_of(const char* dataset, std::int64_t rows) {
    const data::Dataset opened(data::preset(dataset),
                               {manifest_.datasets[0].name == dataset
                                    ? manifest_.datasets[0].files[0].path
                                    : manifest_.datasets[1].files[0].path});
    std::int64_t samples = 0;
    const auto outline = opened.outline();
    for (std::int64_t i = 0; i < rows; ++i) samples += outline[i].samples;
    return samples;
  }

  storage::Manifest manifest_;
  const text::Tokenizer tokenizer_ = text::Tokenizer::load(
      std::string(LENS_SOURCE_DIR) + "/tests/data/tiny-checkpoint");
  const input::PromptBuilder prompts_{tokenizer_,
                                      "You are a helpful assistant.", 598};
};

TEST_F(SampleSourceTest, FormulasBecomeOneSampleEach) {
  const PreparedUnit prepared =
      source().prepare(unit("latex_ocr", 2, 5, 3), {});
  ASSERT_EQ(prepared.samples.size(), 3u);
  ASSERT_EQ(prepared.images.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    const storage::SampleRecord& record = prepared.samples[i].record;
    EXPECT_EQ(record.status, SampleStatus::kOk);
    EXPECT_EQ(record.sample_id, std::to_string(i + 2));
    EXPECT_EQ(record.prompt, "Using LaTeX to perform OCR on the image.");
    EXPECT_EQ(record.image_tokens, record.grid_height * record.grid_width / 4);
    EXPECT_EQ(std::count(prepared.samples[i].prompt.ids.begin(),
                         prepared.samples[i].prompt.ids.end(), 598),
              record.image_tokens);
  }
}

TEST_F(SampleSourceTest, QuestionsOfOneImageShareIt) {
  const std::int64_t samples = samples_of("mtvqa", 6);
  const PreparedUnit prepared =
      source().prepare(unit("mtvqa", 0, 6, samples), {});
  EXPECT_EQ(prepared.images.size(), 6u);
  ASSERT_GT(samples, 6);
  for (const PreparedSample& sample : prepared.samples) {
    EXPECT_EQ(sample.image, sample.record.source_row);
    EXPECT_THAT(sample.record.prompt,
                HasSubstr("\nAnswer the question using a word or phrase"));
  }
}

TEST_F(SampleSourceTest, BlankImagesChangeNoPromptAndNoSize) {
  const storage::Unit asked = unit("latex_ocr", 2, 5, 3);
  const PreparedUnit shown = source().prepare(asked, {});
  manifest_.config.image = storage::kBlankImages;
  const PreparedUnit blank = source().prepare(asked, {});
  ASSERT_EQ(blank.samples.size(), shown.samples.size());
  for (std::size_t i = 0; i < shown.samples.size(); ++i) {
    EXPECT_EQ(blank.samples[i].prompt.ids, shown.samples[i].prompt.ids);
    EXPECT_EQ(blank.samples[i].record.image_width,
              shown.samples[i].record.image_width);
  }
  ASSERT_EQ(blank.images.size(), shown.images.size());
  EXPECT_EQ(blank.images[0].grid_width, shown.images[0].grid_width);
  EXPECT_NE(blank.images[0].pixels.pixels, shown.images[0].pixels.pixels);
}

TEST_F(SampleSourceTest, LimitCutsTheLastSamples) {
  EXPECT_EQ(source().prepare(unit("mtvqa", 0, 6, 3), {}).samples.size(), 3u);
}

TEST_F(SampleSourceTest, LanguagesOutsideOfTheSelectionAreLeftOut) {
  manifest_.config.languages = {"RU"};
  SampleSource russian = source();
  const data::Dataset opened(data::preset("mtvqa"),
                             {manifest_.datasets[0].files[0].path});
  std::int64_t samples = 0;
  for (const data::RowOutline& row : opened.outline()) {
    if (row.language == "RU") samples += row.samples;
  }
  const PreparedUnit prepared =
      russian.prepare(unit("mtvqa", 0, opened.rows(), samples), {});
  for (const PreparedSample& sample : prepared.samples) {
    EXPECT_EQ(sample.record.language, "RU");
  }
  // Formulas have no language: the selection does not touch them.
  EXPECT_EQ(russian.prepare(unit("latex_ocr", 0, 2, 2), {}).samples.size(), 2u);
}

TEST_F(SampleSourceTest, QuarantinedSampleFailsAloneWithItsReason) {
  const PreparedUnit prepared = source().prepare(
      unit("latex_ocr", 0, 3, 3),
      {.quarantine = {{"1", "the process died twice"}}, .watch = {}});
  EXPECT_EQ(prepared.samples[1].record.status, SampleStatus::kFailed);
  EXPECT_EQ(prepared.samples[1].record.failure, "the process died twice");
  EXPECT_EQ(prepared.samples[1].image, -1);
  EXPECT_EQ(prepared.images.size(), 2u);
  EXPECT_EQ(prepared.samples[2].record.status, SampleStatus::kOk);
}

TEST_F(SampleSourceTest, PromptBeyondTheContextFailsWithItsReason) {
  const PreparedUnit prepared = source({.max_tokens = 80, .max_new_tokens = 64})
                                    .prepare(unit("latex_ocr", 0, 1, 1), {});
  EXPECT_EQ(prepared.samples[0].record.status, SampleStatus::kFailed);
  EXPECT_THAT(prepared.samples[0].record.failure, HasSubstr("80"));
}

// The message of InputChanged that preparing throws, "" where it does not.
std::string changed(SampleSource& source, const storage::Unit& unit) {
  try {
    source.prepare(unit, {});
  } catch (const InputChanged& change) {
    return change.what();
  }
  return "";
}

TEST_F(SampleSourceTest, FileThatChangesIsToldBeforeAnythingIsMixed) {
  const std::string copy = ::testing::TempDir() + "/changing.parquet";
  const auto restore = [&] {
    fs::copy_file(manifest_.datasets[1].files[0].path, copy,
                  fs::copy_options::overwrite_existing);
  };
  restore();
  manifest_.datasets[1].files = {file(copy)};
  SampleSource opened = source();
  const storage::Unit rows = unit("latex_ocr", 0, 2, 2);
  EXPECT_EQ(changed(opened, rows), "");
  // Another time, another size, nothing at all: for a source that has the file
  // open, and for one that comes later.
  const auto expect_told = [&](const char* why) {
    SampleSource late = source();
    for (SampleSource* each : {&opened, &late}) {
      EXPECT_THAT(changed(*each, rows),
                  AllOf(HasSubstr(copy), HasSubstr(why),
                        HasSubstr("changed since the run was planned"),
                        HasSubstr("; restore it")));
    }
  };
  fs::last_write_time(copy,
                      fs::last_write_time(copy) + std::chrono::seconds(2));
  expect_told("it was written to or replaced");
  std::ofstream(copy, std::ios::app) << "x";
  expect_told("bytes then");
  fs::remove(copy);
  expect_told("No such file");
  // Other data sets of the run are what they were.
  EXPECT_EQ(changed(opened, unit("mtvqa", 0, 1, samples_of("mtvqa", 1))), "");
}

TEST_F(SampleSourceTest, WeightsThatChangeAreToldToo) {
  const std::string weights = ::testing::TempDir() + "/changing.safetensors";
  std::ofstream(weights) << "weights";
  manifest_.model.files = {file(weights)};
  SampleSource opened = source();
  const storage::Unit rows = unit("latex_ocr", 0, 2, 2);
  EXPECT_EQ(changed(opened, rows), "");
  std::ofstream(weights) << "other weights";
  EXPECT_THAT(changed(opened, rows), HasSubstr(weights));
  fs::remove(weights);
}

TEST_F(SampleSourceTest, TimeWithoutItsFractionIsTheSameTime) {
  storage::InputFile& input = manifest_.datasets[1].files[0];
  input.modified_ns -= input.modified_ns % 1'000'000'000;
  SampleSource opened = source();
  EXPECT_EQ(changed(opened, unit("latex_ocr", 0, 2, 2)), "");
  input.modified_ns -= 1'000'000'000;
  EXPECT_NE(changed(opened, unit("latex_ocr", 0, 2, 2)), "");
}

TEST_F(SampleSourceTest, ImageStandsWhereThePromptSays) {
  manifest_.config.prompts["latex_ocr"] = "Read {image}this.";
  const PreparedUnit prepared =
      source().prepare(unit("latex_ocr", 0, 1, 1), {});
  const PreparedSample& sample = prepared.samples[0];
  EXPECT_EQ(sample.record.prompt, "Read {image}this.");
  const input::TokenizedPrompt expected =
      prompts_.build("Read ", "this.", sample.record.image_tokens);
  EXPECT_EQ(sample.prompt.ids, expected.ids);
}

TEST_F(SampleSourceTest, DataThatChangedIsRefused) {
  EXPECT_THROW(source().prepare(unit("latex_ocr", 0, 3, 9), {}), InputError);
  EXPECT_THROW(source().prepare(unit("nowhere", 0, 3, 3), {}), InputError);
}

}  // namespace
}  // namespace lens::worker
