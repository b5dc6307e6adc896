#include "storage/part_order.h"

#include <algorithm>

#include "base/error.h"

namespace lens::storage {

std::filesystem::path part_path(const RunDirectory& run,
                                const PartReceipt& receipt) {
  const std::filesystem::path name(receipt.file_name);
  const bool leaves =
      std::any_of(name.begin(), name.end(),
                  [](const auto& piece) { return piece == ".."; });
  if (name.empty() || name.is_absolute() || leaves) {
    throw StorageError("cannot use the part '" + receipt.file_name +
                       "' (it lies outside the run directory); repair the "
                       "ledger from the parts");
  }
  return run.root() / name;
}

void check_ownership(const Manifest& manifest, const CommittedPart& committed,
                     const Part& part, const std::string& name) {
  const auto require = [&](bool holds, const std::string& what) {
    if (!holds) {
      throw StorageError(name + " is not the part that was committed (" + what +
                         "); delete it and run the same command again");
    }
  };
  const Unit& unit = manifest.units[static_cast<std::size_t>(committed.unit)];
  const UnitResult& result = part.result;
  const table::Widths& widths = result.tokens.widths;
  require(part.header.run_id == manifest.run_id, "it is of another run");
  require(part.header.unit == committed.unit, "it is of another unit");
  require(part.header.dataset == unit.dataset, "it is of another data set");
  require(part.content_sha256 == committed.receipt.content_sha256,
          "another checksum was committed");
  require(static_cast<std::int64_t>(result.samples.size()) == unit.samples,
          "it has another number of samples than the unit");
  require(widths.layers == manifest.model.num_layers + 1,
          "it has other layers than the model");
  require(widths.ranks == manifest.config.top_k,
          "it has another number of ranks than the run");
  require(std::equal(result.hidden_layer.begin(), result.hidden_layer.end(),
                     manifest.config.save_hidden.begin(),
                     manifest.config.save_hidden.end()),
          "it keeps other raw states than the run");
  require(result.hidden_layer.empty() ||
              widths.hidden_size == manifest.model.hidden_size,
          "its raw states have another width than the model");
}

}  // namespace lens::storage
