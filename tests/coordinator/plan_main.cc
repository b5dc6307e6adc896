// coordinator_plan RUN_DIR: writes the manifest of a small run without a model,
// and prints what a client must see of it, as JSON.

#include <cstdio>
#include <exception>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "storage/manifest_file.h"
#include "storage/run_directory.h"
#include "tests/storage/fixtures.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: coordinator_plan RUN_DIR\n");
    return 2;
  }
  try {
    const lens::storage::RunDirectory run(argv[1]);
    const auto manifest = lens::storage::fixtures::make_manifest();
    std::filesystem::create_directories(run.root());
    lens::storage::write_manifest(run.manifest(), manifest);
    nlohmann::json plan = {{"run_id", manifest.run_id},
                           {"datasets", nlohmann::json::object()},
                           {"units", nlohmann::json::array()}};
    for (const auto& unit : manifest.units) {
      auto& total = plan["datasets"][unit.dataset];
      total = (total.is_null() ? 0 : total.get<std::int64_t>()) + unit.samples;
      plan["units"].push_back(
          {{"dataset", unit.dataset}, {"samples", unit.samples}});
    }
    std::printf("%s\n", plan.dump().c_str());
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "coordinator_plan: %s\n", error.what());
    return 1;
  }
}
