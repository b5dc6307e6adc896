#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "storage/manifest.h"
#include "storage/unit_result.h"
#include "storage/vocabulary.h"

namespace lens::analysis::planted {

// What is planted in one data set. Layers are state indices.
struct DatasetPlan {
  std::string name = {};  // "mtvqa" or "latex_ocr"
  std::int64_t samples = 90;
  int least_tokens = 3, most_tokens = 9;  // of an answer, without the end
  // The layer at which the entropy of a token falls through the middle of its
  // range, before the spreads below.
  double onset = 18;
  // mtvqa: in rotation over the images, three questions to an image.
  std::vector<std::string> languages = {};            // empty: all nine
  std::map<std::string, double> language_onset = {};  // instead of `onset`
  double area_effect = 0;    // layers for each doubling of the image area
  double length_effect = 0;  // layers for each doubling of the answer's length
  double wrong_effect = 0;   // layers, where the answer is wrong
  double right_share = 0.6;
};

struct Plan {
  std::vector<DatasetPlan> datasets = {{.name = "mtvqa"},
                                       {.name = "latex_ocr"}};
  int layers = 29;  // states
  int ranks = 5;
  int vocabulary = 2000;      // at least 400
  double noise_nats = 0.2;    // of each entropy
  double sample_spread = 1;   // layers, standard deviation between samples
  double picture_spread = 0;  // layers, between pictures
  double token_spread = 0.7;  // layers, between the tokens of a sample
  // The emitted token is on top from this many layers after the onset.
  int depth_lag = 2;
  double failed_share = 0.03;  // with a reason
  double empty_share = 0.02;   // ok, without an answer token
  // Layers [middle_begin, middle_end) give this share to this script.
  std::string middle_script = "Han";
  double middle_share = 0.6;
  int middle_begin = 10, middle_end = 17;
  std::int64_t unit_samples = 300;  // a multiple of 3; changes no value
  bool partial = false;             // without the last unit of each data set
  // Changes what a unit holds before it is written.
  std::function<void(const DatasetPlan&, storage::UnitResult&)> edit = {};
  storage::Vocabulary other_vocabulary = {};  // instead of the made one
  std::uint64_t seed = 1;
};

// The nine of the data set: AR DE FR IT JA KR RU TH VI.
const std::vector<std::string>& all_languages();
// Name of the script a language's answers are in; "Latin" for latex_ocr's "".
std::string script_of_language(const std::string& language);

storage::Manifest make_manifest(const Plan& plan);
storage::Vocabulary make_vocabulary(int size);
// Samples [begin, end) of a data set; each depends on the plan and its own
// number only.
storage::UnitResult make_samples(const Plan& plan, const DatasetPlan& dataset,
                                 std::int64_t begin, std::int64_t end);

// Writes manifest.json, vocabulary.h5 and results.h5 (results.partial.h5 where
// partial) into `folder` and returns the results file. Parts are removed.
std::filesystem::path write_run(const std::filesystem::path& folder,
                                const Plan& plan);

}  // namespace lens::analysis::planted
