#include "storage/merge.h"

#include <algorithm>
#include <cmath>
#include <future>
#include <map>
#include <optional>
#include <set>

#include "base/durable.h"
#include "base/error.h"
#include "base/storable_text.h"
#include "storage/format.h"
#include "storage/group_writer.h"
#include "storage/hdf5/attributes.h"
#include "storage/hdf5/chunk_pipeline.h"
#include "storage/hdf5/file_driver.h"
#include "storage/manifest_file.h"
#include "storage/part.h"
#include "storage/part_order.h"
#include "storage/results_check.h"
#include "storage/seal.h"
#include "storage/vocabulary_file.h"
#include "storage/vocabulary_group.h"

namespace lens::storage {
namespace {

constexpr const char* kRemedy =
    "free space or choose another folder, then merge again";

// What is to be merged: parts by unit, and the counts their seals give.
struct Plan {
  std::map<std::int32_t, CommittedPart> parts;
  std::map<std::string, table::Extents> extents;  // by data set
};

table::Widths widths_of(const Manifest& manifest,
                        const Vocabulary& vocabulary) {
  const auto hidden =
      static_cast<std::int64_t>(manifest.config.save_hidden.size());
  return {.layers = manifest.model.num_layers + 1,
          .ranks = manifest.config.top_k,
          .scripts = static_cast<std::int64_t>(vocabulary.script_names.size()),
          .hidden_layers = hidden,
          .hidden_size = hidden > 0 ? manifest.model.hidden_size : 0,
          .columns = columns_kept(manifest.config)};
}

Plan make_plan(const RunDirectory& run, const Manifest& manifest,
               const Vocabulary& vocabulary,
               const std::vector<CommittedPart>& parts, bool partial) {
  Plan plan;
  for (const DatasetInput& dataset : manifest.datasets) {
    plan.extents[dataset.name].widths = widths_of(manifest, vocabulary);
  }
  const auto units = static_cast<std::int64_t>(manifest.units.size());
  for (const CommittedPart& part : parts) {
    if (part.unit < 0 || part.unit >= units ||
        !plan.parts.emplace(part.unit, part).second) {
      throw StorageError("cannot merge unit " + std::to_string(part.unit) +
                         " (committed twice, or not in the manifest); repair "
                         "the ledger from the parts");
    }
    const auto file = part_path(run, part.receipt);
    const Unit& unit = manifest.units[static_cast<std::size_t>(part.unit)];
    const Seal seal = peek_seal(file);
    if (seal.samples != unit.samples ||
        seal.bytes + static_cast<std::int64_t>(kSealBytes) !=
            part.receipt.bytes) {
      throw StorageError(file.string() +
                         " is not the part that was committed (another length "
                         "or number of samples); delete it and run the "
                         "same command again");
    }
    // Data sets have a fixed size in the file, so the counts are needed before
    // the first row is: seals give them without reading a part.
    plan.extents[unit.dataset].samples += seal.samples;
    plan.extents[unit.dataset].tokens += seal.tokens;
  }
  const std::int64_t missing =
      units - static_cast<std::int64_t>(plan.parts.size());
  if (missing > 0 && !partial) {
    throw StorageError("cannot merge (" + std::to_string(missing) + " of " +
                       std::to_string(units) +
                       " units are not committed); finish the run, or merge "
                       "with --partial");
  }
  return plan;
}

// Thrown where a part has not all columns of the plan: it was made by a program
// that did not know one of them yet.
struct LackingColumns {
  table::ColumnSet had;
};

// Copies the parts into the open file.
class Merger {
 public:
  Merger(const RunDirectory& run, const Manifest& manifest, const Plan& plan,
         const Vocabulary& vocabulary, const MergeOptions& options)
      : run_(run),
        manifest_(manifest),
        plan_(plan),
        vocabulary_(vocabulary),
        options_(options),
        pipeline_(ChunkPipeline::useful_threads()) {}

  MergeSummary write(DriverFile& file) {
    H5::Group root = file.file().openGroup("/");
    const RootScales scales = create_root_scales(
        root, widths_of(manifest_, vocabulary_), vocabulary_.script_names);
    create_vocabulary_group(root, vocabulary_);
    for (const DatasetInput& dataset : manifest_.datasets) {
      write_dataset(file, root, scales, dataset);
    }
    write_attributes(root);
    return summary_;
  }

 private:
  void write_dataset(const DriverFile& file, H5::Group& root,
                     const RootScales& scales, const DatasetInput& dataset) {
    H5::Group group = root.createGroup(dataset.name);
    const table::Extents& extents = plan_.extents.at(dataset.name);
    GroupWriter writer(group, scales, extents, manifest_.model.vocab_size,
                       pipeline_);
    if (extents.samples == 0) writer.append(empty_result(extents));
    std::int64_t ok = 0;
    // In the order of units, whoever computed them and when: the same run gives
    // the same rows.
    for (const auto& [unit, committed] : plan_.parts) {
      if (manifest_.units[static_cast<std::size_t>(unit)].dataset !=
          dataset.name) {
        continue;
      }
      const Part part = read_committed(committed, extents);
      writer.append(part.result);
      // HDF5 does not see a full disk (DriverFile): without this look all later
      // parts would be gathered in memory.
      file.check();
      ok += std::count_if(part.result.samples.begin(),
                          part.result.samples.end(), [](const auto& sample) {
                            return sample.status == SampleStatus::kOk;
                          });
      ++copied_;
      if (options_.progress) {
        options_.progress(copied_,
                          static_cast<std::int64_t>(plan_.parts.size()));
      }
    }
    writer.finish();
    hdf5::set(group, "samples_total", dataset.samples);
    hdf5::set(group, "samples_ok", ok);
    hdf5::set(group, "samples_failed", extents.samples - ok);
    summary_.samples_total += dataset.samples;
    summary_.samples_ok += ok;
    summary_.samples_failed += extents.samples - ok;
    summary_.tokens += extents.tokens;
  }

  // Scale values and the first offset are there also without samples.
  UnitResult empty_result(const table::Extents& extents) const {
    UnitResult empty;
    empty.tokens = table::TokenRows(extents.widths);
    empty.hidden_layer.assign(manifest_.config.save_hidden.begin(),
                              manifest_.config.save_hidden.end());
    return empty;
  }

  Part read_committed(const CommittedPart& committed,
                      const table::Extents& extents) {
    const auto path = part_path(run_, committed.receipt);
    Part part = read_sealed_part(path);
    check_ownership(manifest_, committed, part, path.string());
    if (part.result.tokens.widths.scripts != extents.widths.scripts) {
      throw StorageError(path.string() +
                         " has other script classes than the vocabulary; "
                         "delete it and run the same command again");
    }
    const table::ColumnSet& had = part.result.tokens.widths.columns;
    if ((extents.widths.columns & ~had).any()) throw LackingColumns{had};
    devices_.insert(part.header.device_name);
    return part;
  }

  void write_attributes(H5::Group& root) const {
    std::string devices;
    for (const std::string& device : devices_) {
      if (!devices.empty()) devices += "; ";
      devices += device;
    }
    const auto text = [&](const char* name, const std::string& value) {
      hdf5::set(root, name, storable_text(value));
    };
    text("format", kResultsFormat);
    hdf5::set(root, "format_version", kFormatVersion);
    text("Conventions", "CF-1.10");
    text("run_id", manifest_.run_id);
    text("software_version", options_.software.version);
    text("git_commit", options_.software.git_commit);
    text("config_json", config_json(manifest_.config));
    text("model_name", manifest_.model.name);
    text("model_sha256", manifest_.model.sha256);
    text("tokenizer_sha256", manifest_.model.tokenizer_sha256);
    text("dtype", manifest_.config.dtype);
    text("device_names", devices);
    hdf5::set(root, "samples_total", summary_.samples_total);
    hdf5::set(root, "samples_ok", summary_.samples_ok);
    hdf5::set(root, "samples_failed", summary_.samples_failed);
    const bool complete =
        summary_.samples_ok + summary_.samples_failed == summary_.samples_total;
    hdf5::set(root, "complete", std::int32_t{complete});
  }

  const RunDirectory& run_;
  const Manifest& manifest_;
  const Plan& plan_;
  const Vocabulary& vocabulary_;
  const MergeOptions& options_;
  ChunkPipeline pipeline_;
  std::set<std::string> devices_;
  std::int64_t copied_ = 0;
  MergeSummary summary_;
};

// The hash is of what can be read again: HDF5 comes back to places that it
// wrote before, so none could be made on the way.
void seal_file(DurableFile& output, const MergeSummary& summary) {
  const std::int64_t bytes = output.bytes();
  Sha256 hash;
  const InputDescriptor input(output.temporary());
  std::vector<std::byte> block(1 << 20);
  for (std::int64_t at = 0; at < bytes;) {
    const std::size_t count = input.read(at, block);
    hash.update(std::span<const std::byte>(block.data(), count));
    at += static_cast<std::int64_t>(count);
  }
  output.append(
      seal_text({.bytes = bytes,
                 .samples = summary.samples_ok + summary.samples_failed,
                 .tokens = summary.tokens},
                std::move(hash)));
}

// We wrote it a moment ago, so it is read here and not in a child.
void check_before_rename(const DurableFile& output) {
  // Both read the whole file, each on a core of its own.
  std::future<void> seal = std::async(
      std::launch::async, [&output] { check_seal(output.temporary()); });
  VerifyReport report;
  check_results(output.temporary(), report);
  seal.get();
  if (!report.ok()) {
    throw StorageError("cannot keep the merged file (" +
                       report.problems.front() +
                       "); run lens verify on the run directory");
  }
}

MergeSummary merge_once(const RunDirectory& run, const Manifest& manifest,
                        const Plan& plan, const Vocabulary& vocabulary,
                        const MergeOptions& options) {
  DurableFile output(options.output, options.after_step);
  const MergeSummary summary =
      hdf5::call("write " + options.output.string(), kRemedy, [&] {
        DriverFile file(output);
        const MergeSummary written =
            Merger(run, manifest, plan, vocabulary, options).write(file);
        file.close();
        return written;
      });
  // The file is closed before: what HDF5 writes behind the seal would break it.
  output.reached(WriteStep::kContentReady);
  seal_file(output, summary);
  output.reached(WriteStep::kWritten);
  check_before_rename(output);
  // Only a file that was read back whole gets the name.
  output.commit();
  return summary;
}

}  // namespace

MergeSummary merge(const RunDirectory& run, const Manifest& manifest,
                   const std::vector<CommittedPart>& parts,
                   const MergeOptions& options) {
  const Vocabulary vocabulary = read_vocabulary(run.vocabulary());
  if (static_cast<std::int64_t>(vocabulary.token_text.size()) !=
      manifest.model.vocab_size) {
    throw StorageError(
        "cannot merge (the vocabulary has " +
        std::to_string(vocabulary.token_text.size()) + " ids, the model " +
        std::to_string(manifest.model.vocab_size) + "); plan the run again");
  }
  Plan plan = make_plan(run, manifest, vocabulary, parts, options.partial);
  for (;;) {
    try {
      return merge_once(run, manifest, plan, vocabulary, options);
    } catch (const LackingColumns& lacking) {
      // The file has what all parts have. Which that is, only reading tells.
      for (auto& [name, extents] : plan.extents) {
        // At least one is gone now, so this comes to an end.
        extents.widths.columns &= lacking.had;
      }
    }
  }
}

}  // namespace lens::storage
