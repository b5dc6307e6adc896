#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace lens::storage {

// How the rows of a data set are read, where its name alone does not say it.
struct DatasetMap {
  std::map<std::string, std::string> columns;  // role -> column, if in use
  std::string question;                        // asked where a row has none
  std::string score;                           // the rule's name

  bool operator==(const DatasetMap&) const = default;
};

// What is kept of attention: nothing, or how much of it is on the image.
inline constexpr const char* kNoAttention = "none";
inline constexpr const char* kImageAttention = "image";

// Values of RunConfig::image. They reach disk: they must not change.
inline constexpr const char* kKeepImages = "keep";
inline constexpr const char* kBlankImages = "blank";

// Everything that can change a result. No paths, no worker count.
struct RunConfig {
  std::string split = "test";
  std::vector<std::string> languages;  // empty: all
  std::int64_t limit = 0;              // samples per data set; 0: all
  std::string device;                  // "cpu" or "cuda", never "auto"
  std::string dtype;                   // "float32" or "bfloat16"
  int threads = 1;                     // compute threads of one rank
  int tensor_parallel = 1;             // ranks that share one model
  int max_new_tokens = 64;
  int top_k = 5;
  std::vector<std::string> tokens = {"answer"};  // answer, question, image, all
  std::int64_t min_pixels = 0;  // as resolved from the checkpoint
  std::int64_t max_pixels = 0;
  // What the model is shown: each picture, or a uniform one of its size.
  std::string image = kKeepImages;
  std::string system_prompt = "You are a helpful assistant.";
  std::map<std::string, std::string> prompts;  // data set name -> template
  std::map<std::string, DatasetMap> data;      // data set name -> its rows
  std::int64_t unit_images = 32;
  std::string attention = kNoAttention;
  bool generation_config = false;  // apply the checkpoint's processors
  std::vector<int> save_hidden;    // states kept raw; empty: none

  bool operator==(const RunConfig&) const = default;
};

// One file the run reads. `path` and `modified_ns` are for finding it again
// and for skipping a second hash; they are not part of the run's identity.
struct InputFile {
  std::string path;
  std::int64_t bytes = 0;
  std::int64_t modified_ns = 0;
  std::string sha256;  // hex

  bool operator==(const InputFile&) const = default;
};

struct ModelInput {
  std::string path;    // checkpoint folder
  std::string name;    // its last path component
  std::string sha256;  // over config.json and all weights, hex
  std::string tokenizer_sha256;
  std::vector<InputFile> files;
  int num_layers = 0;  // N; states are 0..N
  std::int64_t vocab_size = 0;
  std::int64_t hidden_size = 0;

  bool operator==(const ModelInput&) const = default;
};

struct DatasetInput {
  std::string name;
  std::string path;                      // as given
  std::vector<InputFile> files;          // in row order
  std::vector<InputFile> pictures = {};  // that the rows name, by path
  std::int64_t samples = 0;

  bool operator==(const DatasetInput&) const = default;
};

// A run of consecutive selected samples of one data set; all questions of one
// image stay together. Rows are counted over all files of the data set in
// order. A unit's samples are: rows [row_begin, row_end) whose language is
// selected, one sample per question, cut after `samples` (only the limit cuts).
struct Unit {
  std::int32_t index = 0;  // position in Manifest::units
  std::string dataset;
  std::int64_t row_begin = 0;
  std::int64_t row_end = 0;
  std::int64_t first_sample = 0;  // within its data set
  std::int64_t samples = 0;

  bool operator==(const Unit&) const = default;
};

// The plan of a run, written once. What a unit produces is a pure function of
// the manifest and the inputs it names.
struct Manifest {
  int version = 1;
  std::string run_id;  // run_identity() of storage/manifest_file.h
  RunConfig config;
  ModelInput model;
  std::vector<DatasetInput> datasets;
  std::vector<Unit> units;
  // What planning chose where the inputs say two things or nothing, a line
  // each. Not part of the run's identity: it follows from the inputs.
  std::vector<std::string> notes;

  bool operator==(const Manifest&) const = default;
};

}  // namespace lens::storage
