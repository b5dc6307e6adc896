#include "cli/try_command.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <iostream>
#include <system_error>

#include "analysis/source.h"
#include "analysis/view/sample_view.h"
#include "base/error.h"
#include "base/exit_code.h"
#include "cli/home_path.h"
#include "cli/report_command.h"
#include "cli/run_command.h"
#include "cli/run_flags.h"
#include "input/data/picture_folder.h"
#include "input/file/input_file.h"
#include "model/families.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;

// What the data set of the one picture is called.
constexpr const char* kDataset = "picture";

// A run directory that goes with the object, unless it is kept.
class PassingDirectory {
 public:
  // `wanted` is kept from the start; where it is empty a new folder is made.
  explicit PassingDirectory(const fs::path& wanted) {
    if (!wanted.empty()) {
      path_ = wanted;
      return;
    }
    std::string name = (fs::temp_directory_path() / "lens-try-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      throw InputError(
          "cannot make a folder in " + fs::temp_directory_path().string(),
          std::strerror(errno), "set TMPDIR, or give --out DIR");
    made_ = name;
    path_ = made_ / "run";
  }
  ~PassingDirectory() {
    std::error_code ignored;
    if (!made_.empty()) fs::remove_all(made_, ignored);
  }
  PassingDirectory(const PassingDirectory&) = delete;
  PassingDirectory& operator=(const PassingDirectory&) = delete;

  const fs::path& path() const { return path_; }
  // Says where what is left of a failure lies.
  void keep() {
    if (!made_.empty()) std::cerr << "kept: " << path_.string() << '\n';
    made_.clear();
  }

 private:
  fs::path path_;
  fs::path made_;  // empty: nothing to remove
};

PlanRequest request_of(const TryOptions& options, const fs::path& directory) {
  if (!has_file(options.picture))
    throw InputError("no picture " + options.picture.string(),
                     "there is no such file", "give a PNG or JPEG file");
  if (!data::is_picture_name(options.picture))
    throw InputError(options.picture.string() + " is not named as a picture",
                     "its name says what it is",
                     "rename it to end in .png or .jpg");
  PlanRequest request;
  request.model = options.model;
  request.run_directory = directory;
  request.datasets = {{.name = kDataset, .path = options.picture}};
  request.wishes[kDataset].question = options.question;
  request.device = options.device;
  request.dtype = options.dtype;
  request.max_new_tokens = options.max_new_tokens;
  request.max_pixels = options.max_pixels;
  request.workers = 1;
  return request;
}

bool has_failed(const fs::path& directory) {
  return !analysis::open_source(directory, analysis::SealCheck::kNone)
              .results.read<std::string>(kDataset, "failure", 0, 1)
              .at(0)
              .empty();
}

}  // namespace

int try_command(const TryOptions& options, std::ostream& out) {
  PassingDirectory directory(options.out);
  const int code = run_command(
      request_of(options, directory.path()),
      {.command = "try", .quiet = true, .command_line = options.command_line},
      out);
  if (code == kExitError) directory.keep();
  if (code != kExitOk) return code;

  ShowOptions show = options.show;
  show.source = directory.path();
  show.sample = options.picture.filename().string();
  show.dataset = kDataset;
  show_command(show, out);
  if (!options.page.empty())
    report_command({.path = directory.path(),
                    .output = options.page,
                    .figures = {},
                    .study = {},
                    .command_line = options.command_line},
                   out);
  return has_failed(directory.path()) ? kExitError : kExitOk;
}

namespace {

class TryCommand : public Command {
 public:
  CLI::App* add_to(CLI::App& program) override {
    CLI::App* command = program.add_subcommand(
        "try", "One picture and one question: the answer and its heat map");
    command->add_option("PICTURE", picture_, "A PNG or JPEG file")->required();
    command
        ->add_option("--model", model_,
                     "Folder of a " + model::family_names() + " checkpoint")
        ->required()
        ->type_name("DIR");
    command->add_option("--question", options_.question, "What is asked")
        ->type_name("TEXT")
        ->capture_default_str();
    command
        ->add_option("-o,--output", page_,
                     "Write the report of the sample here")
        ->type_name("PAGE.html");
    command
        ->add_option("--out", out_,
                     "Run directory to keep, as lens run makes it (default: "
                     "none is left)")
        ->type_name("DIR");
    add_device_flags(*command, options_.device, options_.dtype, "Options");
    command
        ->add_option("--max-new-tokens", options_.max_new_tokens,
                     "Longest answer")
        ->type_name("N")
        ->check(CLI::Range(1, 100'000))
        ->capture_default_str();
    command
        ->add_option("--max-pixels", options_.max_pixels,
                     "Largest image area after resizing (default: the "
                     "checkpoint's)")
        ->type_name("N")
        ->check(CLI::PositiveNumber);
    add_map_flags(*command, options_.show);
    command->footer(
        "Examples:\n"
        "  lens try --model " +
        model::example_name() +
        " sign.jpg --question 'What does the sign say?'\n"
        "  lens try --model " +
        model::example_name() + " sign.jpg -o sign.html");
    return command;
  }
  int run(const std::string& line, std::ostream& out) const override {
    TryOptions options = options_;
    options.model = expand_home(model_);
    options.picture = expand_home(picture_);
    options.page = expand_home(page_);
    options.out = expand_home(out_);
    options.command_line = line;
    return try_command(options, out);
  }

 private:
  TryOptions options_;
  std::string model_;
  std::string picture_;
  std::string page_;
  std::string out_;
};

}  // namespace

std::unique_ptr<Command> make_try_command() {
  return std::make_unique<TryCommand>();
}

}  // namespace lens::cli
