#include "cli/query_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "analysis/export/csv.h"
#include "analysis/view/find_samples.h"
#include "analysis/view/terminal_text.h"
#include "base/exit_code.h"
#include "cli/usage_error.h"

namespace lens::cli {
namespace {

using analysis::view::FoundSample;
using analysis::view::FoundSamples;
using analysis::view::QueryValue;

nlohmann::ordered_json json_value(const QueryValue& value) {
  if (!value) return nullptr;
  return std::visit(
      []<class Held>(const Held& held) -> nlohmann::ordered_json {
        // The digits of the float, not of the double nearest to it.
        if constexpr (std::is_same_v<Held, float>)
          return nlohmann::ordered_json::parse(fmt::format("{}", held));
        else
          return held;
      },
      *value);
}

void print_json(const FoundSamples& found, std::size_t count,
                std::ostream& out) {
  for (std::size_t i = 0; i < count; ++i) {
    const FoundSample& sample = found.samples[i];
    nlohmann::ordered_json object = {{"dataset", sample.dataset},
                                     {"sample_id", sample.sample_id}};
    for (std::size_t f = 0; f < found.fields.size(); ++f)
      object[found.fields[f]] = json_value(sample.values[f]);
    out << object.dump() << '\n';
  }
}

void print_csv(const FoundSamples& found, std::size_t count,
               std::ostream& out) {
  std::vector<std::string> names;
  std::vector<std::vector<QueryValue>> columns;
  const auto add = [&](const std::string& name, const auto& value_of) {
    names.push_back(name);
    std::vector<QueryValue>& values = columns.emplace_back();
    for (std::size_t i = 0; i < count; ++i)
      values.push_back(value_of(found.samples[i]));
  };
  add("dataset", [](const FoundSample& sample) { return sample.dataset; });
  add("sample_id", [](const FoundSample& sample) { return sample.sample_id; });
  for (std::size_t f = 0; f < found.fields.size(); ++f)
    if (found.fields[f] != "dataset" && found.fields[f] != "sample_id")
      add(found.fields[f],
          [f](const FoundSample& sample) { return sample.values[f]; });
  out << analysis::tables::csv_text(names, columns);
}

void print_text(const FoundSamples& found, std::size_t count,
                std::ostream& out) {
  constexpr int kMostValue = 40;  // columns
  int name_width = 0;
  const auto name = [&](std::size_t i) {
    return found.samples[i].dataset + "/" +
           analysis::view::one_line_text(found.samples[i].sample_id);
  };
  for (std::size_t i = 0; i < count; ++i)
    name_width = std::max(name_width, analysis::view::display_width(name(i)));
  for (std::size_t i = 0; i < count; ++i) {
    std::string line = analysis::view::fit(name(i), name_width);
    for (std::size_t f = 0; f < found.fields.size(); ++f) {
      const QueryValue& value = found.samples[i].values[f];
      const std::string shown =
          value ? analysis::view::one_line_text(
                      analysis::view::query_value_text(value))
                : "-";
      const int width =
          std::min(analysis::view::display_width(shown), kMostValue);
      line += fmt::format("  {}={}", found.fields[f],
                          analysis::view::fit(shown, width));
    }
    out << line << '\n';
  }
  out << fmt::format("{} of {} samples", found.samples.size(), found.searched);
  if (count < found.samples.size()) out << fmt::format(", {} shown", count);
  out << '\n';
}

}  // namespace

int query_command(const QueryOptions& options, std::ostream& out) {
  if (options.json && options.csv)
    throw UsageError("--json and --csv exclude each other; give one of them");
  const analysis::Source source = analysis::open_source(options.source);
  FoundSamples found;
  try {
    found = analysis::view::find_samples(
        source, options.query,
        {.sort = options.sort, .descending = options.descending});
  } catch (const analysis::view::QueryError& error) {
    throw UsageError(error.what());
  }
  for (const std::string& note : source.notes)
    std::cerr << "Note: " << note << '\n';
  const std::size_t count =
      options.limit > 0 ? std::min(found.samples.size(),
                                   static_cast<std::size_t>(options.limit))
                        : found.samples.size();
  if (options.json)
    print_json(found, count, out);
  else if (options.csv)
    print_csv(found, count, out);
  else
    print_text(found, count, out);
  return kExitOk;
}

namespace {

class QueryCommand : public Command {
 public:
  CLI::App* add_to(CLI::App& program) override {
    CLI::App* command = program.add_subcommand(
        "query", "Lists the samples that a condition selects");
    add_source(*command, options_.source);
    command
        ->add_option("CONDITION", options_.query,
                     "For example 'entropy@21 < 1 and language = RU and wrong'")
        ->required();
    command->add_option("--sort", options_.sort, "Order by this field")
        ->type_name("FIELD");
    command->add_flag("--descending", options_.descending,
                      "The largest value first");
    command->add_option("--limit", options_.limit, "At most so many (0: all)")
        ->type_name("N");
    command->add_flag("--json", options_.json, "One JSON object a line");
    command->add_flag("--csv", options_.csv, "CSV");
    command->footer(
        "Fields: entropy@L kl@L rank@L agreement@L logprob@L (L: a layer, -1 "
        "the\n"
        "last), onset depth first_hit score language dataset status failure\n"
        "image_tokens answer_tokens prompt_tokens image_height image_width "
        "answer\n"
        "reference prompt. Words: right wrong ok failed. Operators: < <= > >= "
        "= "
        "!= "
        "~\n(contains), and or not ( ).\n\n"
        "Examples:\n"
        "  lens query runs/mtvqa 'entropy@21 < 1 and language = RU and wrong'\n"
        "  lens query runs/mtvqa 'right and onset > 20' --sort onset --limit "
        "10");
    return command;
  }
  int run(const std::string& /*line*/, std::ostream& out) const override {
    return query_command(options_, out);
  }
  const std::filesystem::path* results() const override {
    return &options_.source;
  }

 private:
  QueryOptions options_;
};

}  // namespace

std::unique_ptr<Command> make_query_command() {
  return std::make_unique<QueryCommand>();
}

}  // namespace lens::cli
