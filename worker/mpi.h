#pragma once

#include <string>

namespace lens::worker {

// MPI as launcher and rendezvous: it says which rank this is and carries one
// broadcast at the start. Nothing of the work loop runs through it, since the
// death of a rank ends its whole world.
//
// A process that was started without an MPI launcher gets a world of its own
// and never touches MPI.
class MpiWorld {
 public:
  // MPI_Init where a launcher started this process. Throws lens::InputError.
  MpiWorld();
  // MPI_Finalize, unless an error is under way: it waits for the other ranks.
  ~MpiWorld();
  MpiWorld(const MpiWorld&) = delete;
  MpiWorld& operator=(const MpiWorld&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  int local_rank() const { return local_rank_; }  // on this host
  int local_size() const { return local_size_; }  // ranks of this host

  // Gives every rank the text that rank 0 has.
  std::string broadcast(std::string text) const;

 private:
  const int exceptions_;  // under way when this object was made
  bool active_ = false;
  int rank_ = 0;
  int size_ = 1;
  int local_rank_ = 0;
  int local_size_ = 1;
};

}  // namespace lens::worker
