#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "input/data/dataset.h"
#include "input/image/preprocess.h"
#include "input/prompt.h"
#include "storage/lease.h"
#include "storage/manifest.h"
#include "storage/unit_result.h"

namespace lens::worker {

// Samples that are not to be run: reason by sample id. The key of a row ("7")
// stands for all its samples ("7.0", "7.1"): they share one image.
using Quarantine = std::map<std::string, std::string>;

// Called on the decoding thread before an image is read, with its row's key;
// what it returns is dropped when the image is done.
using ImageWatch =
    std::function<std::shared_ptr<void>(const std::string& row_key)>;

// One sample, ready for the model or failed with its reason.
struct PreparedSample {
  storage::SampleRecord record;
  std::vector<std::string> references;  // what the answer is held against
  input::TokenizedPrompt prompt;        // empty where failed
  int image = -1;  // index into PreparedUnit::images; -1 where failed
};

// Everything of a unit that the CPU does before the model runs.
struct PreparedUnit {
  storage::Unit unit;
  storage::LeaseToken lease;               // by which it is worked on
  std::vector<image::FittedImage> images;  // those that a sample uses
  std::vector<PreparedSample> samples;     // unit.samples of them
};

// Limits of the model that a prompt has to keep.
struct PromptLimits {
  std::int64_t max_tokens = 32768;  // prompt and answer together
  int max_new_tokens = 64;
};

struct PrepareOptions {
  Quarantine quarantine;
  ImageWatch watch;
  // On one thread, so that what goes wrong is the doing of one image.
  bool one_image_at_a_time = false;
};

// Gives what the model needs of a unit. Used by one thread at a time.
class UnitSource {
 public:
  virtual ~UnitSource() = default;

  // A bad sample becomes a failed record. Throws lens::InputChanged when a file
  // of the model or of this data set is no longer the one that was planned, and
  // lens::InputError when the rows themselves cannot be read.
  virtual PreparedUnit prepare(const storage::Unit& unit,
                               const PrepareOptions& options) = 0;
};

// Reads the samples of units: rows from Parquet, images decoded and resized,
// prompts tokenized. Decoding runs on `decode_threads`.
class SampleSource final : public UnitSource {
 public:
  SampleSource(const storage::Manifest& manifest,
               image::PreprocessorConfig preprocessor,
               const input::PromptBuilder& prompts, PromptLimits limits,
               int decode_threads);

  PreparedUnit prepare(const storage::Unit& unit,
                       const PrepareOptions& options) override;

 private:
  struct Source {
    data::Description description;
    std::string prompt_template;
    data::Dataset dataset;
    const std::vector<storage::InputFile>* files;  // of the manifest
    bool is_of_pictures;
    // Those that rows name, by path.
    std::map<std::string, const storage::InputFile*> pictures;
  };

  // What a user's turn says around the image; `whole` shows where it stands.
  struct PromptText {
    std::string before_image;
    std::string after_image;
    std::string whole;
  };

  static PromptText fill(std::string_view prompt_template,
                         std::string_view question);
  Source& source(const std::string& dataset);
  // The image, or the reason why there is none.
  struct DecodedImage {
    image::FittedImage image;
    std::string failure;
  };
  std::vector<DecodedImage> decode(const std::vector<data::Row>& rows,
                                   const PrepareOptions& options) const;
  // Throws InputChanged where a picture of `rows` is not the planned one.
  static void check_pictures(const Source& from,
                             const std::vector<data::Row>& rows);
  // Builds the prompt, or sets the failure.
  void finish(PreparedSample& sample, const PromptText& text,
              const DecodedImage& decoded) const;

  const storage::Manifest& manifest_;
  image::PreprocessorConfig preprocessor_;
  const input::PromptBuilder& prompts_;
  PromptLimits limits_;
  int decode_threads_;
  std::map<std::string, Source> sources_;  // opened when first used
};

}  // namespace lens::worker
