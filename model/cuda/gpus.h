#pragma once

namespace lens::model::cuda {

// Opens the CUDA half of libtorch, which lies beside libtorch_cpu.so and
// registers itself with ATen, and lets it compute as all of this program
// expects: float32 products are float32, and what is added up of bfloat16
// products is float32 to the end. Gives the number of GPUs, at least one.
// Throws lens::InputError where there is no such library or no GPU.
int open_gpus();

}  // namespace lens::model::cuda
