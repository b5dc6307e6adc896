// analysis_stats_main FILE [flags]: what `lens stats` does, by itself.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <iostream>

#include "cli/stats_command.h"

int main(int argc, char** argv) {
  CLI::App app{"The study of a results file"};
  lens::cli::StatsOptions options;
  app.add_option("PATH", options.path)->required();
  app.add_option("--json", options.json);
  app.add_option("--language", options.language);
  lens::cli::add_study_flags(app, options.study);
  CLI11_PARSE(app, argc, argv);
  try {
    return lens::cli::stats_command(options, std::cout);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "analysis_stats_main: %s\n", error.what());
    return 1;
  }
}
