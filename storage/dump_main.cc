// lens-dump FILE [ROWS]: prints the structure and the first rows of a part, a
// vocabulary or a results file. Reads only; checks nothing beyond what HDF5
// does (that is `lens verify`).

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>

#include "storage/group_reader.h"
#include "storage/guard.h"
#include "storage/hdf5/attributes.h"
#include "storage/hdf5/rows.h"
#include "storage/seal.h"

namespace lens::storage {
namespace {

constexpr std::size_t kMaxElements = 12;  // of one row
constexpr std::size_t kMaxText = 72;      // bytes of one string

std::string shown(const std::string& text) {
  std::string result = "\"";
  for (const char c : text.substr(0, kMaxText)) {
    if (c == '\n') {
      result += "\\n";
    } else {
      result += c;
    }
  }
  return result + (text.size() > kMaxText ? "\"..." : "\"");
}

template <class Number>
std::string shown(Number value) {
  if constexpr (std::is_floating_point_v<Number>) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6g", static_cast<double>(value));
    return text;
  } else {
    return std::to_string(value);
  }
}

void print_attributes(const H5::H5Object& object, const char* indent) {
  for (int i = 0; i < object.getNumAttrs(); ++i) {
    mark_read_step();
    const H5::Attribute attribute =
        object.openAttribute(static_cast<unsigned>(i));
    const std::string name = attribute.getName();
    if (const auto text = hdf5::text_attribute(object, name)) {
      std::printf("%s%s = %s\n", indent, name.c_str(), shown(*text).c_str());
    } else if (attribute.getTypeClass() == H5T_FLOAT &&
               attribute.getSpace().getSimpleExtentNpoints() == 1) {
      float value = 0;
      attribute.read(H5::PredType::NATIVE_FLOAT, &value);
      std::printf("%s%s = %s\n", indent, name.c_str(), shown(value).c_str());
    } else if (const auto number = hdf5::integer_attribute(object, name)) {
      std::printf("%s%s = %lld\n", indent, name.c_str(),
                  static_cast<long long>(*number));
    }
  }
}

void print_rows(const table::ColumnValues& values, std::size_t row_elements) {
  std::visit(
      [&](const auto& typed) {
        for (std::size_t at = 0; at < typed.size(); at += row_elements) {
          std::printf("        ");
          const std::size_t count = std::min(row_elements, kMaxElements);
          for (std::size_t i = 0; i < count; ++i) {
            std::printf(" %s", shown(typed[at + i]).c_str());
          }
          std::printf("%s\n", count < row_elements ? " ..." : "");
        }
      },
      values);
}

void print_dataset(const H5::Group& group, const std::string& name,
                   std::int64_t rows) {
  mark_read_step();
  const H5::DataSet dataset = group.openDataSet(name);
  const hdf5::Lengths lengths = hdf5::lengths_of(dataset);
  std::string shape;
  std::size_t row_elements = 1;
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    shape += (i > 0 ? ", " : "") + std::to_string(lengths[i]);
    if (i > 0) row_elements *= lengths[i];
  }
  const table::ColumnType types[] = {
      table::ColumnType::kString, table::ColumnType::kInt64,
      table::ColumnType::kInt32, table::ColumnType::kUint8,
      table::ColumnType::kFloat};
  const auto* type = std::find_if(std::begin(types), std::end(types),
                                  [&](table::ColumnType candidate) {
                                    return hdf5::has_type(dataset, candidate);
                                  });
  const bool known = type != std::end(types) && !lengths.empty();
  std::printf("    %s %s[%s], %llu bytes stored\n", name.c_str(),
              known ? (std::string(table::type_name(*type)) + " ").c_str() : "",
              shape.c_str(),
              static_cast<unsigned long long>(dataset.getStorageSize()));
  print_attributes(dataset, "        @");
  if (!known || row_elements == 0) return;
  const auto shown_rows =
      std::min<hsize_t>(lengths[0], static_cast<hsize_t>(rows));
  print_rows(hdf5::read_rows(dataset, *type, 0, shown_rows), row_elements);
}

// Groups of ours lie one deep; those of a damaged file may contain themselves.
constexpr int kMostDepth = 4;

void print_group(const H5::Group& group, const std::string& name,
                 std::int64_t rows, int depth) {
  std::printf("%s\n", name.c_str());
  print_attributes(group, "    @");
  for (hsize_t i = 0; i < group.getNumObjs(); ++i) {
    const std::string child = group.getObjnameByIdx(i);
    if (hdf5::has_link(group, child) &&
        group.childObjType(child) == H5O_TYPE_DATASET) {
      print_dataset(group, child, rows);
    }
  }
  if (depth == kMostDepth) return;
  for (const std::string& child : hdf5::child_groups(group)) {
    print_group(group.openGroup(child),
                (name == "/" ? name : name + "/") + child, rows, depth + 1);
  }
}

void print_seal(const std::string& file) {
  try {
    const Seal seal = check_seal(std::filesystem::path(file));
    std::printf("seal: whole, %lld bytes, %lld samples, %lld tokens\n",
                static_cast<long long>(seal.bytes),
                static_cast<long long>(seal.samples),
                static_cast<long long>(seal.tokens));
  } catch (const StorageError& error) {
    std::printf("seal: %s\n", error.what());
  }
}

void print_file(const std::string& file, std::int64_t rows) {
  print_seal(file);
  hdf5::call("read " + file, "check it with lens verify", [&] {
    const H5::H5File opened = hdf5::open_file(file);
    print_group(opened.openGroup("/"), "/", rows, 0);
  });
}

// Throws StorageError where standard output has not taken all.
void end_output() {
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return;
  throw StorageError(std::string("cannot write the output (") +
                     std::strerror(errno != 0 ? errno : EIO) +
                     "); free space, or send it elsewhere");
}

// A damaged file may crash the library or keep it busy: a child reads it. What
// it has printed by then stands. Returns the exit code.
int run(const std::string& file, std::int64_t rows) {
  const GuardOutcome outcome = run_guarded(
      [&](const GuardSend&) {
        print_file(file, rows);
        end_output();
      },
      guard_limits(file));
  if (outcome.failure.empty()) return 0;
  // Who reads has seen enough.
  if (outcome.signal == SIGPIPE) {
    std::raise(SIGPIPE);
    return 1;
  }
  if (!outcome.lines.empty()) throw StorageError(outcome.lines.back());
  throw StorageError("cannot read " + file + " (" + outcome.failure +
                     ": it is damaged); check it with lens verify");
}

}  // namespace
}  // namespace lens::storage

int main(int argc, char** argv) {
  std::int64_t rows = 3;
  bool usable = argc == 2 || argc == 3;
  if (argc == 3) {
    const char* end = argv[2] + std::strlen(argv[2]);
    const auto [at, error] = std::from_chars(argv[2], end, rows);
    usable = error == std::errc() && at == end && rows >= 0;
  }
  if (!usable) {
    std::fprintf(stderr, "usage: lens-dump FILE [ROWS]\n");
    return 2;
  }
  try {
    return lens::storage::run(argv[1], rows);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "lens-dump: %s\n", error.what());
    return 1;
  }
}
