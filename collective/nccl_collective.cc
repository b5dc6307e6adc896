#include "collective/nccl_collective.h"

#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include <cstdlib>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "base/error.h"
#include "collective/carrier.h"
#include "collective/nccl_communicator.h"
#include "collective/rank_order.h"
#include "collective/verdict.h"

namespace lens::collective {
namespace {

void expect_gpu(at::Device device) {
  const auto& hooks = at::detail::getCUDAHooks();
  if (!device.is_cuda() || !hooks.hasCUDA() || hooks.deviceCount() == 0) {
    throw InputError("cannot use NCCL", "this process has no GPU",
                     "give --device cpu");
  }
}

class NcclCollective final : public Carrier {
 public:
  NcclCollective(std::shared_ptr<Collective> host, at::Device device,
                 const Carriage& carriage, const std::string& library)
      : Carrier(carriage), host_(std::move(host)), device_(device) {
    at::Tensor id = at::zeros({sizeof(ncclUniqueId)}, at::kByte);
    open(library, id);
    host_->broadcast(id);
    start(id);
  }

  int rank() const override { return host_->rank(); }
  int size() const override { return host_->size(); }

  void broadcast(const at::Tensor& values) override {
    if (values.is_cpu()) return host().broadcast(values);
    expect_contiguous(values);
    if (values.numel() == 0) return;
    communicator_->group([&](ncclComm_t ranks, cudaStream_t stream) {
      communicator_->check(
          nccl_->broadcast(values.const_data_ptr(), values.mutable_data_ptr(),
                           values.nbytes(), ncclUint8, 0, ranks, stream));
    });
  }

  void await(const at::Tensor& values) override {
    if (values.is_cpu()) return host().await(values);
    broadcast(values);
  }

  void wait_for_all() override { host_->wait_for_all(); }

  at::Tensor rounded_sum(const at::Tensor& part,
                         at::ScalarType dtype) override {
    if (part.is_cpu()) return host().rounded_sum(part, dtype);
    expect_summable(part);
    return add_up(part, dtype);
  }

  at::Tensor gather(const at::Tensor& part) override {
    if (part.is_cpu()) return host().gather(part);
    return collect(part.contiguous(), Step::kGather);
  }

 private:
  // Where it cannot go on over NCCL, it does not over the host either.
  Collective& host() {
    communicator_->expect_whole();
    return *host_;
  }

  // No rank waits for others in NCCL before all have a library and a GPU.
  void open(const std::string& library, at::Tensor& id) {
    std::string problem;
    try {
      expect_gpu(device_);
      nccl_ = NcclLibrary::open(library);
      // All memory is taken at the start, and nothing is set up later within a
      // captured graph.
      ::setenv("NCCL_RUNTIME_CONNECT", "0", /*overwrite=*/0);
      ncclUniqueId own{};
      if (rank() == 0) {
        const ncclResult_t result = nccl_->get_unique_id(&own);
        if (result != ncclSuccess)
          throw InputError("cannot use NCCL", nccl_->error_string(result),
                           "see what NCCL_DEBUG=WARN prints");
      }
      std::memcpy(id.mutable_data_ptr(), &own, sizeof(own));
    } catch (const InputError& error) {
      problem = error.what();
    }
    problem = common_verdict(*host_, problem);
    if (!problem.empty()) throw InputError(problem);
  }

  // One call of each kind before anything depends on them.
  void start(const at::Tensor& id) {
    std::string problem;
    try {
      ncclUniqueId own{};
      std::memcpy(&own, id.const_data_ptr(), sizeof(own));
      communicator_ = std::make_unique<NcclCommunicator>(
          *nccl_, own, rank(), size(), device_, carriage().deadline);
      const at::Tensor ones =
          at::full({carriage().whole_bytes / 4 + size()}, 1.0f,
                   at::TensorOptions(at::kFloat).device(device_));
      broadcast(ones);
      add_up_in_slices(ones, at::kFloat);
      communicator_->settle();
    } catch (const std::exception& error) {
      problem = error.what();
    }
    problem = common_verdict(*host_, problem);
    if (!problem.empty()) throw CollectiveError(problem);
  }

  at::Tensor collect(const at::Tensor& own, Step) override {
    std::vector<std::int64_t> shape = own.sizes().vec();
    shape.insert(shape.begin(), size());
    at::Tensor all = at::empty(shape, own.options());
    if (own.numel() == 0) return all;
    communicator_->group([&](ncclComm_t ranks, cudaStream_t stream) {
      communicator_->check(
          nccl_->all_gather(own.const_data_ptr(), all.mutable_data_ptr(),
                            own.nbytes(), ncclUint8, ranks, stream));
    });
    return all;
  }

  void exchange(const std::vector<at::Tensor>& to,
                const std::vector<at::Tensor>& from) override {
    communicator_->group([&](ncclComm_t ranks, cudaStream_t stream) {
      for (int other = 0; other < size(); ++other) {
        if (other == rank()) continue;
        send(to[other], other, ranks, stream);
        receive(from[other], other, ranks, stream);
      }
    });
  }

  // Both sides leave out an empty slice.
  void send(const at::Tensor& values, int to, ncclComm_t ranks,
            cudaStream_t stream) {
    if (values.numel() == 0) return;
    communicator_->check(nccl_->send(values.const_data_ptr(), values.nbytes(),
                                     ncclUint8, to, ranks, stream));
  }

  void receive(const at::Tensor& values, int from, ncclComm_t ranks,
               cudaStream_t stream) {
    if (values.numel() == 0) return;
    communicator_->check(nccl_->receive(values.mutable_data_ptr(),
                                        values.nbytes(), ncclUint8, from, ranks,
                                        stream));
  }

  const std::shared_ptr<Collective> host_;
  const at::Device device_;
  std::optional<NcclLibrary> nccl_;
  std::unique_ptr<NcclCommunicator> communicator_;
};

}  // namespace

std::unique_ptr<Collective> nccl_collective(std::shared_ptr<Collective> host,
                                            at::Device device,
                                            const Carriage& carriage,
                                            const std::string& library) {
  return std::make_unique<NcclCollective>(std::move(host), device, carriage,
                                          library);
}

}  // namespace lens::collective
