#include "storage/hdf5/read_watch.h"

namespace lens::storage {
namespace {

ReadWatch own_watch;
ReadWatch* watch_in_use = &own_watch;

}  // namespace

ReadWatch& read_watch() { return *watch_in_use; }

void share_read_watch(ReadWatch* watch) { watch_in_use = watch; }

void mark_read_step() {
  read_watch().steps.fetch_add(1, std::memory_order_relaxed);
}

LibraryCall::LibraryCall() {
  mark_read_step();
  read_watch().inside.fetch_add(1, std::memory_order_relaxed);
}

LibraryCall::~LibraryCall() {
  read_watch().inside.fetch_sub(1, std::memory_order_relaxed);
  mark_read_step();
}

}  // namespace lens::storage
