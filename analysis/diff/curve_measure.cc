#include "analysis/diff/curve_measure.h"

namespace lens::analysis::diff {
namespace {

using metrics::SampleRow;
using Axis = CurveMeasure::Axis;

// Entropies reach to ln V, divergences and ranks are over V ids: two
// vocabularies have two such scales. Shares are of whatever there is.
constexpr CurveMeasure kMeasures[] = {
    {.key = "entropy",
     .title = "entropy",
     .axis = "entropy, nats",
     .unit = " nats",
     .curve = &SampleRow::entropy},
    {.key = "kl_final",
     .title = "distance to the final distribution",
     .axis = "KL(final || layer), nats",
     .unit = " nats",
     .curve = &SampleRow::kl_final},
    {.key = "log_rank",
     .title = "rank of the emitted token",
     .axis = "rank, geometric mean",
     .unit = " in ln rank",
     .curve = &SampleRow::log_rank,
     .scale = Axis::kLogarithm},
    {.key = "agreement",
     .title = "agreement with the last layer",
     .axis = "share of tokens on top",
     .unit = "",
     .curve = &SampleRow::agreement,
     .of_any_vocabulary = true,
     .scale = Axis::kShare},
    {.key = "script_share",
     .title = "script share",
     .axis = "share of the probability",
     .unit = "",
     .curve = &SampleRow::script_share,
     .of_any_vocabulary = true,
     .by_script = true,
     .scale = Axis::kShare},
    {.key = "image_attention",
     .title = "attention on the image",
     .axis = "share of the attention, mean over heads",
     .unit = "",
     .curve = &SampleRow::image_attention,
     .of_any_vocabulary = true,
     .first_layer = 1,
     .scale = Axis::kShare},
};

}  // namespace

std::span<const CurveMeasure> curve_measures() { return kMeasures; }

}  // namespace lens::analysis::diff
