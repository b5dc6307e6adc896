#pragma once

#include <memory>
#include <string>

namespace lens::collective {
class Collective;  // its header knows torch, this one does not
}

namespace lens::worker {

class MpiWorld;

// The ranks that compute units together with this process: every `size` of its
// world in a row are one replica, led by the first of them.
class Ranks {
 public:
  // `world` must outlive it. Throws lens::InputError where its size is no
  // multiple.
  Ranks(const MpiWorld& world, int size);

  int rank() const;  // in the replica, 0 leads
  int size() const { return size_; }

  // What these ranks say to each other, over NCCL where `device` is a GPU. All
  // ranks of the world call it, before they load weights. Throws as
  // mpi_collective() and nccl_collective() do.
  std::shared_ptr<collective::Collective> connect(
      const std::string& device) const;

 private:
  const MpiWorld& world_;
  const int size_;
};

}  // namespace lens::worker
