#include "cli/run_flags.h"

#include <algorithm>

#include "cli/home_path.h"
#include "cli/usage_error.h"
#include "input/data/guess.h"
#include "input/prompt.h"
#include "model/families.h"
#include "storage/manifest_file.h"

namespace lens::cli {
namespace {

// Above any real value, so that a slip of the finger is not a huge run.
constexpr std::int64_t kMaxCount = 1'000'000'000'000;

[[noreturn]] void wrong(const std::string& flag, const std::string& value,
                        const std::string& expected) {
  throw UsageError("--" + flag + " " + value + " (" + expected + " expected)");
}

// What CLI11's check refuses, in our words. It adds nothing to --help.
CLI::Validator expecting(const CLI::Validator& check,
                         const std::string& expected) {
  return {[check, expected](std::string& value) {
            return check(value).empty()
                       ? ""
                       : value + " (" + expected + " expected)";
          },
          ""};
}

CLI::Validator whole_number(std::int64_t least, std::int64_t most) {
  const CLI::Range range(least, most);
  const CLI::Validator decimal(
      [range](std::string& value) {
        // CLI11 would read 010 as eight.
        const bool octal = value.size() > 1 && value.front() == '0';
        return octal ? "not decimal" : range(value);
      },
      "");
  return expecting(
      decimal, "a whole number from " + std::to_string(least) +
                   (most < kMaxCount ? " to " + std::to_string(most) : " up"));
}

CLI::Validator one_of(const std::vector<std::string>& names,
                      const std::string& expected) {
  return expecting(CLI::IsMember(names), expected);
}

// For an optional: "auto" becomes the empty value.
CLI::Validator auto_or(const CLI::Validator& check) {
  return {[check](std::string& value) {
            if (value != "auto") return check(value);
            value.clear();
            return std::string();
          },
          ""};
}

// NAME=VALUE with a data set's name.
std::pair<std::string, std::string> named_value(const std::string& flag,
                                                const std::string& value,
                                                const std::string& what) {
  const std::size_t equals = value.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == value.size())
    wrong(flag, value, "NAME=" + what);
  const std::string name = value.substr(0, equals);
  if (!storage::is_dataset_name(name))
    wrong(flag, value,
          "NAME=" + what + " with a NAME of letters, digits, _ and -");
  return {name, value.substr(equals + 1)};
}

using WishMap = std::map<std::string, data::Wishes>;

// NAME:ROLE=COL,ROLE=COL
void append_columns(const std::string& value, WishMap& all) {
  const std::string form =
      "NAME:image=COL,question=COL,answer=COL,"
      "language=COL,id=COL";
  const std::size_t colon = value.find(':');
  if (colon == std::string::npos ||
      !storage::is_dataset_name(value.substr(0, colon)))
    wrong("columns", value, form);
  auto& columns = all[value.substr(0, colon)].columns;
  std::size_t at = colon + 1;
  while (at <= value.size()) {
    const std::size_t end = std::min(value.find(',', at), value.size());
    const std::string part = value.substr(at, end - at);
    const std::size_t equals = part.find('=');
    if (equals == std::string::npos || equals + 1 == part.size())
      wrong("columns", value, form);
    const std::string role = part.substr(0, equals);
    if (std::ranges::find(data::kRoles, role) == std::end(data::kRoles) ||
        !columns.emplace(role, part.substr(equals + 1)).second)
      wrong("columns", value, form + ", each once");
    at = end + 1;
  }
}

void append_scores(const std::vector<std::string>& values, WishMap& all) {
  std::string names;
  for (const data::ScoreName& score : data::score_names())
    names.append(names.empty() ? "" : "|").append(score.name);
  for (const std::string& value : values) {
    const auto [name, rule] = named_value("score", value, names);
    auto& score = all[name].score;
    if (score) wrong("score", value, "each data set once");
    score = data::find_score_rule(rule);
    if (!score) wrong("score", value, "NAME=" + names);
  }
}

int state_index(const std::string& value) {
  constexpr int kMaxState = 10'000;
  if (const std::string why = whole_number(0, kMaxState)(value); !why.empty())
    throw UsageError("--save-hidden " + why);
  return std::stoi(value);
}

void append_states(const std::string& value, std::vector<int>& states) {
  if (value == "all") {
    states.push_back(kAllStates);
    return;
  }
  const std::size_t dash = value.find('-');
  if (dash == std::string::npos || dash == 0) {
    states.push_back(state_index(value));
    return;
  }
  const int first = state_index(value.substr(0, dash));
  const int last = state_index(value.substr(dash + 1));
  if (last < first) wrong("save-hidden", value, "a range that rises");
  for (int state = first; state <= last; ++state) states.push_back(state);
}

}  // namespace

void add_device_flags(CLI::App& command, std::optional<std::string>& device,
                      std::optional<std::string>& dtype,
                      const std::string& heading) {
  command.add_option("--device", device, "auto, cpu or cuda")
      ->group(heading)
      ->type_name("NAME")
      ->transform(auto_or(one_of({"cpu", "cuda"}, "auto, cpu or cuda")))
      ->default_str("auto");
  command
      .add_option("--dtype", dtype,
                  "auto, float32 or bfloat16 (auto: the checkpoint's, where "
                  "the device is quick at it)")
      ->group(heading)
      ->type_name("NAME")
      ->transform(
          auto_or(one_of({"float32", "bfloat16"}, "auto, float32 or bfloat16")))
      ->default_str("auto");
}

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
                           "mtvqa, latex_ocr or a name of your own: Parquet, "
                           "JSONL or CSV, a folder of them or of pictures, a "
                           "Hugging Face snapshot; repeat for more (required)"),
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
      ->capture_default_str()
      ->check(whole_number(0, kMaxCount));
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
      ->capture_default_str()
      ->check(whole_number(1, 1'000'000));
  group(command.add_option("--top-k", flags.top_k,
                           "Top tokens kept at each layer"),
        model)
      ->type_name("N")
      ->capture_default_str()
      ->check(whole_number(1, 1'000'000));
  group(command.add_option("--tokens", flags.tokens,
                           "Tokens that get rows: answer, question, image, "
                           "all"),
        model)
      ->type_name("NAME,")
      ->delimiter(',')
      ->capture_default_str()
      ->check(one_of({"answer", "question", "image", "all"},
                     "answer, question, image or all"));
  group(command.add_option("--min-pixels", flags.min_pixels,
                           "Smallest image area (auto: the checkpoint's)"),
        model)
      ->type_name("N")
      ->transform(auto_or(whole_number(1, kMaxCount)))
      ->default_str("auto");
  group(command.add_option("--max-pixels", flags.max_pixels,
                           "Largest image area (auto: the checkpoint's)"),
        model)
      ->type_name("N")
      ->transform(auto_or(whole_number(1, kMaxCount)))
      ->default_str("auto");
  group(command.add_option("--image", flags.image,
                           "What the model is shown: keep, or blank (each "
                           "picture a uniform one of its size)"),
        model)
      ->type_name("NAME")
      ->capture_default_str()
      ->check(one_of({storage::kKeepImages, storage::kBlankImages},
                     "keep or blank"));
  group(command.add_option("--prompt", flags.prompts,
                           "Text after the image; {question} is replaced, "
                           "{image} is where the image stands instead"),
        model)
      ->type_name("NAME=TEMPLATE");
  group(command.add_option("--columns", flags.columns,
                           "Where a data set's rows hold what, where their "
                           "names do not say it: NAME:image=COL,question=COL,"
                           "answer=COL,language=COL,id=COL"),
        what)
      ->type_name("NAME:ROLE=COL,");
  group(command.add_option("--question", flags.questions,
                           "What is asked where the rows hold no question"),
        what)
      ->type_name("NAME=TEXT");
  group(command.add_option("--score", flags.scores,
                           "How answers are scored: contains, exact, vqa, "
                           "anls, relaxed, edit or none"),
        what)
      ->type_name("NAME=RULE");
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

  group(command.add_option("--attention", flags.attention,
                           "image: how much of its attention each token of the "
                           "answer gives to the picture, block by block; none "
                           "(auto: image on CPUs, none on GPUs and for a model "
                           "that processes share)"),
        model)
      ->type_name("NAME")
      ->transform(auto_or(one_of({"none", "image"}, "auto, none or image")))
      ->default_str("auto");

  const char* how = "How it runs";
  group(command.add_option("--workers", flags.workers,
                           "Workers on this machine (auto: as many as it has "
                           "GPUs for, one on CPUs)"),
        how)
      ->type_name("N")
      ->transform(auto_or(whole_number(1, 4096)))
      ->default_str("auto");
  group(command.add_option("--tensor-parallel", flags.tensor_parallel,
                           "Processes that share a model and make one worker, "
                           "a GPU each (auto: as few as can hold it)"),
        how)
      ->type_name("N")
      ->transform(auto_or(whole_number(1, 4096)))
      ->default_str("1");
  group(command.add_option("--threads", flags.threads,
                           "Compute threads of one process (auto: cores / "
                           "processes)"),
        how)
      ->type_name("N")
      ->transform(auto_or(whole_number(1, 4096)))
      ->default_str("auto");
  add_device_flags(command, flags.device, flags.dtype, how);
  group(command.add_option("--unit-images", flags.unit_images,
                           "Images of one unit of work (auto: 32 on CPUs, 512 "
                           "on GPUs)"),
        how)
      ->type_name("N")
      ->transform(auto_or(whole_number(1, 1'000'000'000)))
      ->default_str("auto");
  group(
      command.add_option("--read-weights", flags.read_weights,
                         "Who reads the weights of a model that processes "
                         "share: each its own, or one of them once, which "
                         "hands them on (auto: the faster, measured at start)"),
      how)
      ->type_name("NAME")
      ->transform(auto_or(one_of({"each", "once"}, "auto, each or once")))
      ->default_str("auto");
  group(command.add_flag("--keep-parts,!--no-keep-parts", flags.keep_parts,
                         "Keep the parts after results.h5 is verified (the "
                         "default); --no-keep-parts frees their space"),
        how);
}

std::map<std::string, data::Wishes> read_wishes(
    const std::vector<std::string>& columns,
    const std::vector<std::string>& questions,
    const std::vector<std::string>& scores) {
  WishMap all;
  for (const std::string& value : columns) append_columns(value, all);
  for (const std::string& value : questions) {
    const auto [name, text] = named_value("question", value, "TEXT");
    auto& question = all[name].question;
    if (question) wrong("question", value, "each data set once");
    question = text;
  }
  append_scores(scores, all);
  return all;
}

std::pair<std::string, std::string> read_dataset(const std::string& value) {
  return named_value("dataset", value, "PATH");
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
    const auto [name, path] = read_dataset(dataset);
    for (const PlanRequest::Dataset& earlier : request.datasets)
      if (earlier.name == name) wrong("dataset", dataset, "each data set once");
    request.datasets.push_back({name, expand_home(path)});
  }
  if (flags.split.empty()) wrong("split", "''", "a name");
  request.split = flags.split;
  request.languages = flags.languages;
  request.limit = flags.limit;
  request.workers = flags.workers;
  request.tensor_parallel = flags.tensor_parallel;
  request.threads = flags.threads;
  request.device = flags.device;
  request.dtype = flags.dtype;
  request.max_new_tokens = flags.max_new_tokens;
  request.top_k = flags.top_k;
  request.tokens = flags.tokens;
  request.min_pixels = flags.min_pixels;
  request.max_pixels = flags.max_pixels;
  request.image = flags.image;
  for (const std::string& prompt : flags.prompts) {
    const auto [name, text] = named_value("prompt", prompt, "TEMPLATE");
    const std::size_t slot = text.find(input::kImageSlot);
    if (slot != std::string::npos &&
        text.find(input::kImageSlot, slot + 1) != std::string::npos)
      wrong("prompt", prompt, "{image} at most once");
    if (!request.prompts.emplace(name, text).second)
      wrong("prompt", prompt, "each data set once");
  }
  request.wishes = read_wishes(flags.columns, flags.questions, flags.scores);
  request.unit_images = flags.unit_images;
  request.system_prompt = flags.system_prompt;
  request.generation_config = flags.generation_config;
  request.attention = flags.attention;
  for (const std::string& value : flags.save_hidden)
    append_states(value, request.save_hidden);
  return request;
}

}  // namespace lens::cli
