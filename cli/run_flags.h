#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/plan.h"

namespace lens::cli {

// The flags of `lens run` and `lens plan`, as typed.
struct RunFlags {
  std::string model;
  std::vector<std::string> datasets;  // NAME=PATH
  std::string out;
  std::string config;
  std::string split = "test";
  std::vector<std::string> languages;
  std::string limit = "0";
  std::string workers = "auto";
  std::string threads = "auto";
  std::string device = "auto";
  std::string dtype = "auto";
  std::string max_new_tokens = "64";
  std::string top_k = "5";
  std::vector<std::string> tokens = {"answer"};
  std::string min_pixels = "auto";
  std::string max_pixels = "auto";
  std::vector<std::string> prompts;  // NAME=TEMPLATE
  std::string unit_images = "auto";
  std::string system_prompt = storage::RunConfig{}.system_prompt;
  bool generation_config = false;
  std::vector<std::string> save_hidden;  // state indices, ranges A-B, or "all"
  bool keep_parts = true;
};

// Declares the flags on a command; their values land in `flags`.
void add_run_flags(CLI::App& command, RunFlags& flags);

// Checks the values and gives the request. Throws UsageError (a value that no
// run could have) with the flag's name.
PlanRequest plan_request(const RunFlags& flags);

}  // namespace lens::cli
