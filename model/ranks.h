#pragma once

#include <memory>
#include <optional>

#include "collective/collective.h"
#include "model/checkpoint/reading.h"
#include "model/share.h"

namespace lens::model {

// Who hold a model together, seen from one of them.
struct Ranks {
  std::shared_ptr<collective::Collective> all;  // nullptr: this process alone
  // Who reads the weight files; not said: the faster, by measurement.
  std::optional<Reading> reading;

  Share share() const {
    return all ? Share{all->rank(), all->size()} : Share{};
  }
};

}  // namespace lens::model
