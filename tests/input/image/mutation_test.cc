// Changed and cut files must be decoded or refused, and nothing else: no
// crash, no endless loop, no allocation beyond the limits.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "base/error.h"
#include "input/image/preprocess.h"
#include "tests/input/image/encoders.h"

namespace lens::image {
namespace {

using testing::exif_block;
using testing::FileBytes;
using testing::make_jpeg;
using testing::make_png;

std::vector<FileBytes> make_files() {
  const std::string exif = exif_block(6, true);
  std::vector<FileBytes> files = {
      make_jpeg({.horizontal = 2, .vertical = 2, .exif = exif}),
      make_jpeg({.horizontal = 2, .progressive = true, .xmp = "tiff:Orient"}),
      make_jpeg({.channels = 4, .vertical = 2, .restart_rows = 1}),
      make_jpeg({.channels = 1, .arithmetic = true}),
      testing::read_file(LENS_SOURCE_DIR "/tests/data/images/train_40.png"),
  };
  for (const int color_type : {0, 2, 3, 4, 6}) {
    for (const int bit_depth : {1, 8, 16}) {
      if (bit_depth == 1 && color_type != 0 && color_type != 3) continue;
      if (bit_depth == 16 && color_type == 3) continue;
      testing::PngOptions options;
      options.bit_depth = bit_depth;
      options.color_type = color_type;
      if (color_type == 3) {
        options.before = {{"PLTE", std::string(6, '\x7F')},
                          {"tRNS", std::string(2, '\x10')}};
      }
      options.before.push_back({"eXIf", exif});
      options.after = {
          {"zTXt", std::string("Raw profile type exif\0\0x\x9C", 25)},
          {"iTXt", std::string("XML:com.adobe.xmp\0\0\0\0\0abc", 25)}};
      files.push_back(make_png(options));
    }
  }
  return files;
}

// Flips bits, overwrites, removes, doubles or cuts a few bytes.
FileBytes mutate(FileBytes file, std::mt19937& random) {
  const auto below = [&random](std::size_t end) { return random() % end; };
  const std::size_t changes = 1 + below(4);
  for (std::size_t i = 0; i < changes && !file.empty(); ++i) {
    const std::size_t at = below(file.size());
    const auto position = file.begin() + static_cast<std::ptrdiff_t>(at);
    switch (below(6)) {
      case 0:
      case 1:
        file[at] ^= static_cast<std::byte>(1u << below(8));
        break;
      case 2:
        file[at] = static_cast<std::byte>(below(256));
        break;
      case 3:
        file.erase(position);
        break;
      case 4:
        file.insert(position, static_cast<std::byte>(below(256)));
        break;
      default:
        if (below(4) == 0) file.resize(at);
        break;
    }
  }
  return file;
}

TEST(Mutation, ChangedFilesAreDecodedOrRefused) {
  // LENS_MUTATIONS asks for more of them, for a longer search.
  const char* wish = std::getenv("LENS_MUTATIONS");
  const int cases = wish != nullptr ? std::atoi(wish) : 4000;
  const std::vector<FileBytes> files = make_files();
  const DecodeLimits limits = {.max_pixels = 1'000'000};
  PreprocessorConfig config;
  config.max_pixels = 50176;
  std::mt19937 random(20240607);
  int decoded = 0;
  int refused = 0;
  for (int i = 0; i < cases; ++i) {
    FileBytes file =
        mutate(files[static_cast<std::size_t>(i) % files.size()], random);
    if (random() % 2 == 0 && file.size() > 8 && file[0] == std::byte{0x89}) {
      file = testing::mend_checksums(file);
    }
    try {
      const FittedImage image = fit_image(file, config, limits);
      EXPECT_GT(patch_values(image, config).size(), 0u);
      ++decoded;
    } catch (const InputError& error) {
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
      ++refused;
    }
  }
  // Both must happen, or the mutations are too strong or too weak.
  EXPECT_GT(decoded, cases / 20);
  EXPECT_GT(refused, cases / 20);
}

}  // namespace
}  // namespace lens::image
