// Answers the oracle test: one command a line on standard input, one line of
// answer each, "error" and the message when the library throws.
//
//   decode IMAGE OUT               height width; RGB bytes to OUT
//   resize IMAGE HEIGHT WIDTH OUT  height width; RGB bytes to OUT
//   preprocess IMAGE CHECKPOINT OUT
//                                  grid and source sides; float32 to OUT
//   config CHECKPOINT              min_pixels max_pixels and the other sizes
//   size MIN MAX HEIGHT WIDTH      height width of smart_resize
//   jpeg OUT WIDTH HEIGHT CHANNELS RAW_COLORS HORIZONTAL VERTICAL PROGRESSIVE
//        ARITHMETIC RESTART_ROWS QUALITY
//                                  writes a test picture of this kind
//   bench IMAGE HEIGHT WIDTH       milliseconds: decode, resize, all to patches
#include <array>
#include <chrono>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "input/image/preprocess.h"
#include "tests/input/image/encoders.h"

namespace {

using lens::image::FittedImage;
using lens::image::PreprocessorConfig;
using lens::image::RgbImage;
using lens::image::Size;
using lens::image::testing::JpegOptions;
using lens::image::testing::read_file;

constexpr std::array<std::string_view, 3> kProcessors = {
    "Qwen2VLImageProcessor", "Qwen2VLImageProcessorFast",
    "Qwen2VLImageProcessorPil"};

template <typename Value>
void write_file(const std::string& path, const std::vector<Value>& values) {
  std::ofstream stream(path, std::ios::binary);
  stream.write(reinterpret_cast<const char*>(values.data()),
               static_cast<std::streamsize>(values.size() * sizeof(Value)));
  if (!stream) throw std::runtime_error("cannot write " + path);
}

// Best of five runs: the machine that tests may be busy.
double milliseconds(const std::function<void()>& work) {
  double best = 1e9;
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double, std::milli> took =
        std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count());
  }
  return best;
}

std::string answer(std::istringstream& line) {
  std::string command;
  std::string path;
  std::ostringstream reply;
  line >> command;
  if (command == "size") {
    PreprocessorConfig config;
    int height = 0;
    int width = 0;
    line >> config.min_pixels >> config.max_pixels >> height >> width;
    const Size size = smart_resize(height, width, config);
    reply << size.height << ' ' << size.width;
    return reply.str();
  }
  line >> path;
  if (command == "config") {
    const PreprocessorConfig config =
        PreprocessorConfig::load(path, kProcessors);
    reply << config.min_pixels << ' ' << config.max_pixels << ' '
          << config.patch_size << ' ' << config.temporal_patch_size << ' '
          << config.merge_size;
    return reply.str();
  }
  if (command == "jpeg") {
    JpegOptions options;
    line >> options.width >> options.height >> options.channels >>
        options.raw_colors >> options.horizontal >> options.vertical >>
        options.progressive >> options.arithmetic >> options.restart_rows >>
        options.quality;
    write_file(path, lens::image::testing::make_jpeg(options));
    return "made";
  }
  const std::vector<std::byte> bytes = read_file(path);
  if (command == "preprocess") {
    std::string checkpoint;
    std::string out;
    line >> checkpoint >> out;
    const auto config = PreprocessorConfig::load(checkpoint, kProcessors);
    const FittedImage image = lens::image::fit_image(bytes, config);
    write_file(out, lens::image::patch_values(image, config));
    reply << image.grid_height << ' ' << image.grid_width << ' '
          << image.source_height << ' ' << image.source_width;
    return reply.str();
  }
  RgbImage image = lens::image::decode_image(bytes);
  int height = 0;
  int width = 0;
  if (command == "resize" || command == "bench") line >> height >> width;
  if (command == "bench") {
    reply << milliseconds([&] { lens::image::decode_image(bytes); }) << ' '
          << milliseconds([&] { resize_bicubic(image, height, width); }) << ' '
          << milliseconds([&] {
               const PreprocessorConfig config;
               patch_values(fit_image(image, config), config);
             });
    return reply.str();
  }
  if (command == "resize") image = resize_bicubic(image, height, width);
  std::string out;
  line >> out;
  write_file(out, image.pixels);
  reply << image.height << ' ' << image.width;
  return reply.str();
}

}  // namespace

int main() {
  std::string text;
  while (std::getline(std::cin, text)) {
    std::istringstream line(text);
    try {
      std::cout << answer(line) << std::endl;
    } catch (const lens::InputError& error) {
      std::cout << "error " << error.what() << std::endl;
    }
  }
}
