#include "analysis/source.h"

#include <fmt/format.h>

#include "base/error.h"
#include "storage/manifest_file.h"
#include "storage/run_directory.h"
#include "storage/seal.h"

namespace lens::analysis {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPartial = "results.partial.h5";

fs::path results_file(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored))
    throw InputError("no results at " + path.string(), "it does not exist",
                     "give a run directory or a results.h5");
  if (!fs::is_directory(path, ignored)) return path;
  const storage::RunDirectory run(path);
  const fs::path partial = path / kPartial;
  for (const fs::path& file : {run.results(), partial})
    if (fs::exists(file, ignored)) return file;
  if (fs::exists(run.manifest(), ignored))
    throw InputError("the run in " + path.string() + " has no results yet",
                     "results.h5 is written when all is committed",
                     "finish it with the command that began it, or take what "
                     "is there: lens merge --partial " +
                         path.string());
  throw InputError("no results in " + path.string(),
                   "it is not a run directory",
                   "give the folder that was --out, or a results.h5");
}

std::optional<storage::Manifest> manifest_beside(
    const fs::path& file, const storage::ResultsInfo& info,
    std::vector<std::string>& notes) {
  const storage::RunDirectory run(file.parent_path());
  std::error_code ignored;
  if (!fs::exists(run.manifest(), ignored)) {
    notes.push_back(
        "No manifest stands beside the file, so the pictures of the data sets "
        "are not known.");
    return std::nullopt;
  }
  try {
    storage::Manifest manifest = storage::read_manifest(run.manifest());
    if (manifest.run_id == info.run_id) return manifest;
    notes.push_back("The manifest beside the file is of another run (" +
                    manifest.run_id + ").");
  } catch (const StorageError& error) {
    notes.push_back(
        std::string("The manifest beside the file is unreadable: ") +
        error.what() + ".");
  }
  return std::nullopt;
}

void note_what_is_missing(const storage::ResultsReader& results,
                          std::vector<std::string>& notes) {
  const storage::ResultsInfo& info = results.info();
  const std::int64_t here = info.samples_ok + info.samples_failed;
  if (!info.complete)
    notes.push_back(
        fmt::format("This is a partial snapshot: {} of {} samples are in it.",
                    here, info.samples_total));
  for (const storage::DatasetSummary& dataset : results.datasets())
    if (dataset.samples == 0 && dataset.samples_total > 0)
      notes.push_back(fmt::format("{} has no sample yet.", dataset.name));
  if (info.samples_failed > 0)
    notes.push_back(fmt::format("{} of {} samples failed and enter no figure.",
                                info.samples_failed, here));
}

// The run beside a file makes it again, if there is one.
std::string remedy(const fs::path& file) {
  const fs::path folder =
      file.has_parent_path() ? file.parent_path() : fs::path(".");
  const storage::RunDirectory run(folder);
  std::error_code ignored;
  if (!fs::exists(run.manifest(), ignored)) return "take another copy of it";
  const bool partial = file.filename() == kPartial;
  return std::string("delete it, then: lens merge ") +
         (partial ? "--partial " : "") + folder.string();
}

// Damaged structure can crash or hang HDF5, and damaged values look like data.
void check_bytes(const fs::path& file, std::vector<std::string>& notes) {
  const storage::SealFinding seal = storage::inspect_seal(file);
  if (seal.state == storage::SealState::kMissing)
    notes.push_back(
        "The file has no seal: another program opened it for writing. lens "
        "verify checks its values.");
  if (seal.state == storage::SealState::kDamaged)
    throw StorageError(file.string() + " is damaged (" + seal.why + "); " +
                       remedy(file));
}

}  // namespace

Source open_source(const fs::path& path, SealCheck check) {
  const fs::path file = results_file(path);
  std::vector<std::string> notes;
  if (check == SealCheck::kWhole) check_bytes(file, notes);
  storage::ResultsReader results(file);
  note_what_is_missing(results, notes);
  auto manifest = manifest_beside(file, results.info(), notes);
  storage::Vocabulary vocabulary = results.vocabulary();
  return {.file = file,
          .results = std::move(results),
          .vocabulary = std::move(vocabulary),
          .manifest = std::move(manifest),
          .run = {},
          .notes = std::move(notes)};
}

}  // namespace lens::analysis
