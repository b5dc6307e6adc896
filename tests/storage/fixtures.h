#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "storage/manifest.h"
#include "storage/merge.h"
#include "storage/part.h"
#include "storage/unit_result.h"
#include "storage/vocabulary.h"

namespace lens::storage::fixtures {

// A fresh folder that goes when the object goes.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline constexpr int kLayers = 5;  // states
inline constexpr int kRanks = 3;
inline constexpr int kScripts = 4;
inline constexpr int kVocabulary = 300;
inline constexpr int kHiddenSize = 8;

struct RunShape {
  // Units of each data set; the two have 4 samples a unit.
  int mtvqa_units = 2;
  int latex_units = 3;
  int samples_per_unit = 4;
  bool hidden = false;
  bool attention = false;
};

// Two data sets, a small model. Equal shapes give equal manifests.
Manifest make_manifest(const RunShape& shape = {});

Vocabulary make_vocabulary();

// Values that hold all invariants, drawn from the unit's number. Every fourth
// sample failed, every fourth is ok without an answer token, text has letters
// of several scripts. `max_tokens` bounds the answer tokens of a sample.
UnitResult make_result(const Manifest& manifest, std::int32_t unit,
                       int max_tokens = 4);

// One result row group may be given other numbers of layers and the like.
PartHeader make_header(const Manifest& manifest, std::int32_t unit,
                       std::uint64_t epoch = 1, std::uint64_t number = 1);

CommittedPart write_unit(const RunDirectory& run, const Manifest& manifest,
                         std::int32_t unit, std::uint64_t epoch = 1,
                         std::uint64_t number = 1, int max_tokens = 4);

// Manifest, vocabulary and all parts.
std::vector<CommittedPart> write_run(const RunDirectory& run,
                                     const Manifest& manifest,
                                     int max_tokens = 4);

std::string read_bytes(const std::filesystem::path& file);
void write_bytes(const std::filesystem::path& file, const std::string& bytes);

// NaN equals NaN.
bool same(const UnitResult& a, const UnitResult& b);

}  // namespace lens::storage::fixtures
