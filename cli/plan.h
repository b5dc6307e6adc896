#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/machine.h"
#include "input/data/guess.h"
#include "storage/manifest.h"
#include "storage/run_directory.h"

namespace lens::cli {

// What a user asks for. An empty optional means "auto": resolved for the
// machine the first time, taken from the manifest when the run is resumed.
struct PlanRequest {
  struct Dataset {
    std::string name;
    std::filesystem::path path;
  };

  std::filesystem::path model;
  std::vector<Dataset> datasets;
  std::filesystem::path run_directory;
  std::string split = "test";
  std::vector<std::string> languages;
  std::int64_t limit = 0;
  std::optional<std::string> device;  // "cpu", "cuda"
  std::optional<std::string> dtype;   // "float32", "bfloat16"
  std::optional<int> threads;
  std::optional<int> workers;
  std::optional<int> tensor_parallel = 1;
  int max_new_tokens = 64;
  int top_k = 5;
  std::vector<std::string> tokens = {"answer"};
  std::optional<std::int64_t> min_pixels;
  std::optional<std::int64_t> max_pixels;
  std::string image = storage::kKeepImages;
  std::optional<std::int64_t> unit_images;
  std::string system_prompt = storage::RunConfig{}.system_prompt;
  std::map<std::string, std::string> prompts;  // only those given
  std::map<std::string, data::Wishes> wishes;  // of data sets, likewise
  bool generation_config = false;
  std::optional<std::string> attention;  // storage::kNoAttention, ...
  // State indices; kAllStates alone: every state.
  std::vector<int> save_hidden;
};
inline constexpr int kAllStates = -1;

struct Plan {
  storage::Manifest manifest;
  bool resumed = false;  // the run directory held this plan already
  int workers = 1;       // for a local run; not part of the manifest
};

struct PlanOptions {
  // The plan is carried out on this machine: a model that does not fit its
  // memory is refused, and ranks that it has no GPUs for.
  bool runs_here = false;
  // One line at a time, for people: progress of hashing, notes.
  std::function<void(const std::string&)> note = [](const std::string&) {};
  // Bytes hashed and to hash.
  std::function<void(std::int64_t, std::int64_t)> hash_progress = {};
};

// Resolves the request against the checkpoint, the data sets and the machine,
// without touching the run directory. `previous`, where given, is the plan that
// is resumed: it gives what is "auto", and hashes of unchanged files.
// Throws lens::InputError.
storage::Manifest make_manifest(const PlanRequest& request,
                                const Machine& machine,
                                const storage::Manifest* previous,
                                const PlanOptions& options);

// What makes `wanted` another run than `existing`: "limit: 10 in the run
// directory, 20 asked for; ...". Empty when they are the same run.
std::string describe_difference(const storage::Manifest& existing,
                                const storage::Manifest& wanted);

// make_manifest, then either creates the run directory (vocabulary.h5, parts/,
// logs/, manifest.json last: a directory is planned when it has one) or finds
// the same plan in it. Throws lens::InputError when it holds another run, which
// is then left untouched, and StorageError.
Plan plan_run(const PlanRequest& request, const Machine& machine,
              const PlanOptions& options);

// Workers of a local run: as asked for, else as many as there are GPUs for, one
// on CPUs. Of the config device and tensor_parallel are read.
int resolve_workers(const PlanRequest& request, const Machine& machine,
                    const storage::RunConfig& config);

}  // namespace lens::cli
