#include "cli/plan_config.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/error.h"
#include "cli/spread.h"
#include "input/image/preprocess.h"
#include "model/families.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
using storage::Manifest;
using storage::RunConfig;

std::string resolve_device(const PlanRequest& request, const Machine& machine,
                           const Manifest* previous) {
  // A plan for GPUs may be made where there is none, for example on the login
  // node of a cluster: what is asked for is not checked here.
  if (request.device) return *request.device;
  if (previous) return previous->config.device;
  return machine.gpu.usable() ? "cuda" : "cpu";
}

std::string resolve_dtype(const PlanRequest& request, const Machine& machine,
                          const Manifest* previous,
                          const std::string& checkpoint_dtype,
                          const std::string& device) {
  if (request.dtype) return *request.dtype;
  if (previous && previous->config.device == device)
    return previous->config.dtype;
  if (checkpoint_dtype == "float32") return "float32";
  if (device == "cuda") return "bfloat16";
  // float16 has more mantissa than bfloat16: on CPUs float32 keeps all of it.
  if (checkpoint_dtype == "bfloat16" && machine.cpu.fast_bfloat16())
    return "bfloat16";
  return "float32";
}

int resolve_threads(const PlanRequest& request, const Machine& machine,
                    const Manifest* previous, const RunConfig& config) {
  if (request.threads) return *request.threads;
  if (previous) return previous->config.threads;
  const int ranks =
      resolve_workers(request, machine, config) * config.tensor_parallel;
  return std::max(1, machine.cores / std::max(1, ranks));
}

std::vector<int> resolve_save_hidden(const std::vector<int>& asked,
                                     int num_layers) {
  std::set<int> states;
  for (const int state : asked) {
    if (state == kAllStates) {
      for (int i = 0; i <= num_layers; ++i) states.insert(i);
      continue;
    }
    if (state < 0 || state > num_layers)
      throw InputError(
          "--save-hidden " + std::to_string(state),
          "this model has the states 0 to " + std::to_string(num_layers),
          "choose among them, or all");
    states.insert(state);
  }
  return {states.begin(), states.end()};
}

// One spelling for one meaning, so that equal runs are equal: a fixed order,
// and "all" alone where it is among them.
std::vector<std::string> canonical_tokens(
    const std::vector<std::string>& asked) {
  const std::set<std::string> set(asked.begin(), asked.end());
  if (set.contains("all")) return {"all"};
  std::vector<std::string> tokens;
  for (const char* name : std::array{"answer", "question", "image"})
    if (set.contains(name)) tokens.emplace_back(name);
  return tokens;
}

void resolve_pixels(const PlanRequest& request, const fs::path& model,
                    RunConfig& config) {
  const auto preprocessor = image::PreprocessorConfig::load(
      model, model::family_of(model).image_processors);
  config.min_pixels = request.min_pixels.value_or(preprocessor.min_pixels);
  config.max_pixels = request.max_pixels.value_or(preprocessor.max_pixels);
  if (config.min_pixels > config.max_pixels)
    throw InputError("--min-pixels " + std::to_string(config.min_pixels) +
                         " is over --max-pixels " +
                         std::to_string(config.max_pixels),
                     "no size fits", "give both");
}

std::string resolve_attention(const PlanRequest& request,
                              const RunConfig& config,
                              const Manifest* previous) {
  const bool is_shared = config.tensor_parallel > 1;
  if (request.attention) {
    if (is_shared && *request.attention != storage::kNoAttention)
      throw InputError(
          "--attention " + *request.attention + " with --tensor-parallel",
          "each process has some of the heads alone",
          "leave out one of the two");
    return *request.attention;
  }
  if (previous) return previous->config.attention;
  // What it costs on GPUs has not been measured.
  return is_shared || config.device != "cpu" ? storage::kNoAttention
                                             : storage::kImageAttention;
}

}  // namespace

int resolve_workers(const PlanRequest& request, const Machine& machine,
                    const RunConfig& config) {
  if (request.workers) return *request.workers;
  if (config.device != "cuda") return 1;
  const int gpus = static_cast<int>(machine.gpu.gpus.size());
  return std::max(1, gpus / config.tensor_parallel);
}

RunConfig resolve_config(const PlanRequest& request, const Machine& machine,
                         const Checkpoint& checkpoint,
                         const Manifest* previous) {
  RunConfig config;
  config.split = request.split;
  // Sorted and once each: the order of the flags makes no other run.
  const std::set<std::string> languages(request.languages.begin(),
                                        request.languages.end());
  config.languages = {languages.begin(), languages.end()};
  config.limit = request.limit;
  config.device = resolve_device(request, machine, previous);
  config.dtype = resolve_dtype(request, machine, previous, checkpoint.dtype,
                               config.device);
  config.tensor_parallel =
      resolve_tensor_parallel(request, machine, checkpoint, config, previous);
  config.threads = resolve_threads(request, machine, previous, config);
  config.max_new_tokens = request.max_new_tokens;
  config.top_k = request.top_k;
  if (config.top_k > checkpoint.vocab_size)
    throw InputError("--top-k " + std::to_string(config.top_k),
                     "the vocabulary has " +
                         std::to_string(checkpoint.vocab_size) + " entries",
                     "ask for fewer");
  config.tokens = canonical_tokens(request.tokens);
  config.system_prompt = request.system_prompt;
  config.generation_config = request.generation_config;
  if (config.generation_config && !checkpoint.generation.present)
    throw InputError("--generation-config cannot be followed",
                     "the checkpoint has no generation_config.json",
                     "leave the flag out");
  config.attention = resolve_attention(request, config, previous);
  config.save_hidden =
      resolve_save_hidden(request.save_hidden, checkpoint.num_layers);
  resolve_pixels(request, checkpoint.folder, config);
  config.image = request.image;
  return config;
}

}  // namespace lens::cli
