#!/usr/bin/env bash
# Makes one archive of what was built here, with every library that it loads but
# the C library and the GPU driver's: unpacked anywhere, it runs without
# installing anything.
set -euo pipefail

usage() {
  cat <<'END'
usage: scripts/package.sh [options] [FILE]
  FILE          the archive (default: build/lens-VERSION-linux-x86_64.tar.gz, or
                ...-cuda.tar.gz)
  --cuda        with the CUDA half of libtorch and NCCL: runs on GPUs; about
                2 GB more
  --folder DIR  lay the archive out in DIR and write no file

Build first: scripts/setup.sh (with --cuda for GPUs). The archive runs on
x86-64 Linux with the C library of this machine or a newer one: build on the
oldest system that it is meant for. What is in it:
  bin/    lens, lens-worker, lens-coordinator, lens-dump, lens-mpirun
  lib/    their libraries, and Open MPI for models over several processes
  share/  demo, slurm/lens.sbatch, docs
END
}

die() {
  printf 'package: error: %s\n' "$*" >&2
  exit 1
}

cuda=no folder='' file=''
while [ $# -gt 0 ]; do
  case $1 in
    --cuda) cuda=yes ;;
    --folder)
      [ $# -ge 2 ] || die "--folder needs DIR"
      folder=$2
      shift
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    -*)
      usage >&2
      exit 2
      ;;
    *) file=$1 ;;
  esac
  shift
done

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${LENS_BUILD_DIR:-$root/build}
[ -x "$build/bin/lens-worker" ] || die "nothing is built in $build; run scripts/setup.sh"
version=$("$build/bin/lens" --version | sed -n '1s/^lens \([^ ]*\).*/\1/p')
name=lens-$version-linux-$(uname -m)
[ $cuda = no ] || name+=-cuda
[ -n "$file" ] || file=$build/$name.tar.gz

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
place=$work/$name
[ -z "$folder" ] || place=$folder
[ ! -e "$place/bin" ] || die "$place holds something already; give another --folder"
mkdir -p "$place"
place=$(cd "$place" && pwd)
lib=$place/lib
mkdir -p "$lib"
cmake --install "$build" --prefix "$place" --strip >/dev/null

# --- Libraries ----------------------------------------------------------------

# Those of every Linux: the C library, whose parts belong together, and the
# driver's, which belong to the kernel.
of_the_system='^(ld-linux.*|linux-vdso|libc|libm|libmvec|libdl|librt|libpthread|libutil|libresolv|libanl|libnss_.*|libcuda|libnvidia-.*)\.so'

# "NAME PATH" of all that a file loads at start; "NAME not" where it lacks.
loaded_by() { ldd "$@" 2>/dev/null | awk '/=>/{print $1, $3}'; }

take() { # PATH [NAME]
  local to=$lib/${2:-$(basename "$1")}
  [ -e "$to" ] || cp -L "$1" "$to"
}

# The first library of that name that one of the files loads; nothing: none.
find_loaded() { # NAME FILE...
  local name=$1
  shift
  # Read to the end: who writes into a closed pipe fails.
  loaded_by "$@" | awk -v name="$name.so" \
    'index($1, name) == 1 && !path {path = $2} END {print path}'
}

# The file and all that it loads.
take_with_needs() { # FILE...
  local needed path
  while read -r needed path; do
    [[ $needed =~ $of_the_system ]] && continue
    [ "$path" != not ] || die "$* needs $needed, which is not found here"
    take "$path" "$needed"
  done < <(loaded_by "$@" | sort -u)
}

take_with_needs "$build"/bin/lens{,-worker,-coordinator,-dump}

# Opened by name while they run, and so told of by no linker.
torch=$(dirname "$(find_loaded libtorch_cpu "$build/bin/lens-worker")")
if [ $cuda = yes ]; then
  [ -e "$torch/libtorch_cuda.so" ] || die "no CUDA half in $torch; run scripts/setup.sh --cuda"
  strings -a "$build/bin/lens-worker" | grep -q libnccl.so || die "built without CUDA kernels"
  nvidia=$(dirname "$torch")/../nvidia
  for library in "$torch"/libtorch_cuda.so "$torch"/libtorch_cuda_linalg.so "$torch"/libcaffe2_nvrtc.so \
    "$nvidia"/nccl/lib/libnccl.so.2 "$nvidia"/cudnn/lib/libcudnn*.so.9 "$nvidia"/cu13/lib/libnvrtc*.so.13*; do
    [ -e "$library" ] || continue
    take_with_needs "$library"
    take "$library"
  done
fi

# --- Open MPI -----------------------------------------------------------------

# Where it keeps what it opens by name. Of these only what needs nothing that is
# not there already: libraries of network cards stay out, the rest is shared
# memory and TCP.
if command -v ompi_info >/dev/null; then
  mpi=$lib/openmpi
  mkdir -p "$mpi/bin" "$mpi/lib/openmpi" "$mpi/share/openmpi" "$mpi/lib/pmix"
  part_of() { ompi_info --path "$1" --parsable | sed -n "s/^path:$1://p"; }
  launcher=$(readlink -f "$(command -v mpirun)")
  cp -L "$launcher" "$mpi/bin/mpirun"
  cp -L "$(part_of bindir)/orted" "$mpi/bin/orted"
  take_with_needs "$launcher" "$mpi/bin/orted"
  cp -L "$(part_of pkgdatadir)"/*.txt "$mpi/share/openmpi/"
  components=$(part_of pkglibdir)
  for common in sm ompio; do
    library=$(find_loaded "libmca_common_$common" "$components"/*.so)
    [ -z "$library" ] || take "$library" "$(basename "$library")"
  done
  pmix=$(find_loaded libpmix "$components"/mca_pmix_*.so)
  take_with_needs "$pmix"
  take "$pmix"
  for component in "$components"/*.so; do
    needs=no
    while read -r needed path; do
      [[ $needed =~ $of_the_system ]] || [ -e "$lib/$needed" ] || needs=yes
    done < <(loaded_by "$component")
    [ $needs = yes ] || cp -L "$component" "$mpi/lib/openmpi/"
  done
  cp -L "$(dirname "$(readlink -f "$pmix")")"/pmix/*.so "$mpi/lib/pmix/" 2>/dev/null || true
  cat >"$place/bin/lens-mpirun" <<'END'
#!/bin/sh
# mpirun of the Open MPI that came with this archive.
here=$(cd "$(dirname "$0")/.." && pwd)
LD_LIBRARY_PATH=$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
OPAL_PREFIX=$here/lib/openmpi
OPAL_BINDIR=$OPAL_PREFIX/bin
OPAL_LIBDIR=$OPAL_PREFIX/lib
OPAL_PKGLIBDIR=$OPAL_PREFIX/lib/openmpi
OPAL_DATADIR=$OPAL_PREFIX/share
OPAL_PKGDATADIR=$OPAL_PREFIX/share/openmpi
OPAL_SYSCONFDIR=$OPAL_PREFIX/etc
PMIX_INSTALL_PREFIX=$OPAL_PREFIX
# One machine: no ssh is asked for.
export OMPI_MCA_plm="${OMPI_MCA_plm:-isolated}"
export LD_LIBRARY_PATH OPAL_PREFIX OPAL_BINDIR OPAL_LIBDIR OPAL_PKGLIBDIR
export OPAL_DATADIR OPAL_PKGDATADIR OPAL_SYSCONFDIR PMIX_INSTALL_PREFIX
exec "$OPAL_BINDIR/mpirun" "$@"
END
  chmod +x "$place/bin/lens-mpirun"
fi

# --- Finish -------------------------------------------------------------------

# libtorch is not stripped: its symbols are part of what it loads by.
find "$lib" -type f -name '*.so*' ! -name 'libtorch*' ! -name 'libcudnn*' ! -name 'libcu*' \
  ! -name 'libnv*' -exec strip --strip-unneeded {} + 2>/dev/null || true
# No path of this machine: all that is needed lies in lib/. A library with a path
# of its own is not helped by the program's.
cat >"$work/rpath.cmake" <<'END'
file(STRINGS ${LIST} lines)
foreach(line IN LISTS lines)
  string(REGEX MATCH "^([^ ]+) (.*)$" unused "${line}")
  file(RPATH_SET FILE "${CMAKE_MATCH_2}" NEW_RPATH "${CMAKE_MATCH_1}")
endforeach()
END
has_foreign_path() {
  # shellcheck disable=SC2016 # The loader's word.
  readelf -d "$1" | grep -E '\(R(UN)?PATH\)' | grep -qv '\[\$ORIGIN'
}
for program in lens lens-worker lens-coordinator lens-dump; do
  # shellcheck disable=SC2016
  printf '$ORIGIN/../lib %s\n' "$place/bin/$program"
done >"$work/rpaths"
for library in "$lib"/*.so* "$lib"/openmpi/lib/*/*.so; do
  if [ ! -e "$library" ] || ! has_foreign_path "$library"; then continue; fi
  up=''
  [ "${library#"$lib"/openmpi}" = "$library" ] || up=/../../..
  # shellcheck disable=SC2016
  printf '$ORIGIN%s %s\n' "$up" "$library"
done >>"$work/rpaths"
cmake -DLIST="$work/rpaths" -P "$work/rpath.cmake" >/dev/null 2>&1 ||
  die "cannot set the run paths"

if [ -n "$folder" ]; then
  echo "package: $place, $(du -sm "$place" | cut -f1) MB"
else
  tar -C "$work" --owner=0 --group=0 -czf "$file" "$name"
  echo "package: $file, $(($(stat -c %s "$file") / 1000000)) MB;" \
    "$(du -sm "$place" | cut -f1) MB unpacked"
fi
