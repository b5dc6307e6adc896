#include "model/cuda/fused.h"

#include <ATen/ops/_flash_attention_forward.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>

#include "model/cuda/kernels.h"

namespace lens::model::cuda {
namespace {

Dtype dtype_of(const at::Tensor& x) {
  return x.scalar_type() == at::kBFloat16 ? Dtype::kBfloat16 : Dtype::kFloat32;
}

template <typename Args>
void run(const Args& args, const at::Tensor& on) {
  const char* problem = use_device(on.device().index());
  if (!problem) problem = launch(args, current_stream(on.device()));
  if (problem) {
    throw std::runtime_error("cannot run a kernel of the model on the GPU (" +
                             std::string(problem) +
                             "); check nvidia-smi, or use the CPU");
  }
}

Rotate rotation_of(const at::Tensor& x, const at::Tensor& cos,
                   const at::Tensor& sin) {
  // Only tokens may lie apart: a view into a product of q, k and v.
  TORCH_INTERNAL_ASSERT(x.dim() == 3 && x.stride(2) == 1 &&
                        x.stride(1) == x.size(2));
  Rotate args{dtype_of(x)};
  args.x = x.const_data_ptr();
  args.x_stride = x.stride(0);
  args.cos = cos.const_data_ptr<float>();
  args.sin = sin.const_data_ptr<float>();
  args.y_stride = x.size(1) * x.size(2);
  args.tokens = x.size(0);
  args.heads = static_cast<int>(x.size(1));
  args.head_dim = static_cast<int>(x.size(2));
  return args;
}

}  // namespace

bool fuses(const at::Tensor& x) {
  return x.is_cuda() &&
         (x.scalar_type() == at::kBFloat16 || x.scalar_type() == at::kFloat);
}

// Through libtorch's registry of devices: this program must link where
// libtorch has no CUDA half.
void* current_stream(at::Device device) {
  return c10::impl::VirtualGuardImpl(at::kCUDA)
      .getStream(device)
      .native_handle();
}

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  const at::Tensor from = x.contiguous();
  at::Tensor y = at::empty_like(from);
  RmsNorm args{dtype_of(x)};
  args.x = from.const_data_ptr();
  args.weight = weight.const_data_ptr();
  args.y = y.mutable_data_ptr();
  args.width = x.size(-1);
  args.rows = x.numel() / args.width;
  args.eps = static_cast<float>(eps);
  run(args, x);
  return y;
}

at::Tensor rotate(const at::Tensor& x, const at::Tensor& cos,
                  const at::Tensor& sin) {
  at::Tensor y = at::empty(x.sizes(), x.options());
  Rotate args = rotation_of(x, cos, sin);
  args.y = y.mutable_data_ptr();
  run(args, x);
  return y;
}

void rotate_into(const at::Tensor& x, const at::Tensor& cos,
                 const at::Tensor& sin, const at::Tensor& rows,
                 const at::Tensor& table) {
  Rotate args = rotation_of(x, cos, sin);
  args.y = table.mutable_data_ptr();
  args.y_rows = rows.const_data_ptr<std::int32_t>();
  run(args, x);
}

void scatter_into(const at::Tensor& x, const at::Tensor& rows,
                  const at::Tensor& table) {
  const at::Tensor from = x.contiguous();
  Scatter args{dtype_of(x)};
  args.x = from.const_data_ptr();
  args.y = table.mutable_data_ptr();
  args.y_rows = rows.const_data_ptr<std::int32_t>();
  args.rows = x.size(0);
  args.width = args.rows == 0 ? 0 : x.numel() / args.rows;
  run(args, x);
}

at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up) {
  at::Tensor y = at::empty_like(gate);
  Gated args{dtype_of(gate), Gate::kSwiglu};
  // Both are fresh products, and so contiguous as the kernel reads them.
  args.a = gate.const_data_ptr();
  args.b = up.const_data_ptr();
  args.y = y.mutable_data_ptr();
  args.count = gate.numel();
  run(args, gate);
  return y;
}

at::Tensor quick_gelu(const at::Tensor& x) {
  at::Tensor y = at::empty_like(x);
  Gated args{dtype_of(x), Gate::kQuickGelu};
  args.a = x.const_data_ptr();
  args.y = y.mutable_data_ptr();
  args.count = x.numel();
  run(args, x);
  return y;
}

bool PackedAttention::takes(const at::TensorOptions& options,
                            std::int64_t head_dim) {
  return options.device().is_cuda() &&
         c10::typeMetaToScalarType(options.dtype()) == at::kBFloat16 &&
         // The limits of flash attention.
         head_dim % 8 == 0 && head_dim <= 256;
}

at::Tensor PackedAttention::attend(const at::Tensor& q, const at::Tensor& keys,
                                   const at::Tensor& values) const {
  std::optional<at::Tensor> lengths;
  if (k_lengths.defined()) lengths = k_lengths;
  return std::get<0>(at::_flash_attention_forward(
      q, keys, values, q_begins, k_begins, longest_q, longest_k,
      /*dropout_p=*/0.0, causal, /*return_debug_mask=*/false,
      /*scale=*/std::nullopt, /*window_size_left=*/std::nullopt,
      /*window_size_right=*/std::nullopt, lengths));
}

}  // namespace lens::model::cuda
