#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/plan.h"

namespace lens::cli {

// The flags of `lens run` and `lens plan`. No value of an optional: "auto".
struct RunFlags {
  std::string model;
  std::vector<std::string> datasets;  // NAME=PATH
  std::string out;
  std::string config;
  std::string split = "test";
  std::vector<std::string> languages;
  std::int64_t limit = 0;
  std::optional<int> workers;
  std::optional<int> tensor_parallel = 1;
  std::optional<int> threads;
  std::optional<std::string> device;
  std::optional<std::string> dtype;
  int max_new_tokens = 64;
  int top_k = 5;
  std::vector<std::string> tokens = {"answer"};
  std::optional<std::int64_t> min_pixels;
  std::optional<std::int64_t> max_pixels;
  std::string image = storage::kKeepImages;
  std::vector<std::string> prompts;    // NAME=TEMPLATE
  std::vector<std::string> columns;    // NAME:ROLE=COL,...
  std::vector<std::string> questions;  // NAME=TEXT
  std::vector<std::string> scores;     // NAME=RULE
  std::optional<std::int64_t> unit_images;
  std::string system_prompt = storage::RunConfig{}.system_prompt;
  bool generation_config = false;
  std::optional<std::string> attention;
  std::vector<std::string> save_hidden;  // state indices, ranges A-B, or "all"
  std::string read_weights;              // "": the faster way, measured
  bool keep_parts = true;
};

// Declares the flags on a command; their values land in `flags`. Parsing throws
// CLI::ValidationError where a number or a name is none that a run could have.
void add_run_flags(CLI::App& command, RunFlags& flags);

// Adds --device and --dtype, under a heading of the help.
void add_device_flags(CLI::App& command, std::optional<std::string>& device,
                      std::optional<std::string>& dtype,
                      const std::string& heading);

// What --columns, --question and --score say of each data set. Throws
// UsageError.
std::map<std::string, data::Wishes> read_wishes(
    const std::vector<std::string>& columns,
    const std::vector<std::string>& questions,
    const std::vector<std::string>& scores);

// NAME and PATH of NAME=PATH. Throws UsageError.
std::pair<std::string, std::string> read_dataset(const std::string& value);

// Gives the request. Throws UsageError with the flag's name: a flag that is
// missing (it may stand in the --config file, of which parsing knows nothing),
// or a value of the forms NAME=VALUE and A-B that no run could have.
PlanRequest plan_request(const RunFlags& flags);

}  // namespace lens::cli
