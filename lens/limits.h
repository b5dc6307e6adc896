#pragma once

namespace lens::readout {

// Classes of ids that one sweep over the vocabulary can tell apart.
inline constexpr int kMaxScripts = 32;

}  // namespace lens::readout
