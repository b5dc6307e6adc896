#include "collective/collective.h"
#include "collective/rank_order.h"

namespace lens::collective {
namespace {

class OneProcess final : public Collective {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void broadcast(const at::Tensor& values) override {
    expect_contiguous(values);
  }
  void wait_for_all() override {}
  at::Tensor rounded_sum(const at::Tensor& part,
                         at::ScalarType dtype) override {
    expect_summable(part);
    return part.to(dtype);
  }
  at::Tensor gather(const at::Tensor& part) override {
    return part.unsqueeze(0);
  }
};

}  // namespace

std::unique_ptr<Collective> one_process() {
  return std::make_unique<OneProcess>();
}

}  // namespace lens::collective
