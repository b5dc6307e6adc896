// The preparation of samples on one core, on a pipe, for bench/input_parts.py.
// One command a line on standard input, one answer a line: processor seconds a
// round, and the values of the last round in OUT.
//
//   image CHECKPOINT FILE ROUNDS OUT  decode, resize, patches of one picture;
//                                     OUT: float32
//   text CHECKPOINT FILE ROUNDS OUT   the ids of each text of FILE, which end
//                                     with a zero byte; OUT: int32, -1 after
//                                     each text
#include <time.h>

#include <cstdint>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "input/image/preprocess.h"
#include "input/text/tokenizer.h"
#include "model/families.h"

namespace {

using namespace lens;  // NOLINT: this file is the program

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Patches {
 public:
  Patches() = default;
  explicit Patches(std::size_t count)
      : count_(count),
        values_(std::make_unique_for_overwrite<float[]>(count)) {}
  float* data() const { return values_.get(); }
  std::size_t size() const { return count_; }

 private:
  std::size_t count_ = 0;
  std::unique_ptr<float[]> values_;
};

template <typename Values>
void write_file(const std::string& path, const Values& values) {
  std::ofstream file(path, std::ios::binary);
  file.write(
      reinterpret_cast<const char*>(values.data()),
      static_cast<std::streamsize>(values.size() * sizeof(*values.data())));
  if (!file) throw std::runtime_error("cannot write " + path);
}

double processor_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) +
         1e-9 * static_cast<double>(time.tv_nsec);
}

// Seconds a round; `work` returns what goes to `out`.
template <typename Work>
double measure(int rounds, const std::string& out, Work work) {
  decltype(work()) values;
  const double begin = processor_seconds();
  for (int round = 0; round < rounds; ++round) values = work();
  const double took = processor_seconds() - begin;
  write_file(out, values);
  return took / rounds;
}

double prepare(const std::string& checkpoint, const std::string& file,
               int rounds, const std::string& out) {
  const auto config = image::PreprocessorConfig::load(
      checkpoint, model::family_of(checkpoint).image_processors);
  const std::string bytes = read_file(file);
  return measure(rounds, out, [&] {
    const image::FittedImage fitted =
        image::fit_image(std::as_bytes(std::span(bytes)), config);
    // As the worker's tensor: new for each picture, and not cleared.
    Patches patches(patch_count(fitted, config));
    write_patches(fitted, config, {patches.data(), patches.size()});
    return patches;
  });
}

double tokenize(const text::Tokenizer& tokenizer, const std::string& file,
                int rounds, const std::string& out) {
  const std::string bytes = read_file(file);
  std::vector<std::string_view> texts;
  for (std::string_view rest = bytes; !rest.empty();) {
    texts.push_back(rest.substr(0, rest.find('\0')));
    rest.remove_prefix(texts.back().size() + 1);
  }
  return measure(rounds, out, [&] {
    std::vector<std::int32_t> all;
    for (const std::string_view each : texts) {
      const std::vector<std::int32_t> ids = tokenizer.encode(each);
      all.insert(all.end(), ids.begin(), ids.end());
      all.push_back(-1);
    }
    return all;
  });
}

}  // namespace

int main() {
  try {
    std::map<std::string, text::Tokenizer> tokenizers;
    for (std::string line; std::getline(std::cin, line);) {
      std::istringstream words(line);
      std::string kind, checkpoint, file, out;
      int rounds = 0;
      words >> kind >> checkpoint >> file >> rounds >> out;
      if (!words || rounds < 1 || (kind != "image" && kind != "text")) {
        throw std::runtime_error("not a command: " + line);
      }
      if (kind == "image") {
        std::cout << prepare(checkpoint, file, rounds, out) << std::endl;
        continue;
      }
      auto known = tokenizers.find(checkpoint);
      if (known == tokenizers.end()) {
        known =
            tokenizers.emplace(checkpoint, text::Tokenizer::load(checkpoint))
                .first;
      }
      std::cout << tokenize(known->second, file, rounds, out) << std::endl;
    }
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "input_parts: " << error.what() << "\n";
    return 1;
  }
}
