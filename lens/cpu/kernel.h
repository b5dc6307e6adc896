#pragma once

#include <cstdint>

// The arithmetic of the lens on a CPU, once for each instruction set. Each set
// has a file of its own, compiled for it, so these files include nothing whose
// functions might be shared with the rest of the program: a program would then
// meet instructions that its CPU lacks (lens_cpu_kernels_test looks for them).
//
// A group is a number of rows that lie side by side in the lanes of vectors, a
// panel a few neighbouring ids of the vocabulary, a tile their logits:
//
//   rows  [hidden_size, lanes] float32, or
//         [hidden_size / 2, lanes, 2] bfloat16: what multiplies one pair of
//         weights lies together, as dot products of pairs take it
//   tile  [ids, lanes] float32
//
// A lane never sees another one: the logits of a row and all that is made of
// them are the same bits whatever rows are beside it.
namespace lens::readout::cpu {

inline constexpr int kMaxLanes = 32;
inline constexpr int kMaxIds = 96;  // of a panel
inline constexpr int kAlignment = 64;

// From lane `first` on, up to the next segment, lanes are rows of one token:
// `mass` [ids] of that token's last state, `stride` floats from id to id.
struct Segment {
  int first;
  const float* mass;
};

// What a tile adds to the sums of its rows: those of row_sums.h, and the mass
// of each class of ids.
struct TileSums {
  float* sum;            // [lanes] this and the next three
  float* weighted;       //
  float* squared;        //
  float* final_dot;      //
  std::int32_t* larger;  // [lanes] ids with a larger logit than the target's
  float* script;         // [classes, lanes] added to
};

struct Kernel {
  const char* name;  // as LENS_ISA names it
  bool bfloat16;     // rows and weights are bfloat16; else both are float32
  int lanes;         // of a group, at most kMaxLanes
  int id_step;       // multiply() wants a multiple of so many ids
  int depth_step;    // and of so many columns

  // tile = weights * rows; weights [ids, hidden_size] lie `stride` elements
  // from id to id. Fastest where rows and tile begin on kAlignment bytes.
  void (*multiply)(const void* weights, std::int64_t stride, const void* rows,
                   std::int64_t hidden_size, int ids, float* tile);
  // The largest logit of each lane.
  void (*find_largest)(const float* tile, int ids, float* largest);
  // mass = e^(tile - max), and its sum over ids; max is no smaller than any.
  void (*exponentiate)(const float* tile, int ids, const float* max,
                       float* mass, float* sum);
  // mass [ids, lanes]: each lane gets what its segment has.
  void (*spread)(const Segment* segments, int count, std::int64_t stride,
                 int ids, float* mass);
  // mass as spread() gives it; max no smaller than any; classes [ids].
  void (*add_up)(const float* tile, const float* mass, int ids,
                 const float* max, const float* target,
                 const std::uint8_t* classes, const TileSums& sums);
};

// In the files of their instruction sets; they run where isa.h says so.
extern const Kernel kPortable;
#ifdef LENS_X86_KERNELS
extern const Kernel kAvx2;
extern const Kernel kAvx512;
extern const Kernel kAvx512Bf16;
extern const Kernel kAmx;
#endif

}  // namespace lens::readout::cpu
