#include "storage/hdf5/file_driver.h"

#include <H5FDpublic.h>
#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

namespace lens::storage {
namespace {

using Backing = DriverFile::Backing;

// One open file, as the library sees it: its own part comes first.
struct Opened {
  H5FD_t library = {};
  Backing* backing = nullptr;
  haddr_t end_of_allocation = 0;
  haddr_t end_of_file = 0;
};
static_assert(std::is_standard_layout_v<Opened>);

// What the property list carries.
struct DriverInfo {
  Backing* backing;
};

Opened& opened(H5FD_t* file) { return *reinterpret_cast<Opened*>(file); }

const Opened& opened(const H5FD_t* file) {
  return *reinterpret_cast<const Opened*>(file);
}

// The file is open and empty already: name and flags are for drivers that open
// one.
H5FD_t* open_callback(const char*, unsigned, hid_t access, haddr_t) {
  const auto* info = static_cast<const DriverInfo*>(H5Pget_driver_info(access));
  if (info == nullptr) return nullptr;
  auto* file = new (std::nothrow) Opened;
  if (file == nullptr) return nullptr;
  file->backing = info->backing;
  return &file->library;
}

herr_t close_callback(H5FD_t* file) {
  delete &opened(file);
  return 0;
}

herr_t query_callback(const H5FD_t*, unsigned long* flags) {
  // Gather small metadata writes, as the library does for plain files.
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA |
           H5FD_FEAT_DATA_SIEVE | H5FD_FEAT_AGGREGATE_SMALLDATA;
  return 0;
}

haddr_t get_eoa_callback(const H5FD_t* file, H5FD_mem_t) {
  return opened(file).end_of_allocation;
}

herr_t set_eoa_callback(H5FD_t* file, H5FD_mem_t, haddr_t address) {
  opened(file).end_of_allocation = address;
  return 0;
}

haddr_t get_eof_callback(const H5FD_t* file, H5FD_mem_t) {
  return opened(file).end_of_file;
}

// Copies what `kept` has of [address, address + size).
void overlay(const Backing& backing, haddr_t address, std::size_t size,
             std::byte* buffer) {
  for (const auto& [start, bytes] : backing.kept) {
    const haddr_t begin = std::max<haddr_t>(start, address);
    const haddr_t end = std::min<haddr_t>(start + bytes.size(), address + size);
    if (begin < end) {
      std::memcpy(buffer + (begin - address), bytes.data() + (begin - start),
                  end - begin);
    }
  }
}

herr_t read_callback(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address,
                     std::size_t size, void* buffer) {
  const Backing& backing = *opened(file).backing;
  auto* bytes = static_cast<std::byte*>(buffer);
  for (std::size_t at = 0; at < size;) {
    const ssize_t count = ::pread(backing.descriptor, bytes + at, size - at,
                                  static_cast<off_t>(address + at));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -1;
    if (count == 0) {  // never written: zeros, as in a file with holes
      std::memset(bytes + at, 0, size - at);
      break;
    }
    at += static_cast<std::size_t>(count);
  }
  // What did not reach the disk: the library must find all that it believes to
  // be written.
  overlay(backing, address, size, bytes);
  return 0;
}

// Remembers the first error; true where the bytes are in the file.
bool write_bytes(Backing& backing, haddr_t address, const std::byte* bytes,
                 std::size_t size) {
  for (std::size_t at = 0; at < size && backing.error == 0;) {
    const ssize_t count = ::pwrite(backing.descriptor, bytes + at, size - at,
                                   static_cast<off_t>(address + at));
    if (count > 0) {
      at += static_cast<std::size_t>(count);
    } else if (count == 0) {
      backing.error = ENOSPC;
    } else if (errno != EINTR) {
      backing.error = errno;
    }
  }
  return backing.error == 0;
}

herr_t write_callback(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address,
                      std::size_t size, const void* buffer) {
  Opened& mine = opened(file);
  const auto* bytes = static_cast<const std::byte*>(buffer);
  // The library is told of no failure (the header says why), so what is lost to
  // the disk must be there for it to read again.
  if (!write_bytes(*mine.backing, address, bytes, size)) {
    try {
      mine.backing->kept[address].assign(bytes, bytes + size);
    } catch (const std::bad_alloc&) {
      return -1;
    }
  }
  mine.end_of_file = std::max<haddr_t>(mine.end_of_file, address + size);
  return 0;
}

// The library allocates beyond what it writes, and reads its file back only if
// it is as long as the allocation.
herr_t truncate_callback(H5FD_t* file, hid_t, hbool_t) {
  Opened& mine = opened(file);
  Backing& backing = *mine.backing;
  if (backing.error == 0 &&
      ::ftruncate(backing.descriptor,
                  static_cast<off_t>(mine.end_of_allocation)) != 0) {
    backing.error = errno;
  }
  mine.end_of_file = mine.end_of_allocation;
  return 0;
}

const H5FD_class_t& driver_class() {
  static const H5FD_class_t driver = [] {
    H5FD_class_t made;
    std::memset(&made, 0, sizeof made);
#if H5_VERSION_GE(1, 13, 0)
    made.version = H5FD_CLASS_VERSION;
    made.value = static_cast<H5FD_class_value_t>(H5FD_RESERVED + 77);
#endif
    made.name = "lens";
    made.maxaddr =
        static_cast<haddr_t>(std::numeric_limits<std::int64_t>::max());
    // Handles that an exception has left open do not keep the file open.
    made.fc_degree = H5F_CLOSE_STRONG;
    made.fapl_size = sizeof(DriverInfo);
    made.open = open_callback;
    made.close = close_callback;
    made.query = query_callback;
    made.get_eoa = get_eoa_callback;
    made.set_eoa = set_eoa_callback;
    made.get_eof = get_eof_callback;
    made.read = read_callback;
    made.write = write_callback;
    made.truncate = truncate_callback;
    // Where metadata and values go: as in the library's own driver for plain
    // files.
    const H5FD_mem_t map[] = H5FD_FLMAP_DICHOTOMY;
    std::copy(std::begin(map), std::end(map), made.fl_map);
    return made;
  }();
  return driver;
}

// Registered once; the library frees it at its end.
hid_t driver_id() {
  static const hid_t id = hdf5::checked(H5FDregister(&driver_class()));
  return id;
}

H5::H5File create(Backing& backing) {
  const H5::FileAccPropList access = hdf5::file_access();
  const DriverInfo info = {&backing};
  hdf5::checked(H5Pset_driver(access.getId(), driver_id(), &info));
  return H5::H5File("results", H5F_ACC_TRUNC, H5::FileCreatPropList::DEFAULT,
                    access);
}

}  // namespace

DriverFile::DriverFile(DurableFile& output)
    : output_(output),
      backing_{.descriptor = output.descriptor(), .error = 0, .kept = {}},
      file_(create(backing_)) {}

// Without a word: after a close() there is nothing left to do, and without one
// something else has failed already.
DriverFile::~DriverFile() { hdf5::abandon(file_); }

void DriverFile::check() const {
  if (backing_.error != 0) output_.fail("write", backing_.error);
}

void DriverFile::close() {
  file_.close();
  check();
}

}  // namespace lens::storage
