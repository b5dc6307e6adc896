#include "input/image/preprocess.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "base/error.h"
#include "tests/input/image/encoders.h"

namespace lens::image {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::make_jpeg;
using testing::read_file;

constexpr std::array<std::string_view, 3> kProcessors = {
    "Qwen2VLImageProcessor", "Qwen2VLImageProcessorFast",
    "Qwen2VLImageProcessorPil"};

const PreprocessorConfig kOfficial = {.max_pixels = 12845056};

std::string error_of(auto call) {
  try {
    call();
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

// A checkpoint folder with one settings file, removed with the object.
class Checkpoint {
 public:
  explicit Checkpoint(const std::string& text,
                      const std::string& file = "preprocessor_config.json")
      : path_(std::filesystem::path(::testing::TempDir()) /
              ("image_checkpoint_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_);
    add(text, file);
  }
  ~Checkpoint() { std::filesystem::remove_all(path_); }
  Checkpoint(const Checkpoint&) = delete;
  Checkpoint& operator=(const Checkpoint&) = delete;

  void add(const std::string& text, const std::string& file) {
    std::ofstream(path_ / file) << text;
  }
  void link(const std::string& file, const std::string& target) {
    std::filesystem::create_symlink(target, path_ / file);
  }
  PreprocessorConfig load() const {
    return PreprocessorConfig::load(path_, kProcessors);
  }

 private:
  std::filesystem::path path_;
};

TEST(SmartResize, GivesTheSizesOfTheReference) {
  const auto at = [](int height, int width) {
    return smart_resize(height, width, kOfficial);
  };
  EXPECT_EQ(at(40, 200), (Size{28, 196}));
  EXPECT_EQ(at(50, 120), (Size{56, 112}));
  EXPECT_EQ(at(100, 500), (Size{112, 504}));
  EXPECT_EQ(at(480, 640), (Size{476, 644}));
  EXPECT_EQ(at(1080, 1920), (Size{1092, 1932}));
  EXPECT_EQ(at(5000, 5000), (Size{3556, 3556}));
  EXPECT_EQ(at(10, 1900), (Size{28, 784}));
  EXPECT_EQ(smart_resize(3024, 4032, {}), (Size{840, 1148}));
}

TEST(SmartResize, TiesGoToTheEvenMultiple) {
  EXPECT_EQ(smart_resize(42, 70, kOfficial), (Size{56, 56}));
  EXPECT_EQ(smart_resize(98, 126, kOfficial), (Size{112, 112}));
}

TEST(SmartResize, NarrowerThan200IsRefused) {
  EXPECT_EQ(smart_resize(1, 200, kOfficial), (Size{28, 812}));
  EXPECT_THAT(error_of([] { smart_resize(1, 201, kOfficial); }),
              HasSubstr("200 times"));
  EXPECT_THROW(smart_resize(0, 5, kOfficial), InputError);
}

TEST(SmartResize, LimitsThatGiveNoUsableSizeAreRefused) {
  EXPECT_THROW(smart_resize(9, 9,
                            {.min_pixels = std::int64_t{1} << 40,
                             .max_pixels = std::int64_t{1} << 40}),
               InputError);
}

TEST(Patches, OneColourGivesTheNormalisedLevels) {
  RgbImage white{.height = 56, .width = 84, .pixels = {}};
  white.pixels.assign(56 * 84 * 3, 255);
  const FittedImage image = fit_image(white, kOfficial);
  EXPECT_EQ(image.grid_height, 4);
  EXPECT_EQ(image.grid_width, 6);
  EXPECT_EQ(image.tokens(2), 6);
  const std::vector<float> values = patch_values(image, kOfficial);
  ASSERT_EQ(values.size(), 24u * 1176);
  EXPECT_NEAR(values[0], 1.930336, 1e-6);
  EXPECT_NEAR(values[2 * 196], 2.074883, 1e-6);
  EXPECT_NEAR(values[4 * 196], 2.145897, 1e-6);
}

TEST(Patches, RowsGoByMergeBlocksAndColumnsByChannelAndFrame) {
  // Red tells the patch in raster order, green the row, blue the column.
  RgbImage image{.height = 56, .width = 56, .pixels = {}};
  for (int y = 0; y < 56; ++y) {
    for (int x = 0; x < 56; ++x) {
      for (const int value : {y / 14 * 4 + x / 14, y % 14, x % 14}) {
        image.pixels.push_back(static_cast<std::uint8_t>(value));
      }
    }
  }
  PreprocessorConfig config;
  config.mean = {0, 0, 0};
  config.std = {1, 1, 1};
  config.rescale_factor = 1;
  const std::vector<float> values =
      patch_values(fit_image(image, config), config);
  const int raster[] = {0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15};
  for (int row = 0; row < 16; ++row) {
    const float* patch = values.data() + row * 1176;
    for (int frame = 0; frame < 2; ++frame) {
      EXPECT_EQ(patch[frame * 196], raster[row]);
      EXPECT_EQ(patch[392 + frame * 196 + 3 * 14 + 5], 3);
      EXPECT_EQ(patch[784 + frame * 196 + 3 * 14 + 5], 5);
    }
  }
}

TEST(Patches, OfAFileRememberItsSides) {
  const FittedImage image = fit_image(
      read_file(LENS_SOURCE_DIR "/tests/data/images/train_40.png"), kOfficial);
  EXPECT_EQ(image.source_height % 10, 0);
  EXPECT_EQ(patch_values(image, kOfficial).size(),
            1176u * static_cast<std::size_t>(image.grid_height) *
                static_cast<std::size_t>(image.grid_width));
}

// Sizes and tokens are those of the picture, values those of none.
TEST(Patches, OfABlankedFileAreZerosButForRounding) {
  PreprocessorConfig blank = kOfficial;
  blank.blank = true;
  const auto file =
      read_file(LENS_SOURCE_DIR "/tests/data/images/train_40.png");
  const FittedImage shown = fit_image(file, kOfficial);
  const FittedImage hidden = fit_image(file, blank);
  EXPECT_EQ(hidden.source_height, shown.source_height);
  EXPECT_EQ(hidden.source_width, shown.source_width);
  EXPECT_EQ(hidden.tokens(2), shown.tokens(2));
  EXPECT_NE(hidden.pixels.pixels, shown.pixels.pixels);
  EXPECT_EQ(hidden.pixels.pixels[0], 123);
  EXPECT_EQ(hidden.pixels.pixels[1], 117);
  EXPECT_EQ(hidden.pixels.pixels[2], 104);
  for (const float value : patch_values(hidden, blank))
    ASSERT_LT(std::abs(value), 0.5f / (255 * 0.26f));
}

TEST(Patches, NarrowFilesAreRefusedByTheirHeader) {
  const std::string why = error_of(
      [] { fit_image(make_jpeg({.width = 900, .height = 3}), kOfficial); });
  EXPECT_THAT(why, HasSubstr("200 times"));
}

TEST(Config, MissingFileIsRefusedAndMissingKeysAreThoseOfTheClass) {
  EXPECT_THAT(error_of([] {
                PreprocessorConfig::load("/nonexistent/folder", kProcessors);
              }),
              HasSubstr("no preprocessor in"));
  const PreprocessorConfig config = Checkpoint("{}").load();
  EXPECT_EQ(config.min_pixels, 3136);
  EXPECT_EQ(config.max_pixels, 1003520);
  // Of an old processor_config.json, which nests nothing.
  EXPECT_THAT(error_of([] {
                Checkpoint(R"({"processor_class": "Qwen2VLProcessor"})",
                           "processor_config.json")
                    .load();
              }),
              HasSubstr("no preprocessor in"));
}

TEST(Config, LinkIntoNothingIsNoMissingFile) {
  Checkpoint checkpoint("{}");
  checkpoint.link("processor_config.json", "../blobs/gone");
  EXPECT_THAT(error_of([&] { checkpoint.load(); }),
              HasSubstr("../blobs/gone is not there"));
}

TEST(Config, PixelLimitsComeBeforeSize) {
  const PreprocessorConfig config = Checkpoint(R"({"max_pixels": 50176,
                     "size": {"shortest_edge": 784, "longest_edge": 9999}})")
                                        .load();
  EXPECT_EQ(config.min_pixels, 784);
  EXPECT_EQ(config.max_pixels, 50176);
  EXPECT_THAT(config.notes,
              ElementsAre(HasSubstr("max_pixels = 50176 counts, not "
                                    "size.longest_edge = 9999")));
}

TEST(Config, SettingsNestedInTheProcessorFileComeFirst) {
  Checkpoint checkpoint(R"({"max_pixels": 50176})");
  checkpoint.add(R"({"image_processor": {"max_pixels": 60000}})",
                 "processor_config.json");
  EXPECT_EQ(checkpoint.load().max_pixels, 60000);
  EXPECT_THAT(checkpoint.load().notes,
              ElementsAre(HasSubstr("as processor_config.json says")));
  checkpoint.add(R"({"max_pixels": 60000})", "preprocessor_config.json");
  EXPECT_TRUE(checkpoint.load().notes.empty()) << "both say the same";
}

TEST(Config, OnlyTheGivenClassesAreTaken) {
  for (const std::string_view name : kProcessors) {
    Checkpoint(R"({"image_processor_type": ")" + std::string(name) + "\"}")
        .load();
  }
  EXPECT_THAT(
      error_of([] {
        Checkpoint(R"({"image_processor_type": "CLIPImageProcessor"})").load();
      }),
      HasSubstr("image_processor_type is not Qwen2VLImageProcessor"));
}

TEST(Config, WhatIsNotSupportedIsRefusedByName) {
  for (const auto& [text, name] : {
           std::pair{"{\"max_pixels\"", "not JSON"},
           std::pair{"[1]", "JSON object"},
           std::pair{R"({"do_resize": false})", "do_resize"},
           std::pair{R"({"resample": 2})", "resample"},
           std::pair{R"({"patch_size": 0})", "patch_size"},
           std::pair{R"({"patch_size": 14.5})", "patch_size"},
           std::pair{R"({"max_pixels": "many"})", "max_pixels"},
           std::pair{R"({"max_pixels": 1e300})", "max_pixels"},
           std::pair{R"({"image_std": [1, 1, 0]})", "image_std"},
           std::pair{R"({"image_mean": [1, 1]})", "image_mean"},
           std::pair{R"({"size": {"shortest_edge": 5}})", "longest_edge"},
       }) {
    EXPECT_THAT(error_of([&, json = text] { Checkpoint(json).load(); }),
                HasSubstr(name));
  }
}

}  // namespace
}  // namespace lens::image
