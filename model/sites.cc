#include "model/sites.h"

#include <stdexcept>

namespace lens::model {
namespace {

// Whether a pass of N layers has the site.
bool exists(Site site, int num_layers) {
  switch (site.kind) {
    case Site::Kind::kResidual:
      return true;
    case Site::Kind::kHeadInput:
      return site.layer == num_layers;
    default:
      return site.layer < num_layers;
  }
}

}  // namespace

Visits::Visits(std::span<Observer* const> observers, int num_layers,
               const Batch& batch)
    : batch_(batch) {
  if (observers.empty()) return;
  takers_.resize(static_cast<std::size_t>(num_layers + 1) * Site::kKinds);
  for (int layer = 0; layer <= num_layers; ++layer) {
    for (int kind = 0; kind < Site::kKinds; ++kind) {
      const Site site{static_cast<Site::Kind>(kind), layer};
      if (!exists(site, num_layers)) continue;
      for (Observer* observer : observers) {
        if (observer->wants(site)) takers_[place(site)].push_back(observer);
      }
    }
  }
}

void Visits::visit(Site site, at::Tensor& value, const Segment& part,
                   std::int64_t begin) const {
  if (!wanted(site)) return;
  const auto ids = std::span(batch_.ids)
                       .subspan(static_cast<std::size_t>(begin),
                                static_cast<std::size_t>(part.length));
  call(site, {ids, std::span(&part, 1)}, value);
}

void Visits::visit_last(Site site, at::Tensor& value) const {
  if (!wanted(site)) return;
  std::vector<std::int64_t> ids;
  std::vector<Segment> last;
  std::int64_t end = 0;
  for (const Segment& segment : batch_.segments) {
    end += segment.length;
    ids.push_back(batch_.ids[static_cast<std::size_t>(end - 1)]);
    last.push_back(
        {segment.slot, segment.past + segment.length - 1, 1, segment.owners});
  }
  call(site, {ids, last}, value);
}

void Visits::call(Site site, const Rows& rows, at::Tensor& value) const {
  for (Observer* observer : takers_[place(site)]) {
    // A handle: the tensor that was shown may go when another takes its place.
    const at::Tensor before = value;
    observer->visit(site, rows, value);
    if (!value.sizes().equals(before.sizes()) ||
        value.scalar_type() != before.scalar_type() ||
        value.device() != before.device()) {
      throw std::logic_error(
          "an observer put a tensor of another shape, dtype or device in the "
          "place of what passes");
    }
  }
}

}  // namespace lens::model
