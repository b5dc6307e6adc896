#!/usr/bin/env bash
# Packs what was built here into one file that runs on a machine with a GPU and
# a Python with torch, but without the packages that the build needs.
set -euo pipefail

usage() {
  cat <<'EOF'
usage: scripts/gpu_pack.sh [FILE]
  FILE   the archive to write (default: build/gpu-pack.tar.xz)

Takes the programs, the tests labelled gpu and the programs of bench/ from
build/ (LENS_BUILD_DIR), compiled with CUDA, and the libraries they load; all of
libtorch stays out, which must be of the same release there. On that machine:
  scripts/gpu_check.sh --pack FILE
EOF
}

case ${1:-} in -h | --help)
  usage
  exit 0
  ;;
esac
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=${LENS_BUILD_DIR:-build}
file=${1:-$build/gpu-pack.tar.xz}
if [ ! -x "$build/bin/lens-worker" ] || [ ! -x "$build/tests/lens_cuda_test" ]; then
  echo "gpu_pack: $build/ holds no programs with CUDA; run" \
    "LENS_CMAKE_ARGS=-DLENS_WITH_CUDA=ON scripts/setup.sh --tests" >&2
  exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/lib" "$work/tests" "$work/bench"
cp "$build"/bin/* "$work/bin"
cp "$build"/bench/* "$work/bench" 2>/dev/null || true
rm -rf "$work/bench/CMakeFiles"
for test in $(ctest --test-dir "$build" -N -L gpu |
  sed -n 's/.*Test *#[0-9]*: //p'); do
  cp "$build/tests/$test" "$work/tests"
done
find "$work/bench" "$work/tests" -type f ! -perm -u+x -delete
find "$work" -type f -exec strip --strip-unneeded {} +

# The C library and libstdc++ are that machine's own.
ldd "$build"/bin/lens "$build"/bin/lens-worker "$build"/bin/lens-coordinator |
  awk '/=> \//{print $3}' | sort -u |
  grep -vE '/(libc|libm|libdl|librt|libpthread|libutil|libresolv|libstdc\+\+|libgcc_s)\.so|torch' |
  while read -r library; do
    cp -L "$library" "$work/lib/$(basename "$library")"
  done
find "$work/lib" -type f -exec strip --strip-unneeded {} +
git rev-parse --short HEAD >"$work/commit" 2>/dev/null || true
tar -C "$work" -c . | xz -T0 -6 >"$file"
echo "gpu_pack: $file, $(($(stat -c %s "$file") >> 20)) MiB"
