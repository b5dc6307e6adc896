#include "cli/data_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <tuple>
#include <vector>

#include "base/error.h"
#include "base/exit_code.h"
#include "cli/home_path.h"
#include "cli/run_flags.h"
#include "input/data/code_points.h"
#include "input/data/dataset.h"
#include "input/data/open_rows.h"
#include "input/image/image.h"
#include "input/image/preprocess.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kShownSamples = 3;
constexpr std::size_t kShownPoints = 100;

std::string shown(const std::string& text) {
  return data::one_line(text, kShownPoints);
}

void say_files(const data::SplitFiles& found, std::ostream& out) {
  out << "format     " << data::format_of(found.files.front()) << ", "
      << found.files.size() << (found.files.size() == 1 ? " file" : " files")
      << ", the first is " << shown(found.files.front().string()) << "\n";
  for (const data::ColumnSketch& column :
       data::sketch_columns(found.files.front()))
    out << "column     " << shown(column.name) << "  " << shown(column.type)
        << "\n";
}

void say_description(const data::Described& described, std::ostream& out) {
  data::Columns columns = described.description.columns;
  out << "reads     ";
  for (const char* role : data::kRoles)
    if (const std::string& column = data::column_of(columns, role);
        !column.empty())
      out << " " << role << "=" << shown(column);
  out << ", score " << data::score_name(described.description.score) << "\n";
  out << "prompt     " << shown(described.description.prompt) << "\n";
  if (!described.description.question.empty())
    out << "question   " << shown(described.description.question) << "\n";
}

// Rows, samples, reasons.
struct Survey {
  std::int64_t rows = 0;
  std::int64_t samples = 0;
  std::int64_t failed = 0;
  std::vector<std::string> examples;
  std::vector<std::string> failures;
};

// "300 x 200 pixels", or throws lens::InputError as the run's worker would.
std::string picture_size(const data::Row& row) {
  const image::RgbImage picture =
      image::decode_image(row.image, {.max_aspect = image::kMaxAspect});
  return fmt::format("{} x {} pixels", picture.width, picture.height);
}

void add_row(const data::Row& row, const data::Description& description,
             Survey& found) {
  constexpr std::size_t kShownFailures = 10;
  const auto samples = std::max<std::int64_t>(1, std::ssize(row.questions));
  ++found.rows;
  found.samples += samples;
  std::string failure = row.failure;
  std::string size;
  try {
    if (failure.empty()) size = picture_size(row);
  } catch (const InputError& error) {
    failure = error.what();
  }
  if (!failure.empty()) {
    found.failed += samples;
    if (found.failures.size() < kShownFailures)
      found.failures.push_back(shown(row.key) + ": " +
                               data::one_line(failure, 300));
    return;
  }
  for (std::size_t q = 0; q < row.questions.size(); ++q) {
    if (found.examples.size() == kShownSamples) break;
    const data::Row::Question& question = row.questions[q];
    found.examples.push_back(fmt::format(
        "{}  {}{}, asked '{}', expects '{}'",
        shown(data::sample_id(description, row.key, static_cast<int>(q))),
        row.language.empty() ? "" : shown(row.language) + ", ", size,
        shown(data::fill_prompt(description.prompt, question.question)),
        shown(data::reference_text(question.answers))));
  }
}

// Reads the first `rows` rows, one at a time.
Survey survey(const data::Dataset& dataset, std::int64_t rows,
              const data::Description& description) {
  Survey found;
  for (std::int64_t number = 0; number < rows; ++number)
    for (const data::Row& row : dataset.read(number, number + 1, {}))
      add_row(row, description, found);
  return found;
}

}  // namespace

int data_command(const DataOptions& options, std::ostream& out) {
  const fs::path path = fs::absolute(options.path).lexically_normal();
  const data::SplitFiles found = data::find_data(path, options.split);
  say_files(found, out);
  for (const std::string& note : found.notes)
    out << "note       " << note << "\n";
  const data::Described described =
      data::describe(options.name, found.files.front(), options.wishes);
  for (const std::string& note : described.notes)
    out << "guess      " << note << "\n";
  say_description(described, out);

  const data::Dataset dataset(described.description, found.files, path);
  const std::int64_t looked_at = options.limit > 0
                                     ? std::min(options.limit, dataset.rows())
                                     : dataset.rows();
  const Survey all = survey(dataset, looked_at, described.description);
  out << "rows       " << dataset.rows();
  if (looked_at < dataset.rows())
    out << ", of which the first " << looked_at << " were looked at";
  out << ", " << all.samples << " samples, " << all.failed
      << " of them would fail\n";
  for (const std::string& example : all.examples)
    out << "sample     " << example << "\n";
  for (const std::string& failure : all.failures)
    out << "fails      " << failure << "\n";
  if (std::ssize(all.failures) < all.failed) out << "fails      and more\n";
  return all.failed < all.samples ? kExitOk : kExitError;
}

namespace {

class DataCommand : public Command {
 public:
  CLI::App* add_to(CLI::App& program) override {
    CLI::App* command = program.add_subcommand(
        "data", "What a data set holds, and which rows would fail");
    command
        ->add_option("PATH", dataset_,
                     "What --dataset of lens run takes: PATH, or NAME=PATH")
        ->required();
    command->add_option("--split", split_, "Split to read")
        ->type_name("NAME")
        ->capture_default_str();
    command->add_option("--limit", limit_, "Rows to look at, from the first on")
        ->check(CLI::PositiveNumber)
        ->type_name("N");
    command->add_option("--columns", columns_, "As for lens run")
        ->type_name("NAME:ROLE=COL,");
    command->add_option("--question", questions_, "As for lens run")
        ->type_name("NAME=TEXT");
    command->add_option("--score", scores_, "As for lens run")
        ->type_name("NAME=RULE");
    command->footer(
        "Without NAME the data set is called data. Every picture "
        "is decoded.\n\n"
        "Examples:\n"
        "  lens data ~/pictures --question data='What is it?'\n"
        "  lens data signs=~/signs.jsonl --columns "
        "signs:image=file,answer=says");
    return command;
  }
  int run(const std::string& /*line*/, std::ostream& out) const override {
    DataOptions options{.name = "data",
                        .path = {},
                        .split = split_,
                        .limit = limit_,
                        .wishes = {}};
    std::string path = dataset_;
    // A path may hold = as well: it is one where that very path is there.
    if (dataset_.find('=') != std::string::npos &&
        !fs::exists(expand_home(dataset_)))
      std::tie(options.name, path) = read_dataset(dataset_);
    options.path = expand_home(path);
    const auto wishes = read_wishes(columns_, questions_, scores_);
    if (const auto mine = wishes.find(options.name); mine != wishes.end())
      options.wishes = mine->second;
    return data_command(options, out);
  }

 private:
  std::string dataset_;
  std::string split_ = "test";
  std::int64_t limit_ = 0;
  std::vector<std::string> columns_;
  std::vector<std::string> questions_;
  std::vector<std::string> scores_;
};

}  // namespace

std::unique_ptr<Command> make_data_command() {
  return std::make_unique<DataCommand>();
}

}  // namespace lens::cli
