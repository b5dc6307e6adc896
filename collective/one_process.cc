#include "collective/collective.h"

namespace lens::collective {
namespace {

class OneProcess final : public Collective {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void broadcast(const at::Tensor&) override {}
  at::Tensor ordered_sum(const at::Tensor& part) override { return part; }
  at::Tensor gather(const at::Tensor& part) override {
    return part.unsqueeze(0);
  }
};

}  // namespace

std::unique_ptr<Collective> one_process() {
  return std::make_unique<OneProcess>();
}

}  // namespace lens::collective
