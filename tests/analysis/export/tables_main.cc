// analysis_tables SOURCE CSV_DIR PARQUET_DIR: exports everything, for tests in
// Python.

#include <cstdio>
#include <exception>
#include <iostream>

#include "cli/export_command.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: analysis_tables SOURCE CSV_DIR PARQUET_DIR\n");
    return 2;
  }
  try {
    return lens::cli::export_command(
        {.source = argv[1], .csv = argv[2], .parquet = argv[3]}, std::cout);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "analysis_tables: %s\n", error.what());
    return 1;
  }
}
