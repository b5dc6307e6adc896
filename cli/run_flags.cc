#include "cli/run_flags.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/error.h"
#include "cli/home_path.h"
#include "cli/usage_error.h"
#include "input/data/dataset.h"
#include "input/prompt.h"
#include "model/families.h"

namespace lens::cli {
namespace {

// Above any real value, so that a slip of the finger is not a huge run.
constexpr std::int64_t kMaxCount = 1'000'000'000'000;

[[noreturn]] void wrong(const std::string& flag, const std::string& value,
                        const std::string& expected) {
  throw UsageError("--" + flag + " " + value + " (" + expected + " expected)");
}

std::int64_t whole_number(const std::string& flag, const std::string& value,
                          std::int64_t least, std::int64_t most) {
  std::int64_t number = 0;
  const char* end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, number);
  if (error != std::errc() || stop != end || number < least || number > most)
    wrong(flag, value,
          "a whole number from " + std::to_string(least) +
              (most < kMaxCount ? " to " + std::to_string(most) : " up"));
  return number;
}

template <typename Number>
std::optional<Number> number_or_auto(const std::string& flag,
                                     const std::string& value,
                                     std::int64_t most) {
  if (value == "auto") return std::nullopt;
  return static_cast<Number>(whole_number(flag, value, 1, most));
}

std::optional<std::string> choice_or_auto(
    const std::string& flag, const std::string& value,
    const std::array<std::string, 2>& choices) {
  if (value == "auto") return std::nullopt;
  if (value != choices[0] && value != choices[1])
    wrong(flag, value, "auto, " + choices[0] + " or " + choices[1]);
  return value;
}

// NAME=VALUE with a data set's name.
std::pair<std::string, std::string> named_value(const std::string& flag,
                                                const std::string& value,
                                                const std::string& what) {
  const std::size_t equals = value.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == value.size())
    wrong(flag, value, "NAME=" + what);
  const std::string name = value.substr(0, equals);
  try {
    data::dataset_kind(name);
  } catch (const InputError&) {
    wrong(flag, value, "mtvqa=" + what + " or latex_ocr=" + what);
  }
  return {name, value.substr(equals + 1)};
}

void append_states(const std::string& value, std::vector<int>& states) {
  constexpr std::int64_t kMaxState = 10'000;
  if (value == "all") {
    states.push_back(kAllStates);
    return;
  }
  const std::size_t dash = value.find('-');
  if (dash == std::string::npos || dash == 0) {
    states.push_back(
        static_cast<int>(whole_number("save-hidden", value, 0, kMaxState)));
    return;
  }
  const std::int64_t first =
      whole_number("save-hidden", value.substr(0, dash), 0, kMaxState);
  const std::int64_t last =
      whole_number("save-hidden", value.substr(dash + 1), first, kMaxState);
  for (std::int64_t state = first; state <= last; ++state)
    states.push_back(static_cast<int>(state));
}

}  // namespace

void add_run_flags(CLI::App& command, RunFlags& flags) {
  const auto group = [](CLI::Option* option, const char* name) {
    option->group(name);
    return option;
  };
  const char* what = "What to run";
  group(command.add_option(
            "--model", flags.model,
            "Folder of a " + model::family_names() + " checkpoint (required)"),
        what)
      ->type_name("DIR");
  group(command.add_option("--dataset", flags.datasets,
                           "mtvqa=PATH or latex_ocr=PATH: a Parquet file, a "
                           "folder of them, or a Hugging Face snapshot folder; "
                           "repeat for both (required)"),
        what)
      ->type_name("NAME=PATH");
  group(command.add_option("--out", flags.out,
                           "Run directory: the same one again resumes "
                           "(required)"),
        what)
      ->type_name("RUN_DIR");
  group(command.add_option("--split", flags.split, "Split to read"), what)
      ->type_name("NAME")
      ->capture_default_str();
  group(command.add_option("--language", flags.languages,
                           "Only these languages, as the data set writes "
                           "them (default: all)"),
        what)
      ->type_name("CODE");
  group(command.add_option("--limit", flags.limit,
                           "Only the first N samples of each data set; 0: all"),
        what)
      ->type_name("N")
      ->capture_default_str();
  group(command.add_option("--config", flags.config,
                           "TOML file with flags as keys (limit = 10); the "
                           "command line wins"),
        what)
      ->type_name("FILE.toml");

  const char* model = "What is measured";
  group(command.add_option("--max-new-tokens", flags.max_new_tokens,
                           "Longest answer in tokens"),
        model)
      ->type_name("N")
      ->capture_default_str();
  group(command.add_option("--top-k", flags.top_k,
                           "Top tokens kept at each layer"),
        model)
      ->type_name("N")
      ->capture_default_str();
  group(command.add_option("--tokens", flags.tokens,
                           "Tokens that get rows: answer, question, image, "
                           "all"),
        model)
      ->type_name("NAME,")
      ->delimiter(',')
      ->capture_default_str();
  group(command.add_option("--min-pixels", flags.min_pixels,
                           "Smallest image area (auto: the checkpoint's)"),
        model)
      ->type_name("N")
      ->capture_default_str();
  group(command.add_option("--max-pixels", flags.max_pixels,
                           "Largest image area (auto: the checkpoint's)"),
        model)
      ->type_name("N")
      ->capture_default_str();
  group(command.add_option("--prompt", flags.prompts,
                           "Text after the image; {question} is replaced, "
                           "{image} is where the image stands instead"),
        model)
      ->type_name("NAME=TEMPLATE");
  group(command.add_option("--system-prompt", flags.system_prompt,
                           "Text of the system turn; '': no such turn"),
        model)
      ->type_name("TEXT")
      ->capture_default_str();
  group(command.add_flag("--generation-config", flags.generation_config,
                         "Follow the checkpoint's generation_config.json "
                         "(repetition penalty); what is not followed is "
                         "refused or named"),
        model);
  group(command.add_option("--save-hidden", flags.save_hidden,
                           "Keep raw states: indices (0,14,28), ranges "
                           "(20-28), or all"),
        model)
      ->type_name("LAYERS|all")
      ->delimiter(',');

  const char* how = "How it runs";
  group(command.add_option("--workers", flags.workers,
                           "Worker processes on this machine (auto: one a "
                           "GPU, one on CPUs)"),
        how)
      ->type_name("N")
      ->capture_default_str();
  group(command.add_option("--threads", flags.threads,
                           "Compute threads of one worker (auto: cores / "
                           "workers)"),
        how)
      ->type_name("N")
      ->capture_default_str();
  group(command.add_option("--device", flags.device, "auto, cpu or cuda"), how)
      ->type_name("NAME")
      ->capture_default_str();
  group(command.add_option("--dtype", flags.dtype,
                           "auto, float32 or bfloat16 (auto: the "
                           "checkpoint's, where the device is quick at it)"),
        how)
      ->type_name("NAME")
      ->capture_default_str();
  group(command.add_option("--unit-images", flags.unit_images,
                           "Images of one unit of work (auto: 32 on CPUs, 512 "
                           "on GPUs)"),
        how)
      ->type_name("N")
      ->capture_default_str();
  group(command.add_flag("--keep-parts,!--no-keep-parts", flags.keep_parts,
                         "Keep the parts after results.h5 is verified (the "
                         "default); --no-keep-parts frees their space"),
        how);
}

PlanRequest plan_request(const RunFlags& flags) {
  const auto required = [](const char* flag, bool missing) {
    if (missing) throw UsageError(std::string("--") + flag + " is required");
  };
  required("model", flags.model.empty());
  required("dataset", flags.datasets.empty());
  required("out", flags.out.empty());

  PlanRequest request;
  request.model = expand_home(flags.model);
  request.run_directory = expand_home(flags.out);
  for (const std::string& dataset : flags.datasets) {
    const auto [name, path] = named_value("dataset", dataset, "PATH");
    for (const PlanRequest::Dataset& earlier : request.datasets)
      if (earlier.name == name) wrong("dataset", dataset, "each data set once");
    request.datasets.push_back({name, expand_home(path)});
  }
  if (flags.split.empty()) wrong("split", "''", "a name");
  request.split = flags.split;
  request.languages = flags.languages;
  request.limit = whole_number("limit", flags.limit, 0, kMaxCount);
  request.workers = number_or_auto<int>("workers", flags.workers, 4096);
  request.threads = number_or_auto<int>("threads", flags.threads, 4096);
  request.device = choice_or_auto("device", flags.device, {"cpu", "cuda"});
  request.dtype = choice_or_auto("dtype", flags.dtype, {"float32", "bfloat16"});
  request.max_new_tokens = static_cast<int>(
      whole_number("max-new-tokens", flags.max_new_tokens, 1, 1'000'000));
  request.top_k =
      static_cast<int>(whole_number("top-k", flags.top_k, 1, 1'000'000));
  for (const std::string& token : flags.tokens)
    if (token != "answer" && token != "question" && token != "image" &&
        token != "all")
      wrong("tokens", token, "answer, question, image or all");
  request.tokens = flags.tokens;
  request.min_pixels =
      number_or_auto<std::int64_t>("min-pixels", flags.min_pixels, kMaxCount);
  request.max_pixels =
      number_or_auto<std::int64_t>("max-pixels", flags.max_pixels, kMaxCount);
  for (const std::string& prompt : flags.prompts) {
    const auto [name, text] = named_value("prompt", prompt, "TEMPLATE");
    const std::size_t slot = text.find(input::kImageSlot);
    if (slot != std::string::npos &&
        text.find(input::kImageSlot, slot + 1) != std::string::npos)
      wrong("prompt", prompt, "{image} at most once");
    if (!request.prompts.emplace(name, text).second)
      wrong("prompt", prompt, "each data set once");
  }
  request.unit_images = number_or_auto<std::int64_t>(
      "unit-images", flags.unit_images, 1'000'000'000);
  request.system_prompt = flags.system_prompt;
  request.generation_config = flags.generation_config;
  for (const std::string& value : flags.save_hidden)
    append_states(value, request.save_hidden);
  return request;
}

}  // namespace lens::cli
