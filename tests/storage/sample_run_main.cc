// storage_sample_run RUN_DIR [--hidden] [--partial] [--small]: writes a small
// run and its results.h5, for readers in other languages.

#include <cstdio>
#include <exception>
#include <string>

#include "fixtures.h"

int main(int argc, char** argv) {
  namespace storage = lens::storage;
  if (argc < 2) {
    std::fprintf(stderr,
                 "usage: storage_sample_run RUN_DIR [--hidden] [--partial] "
                 "[--small]\n");
    return 2;
  }
  storage::fixtures::RunShape shape = {.mtvqa_units = 5, .latex_units = 7};
  storage::MergeOptions options;
  for (int i = 2; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--hidden") shape.hidden = true;
    if (flag == "--partial") options.partial = true;
    if (flag == "--small") shape = {.mtvqa_units = 1, .latex_units = 1};
  }
  try {
    const storage::RunDirectory run(argv[1]);
    const auto manifest = storage::fixtures::make_manifest(shape);
    auto parts = storage::fixtures::write_run(run, manifest);
    // Without any sample of mtvqa, and without the last unit.
    if (options.partial) {
      parts.erase(parts.begin(), parts.begin() + shape.mtvqa_units);
      parts.pop_back();
    }
    options.output = run.results();
    options.software = {.version = "0.1.0", .git_commit = ""};
    storage::merge(run, manifest, parts, options);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "storage_sample_run: %s\n", error.what());
    return 1;
  }
}
