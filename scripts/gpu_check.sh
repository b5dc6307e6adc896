#!/usr/bin/env bash
# Model, engine and lens on a machine with a GPU: builds them, runs the tests
# that need one, and measures the lens against the matrix product it contains.
set -euo pipefail

usage() {
  cat <<'EOF'
usage: scripts/gpu_check.sh [OUT_DIR]
  OUT_DIR   folder for the log and the figures (default: build-gpu/check)

Needs nvcc, CMake, ninja, and a Python with a torch built for CUDA; GoogleTest
and nlohmann-json from the system, or from folders in CMAKE_PREFIX_PATH.

environment: LENS_TORCH (a libtorch folder; default: that of python3's torch),
LENS_JOBS. Exit 0 when all tests that need a GPU ran and passed.
EOF
}

case ${1:-} in -h | --help)
  usage
  exit 0
  ;;
esac
cd "$(dirname "${BASH_SOURCE[0]}")/.."
out=${1:-build-gpu/check}
mkdir -p "$out"
exec > >(tee "$out/gpu_check.log") 2>&1

step() { printf '\n=== %s  [%d s]\n' "$*" "$SECONDS"; }

step "Machine"
nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader || {
  echo "gpu_check: no GPU here (nvidia-smi finds none)" >&2
  exit 1
}
nvcc --version | tail -1
git log -1 --format='commit %h' 2>/dev/null || true
if [ -z "${LENS_TORCH:-}" ]; then
  LENS_TORCH=$(python3 -c 'import os, torch; print(os.path.dirname(torch.__file__))')
fi
echo "libtorch $LENS_TORCH"

step "Build model, engine and lens"
cmake -S . -B build-gpu -G Ninja -DLENS_ENGINE_ONLY=ON -DLENS_WITH_CUDA=ON \
  -DLENS_TORCH="$LENS_TORCH" -DCMAKE_BUILD_TYPE=Release >"$out/configure.log" || {
  tail -20 "$out/configure.log"
  exit 1
}
ninja -C build-gpu -j "${LENS_JOBS:-$(nproc)}" >"$out/build.log" || {
  grep -m 10 'error' "$out/build.log"
  exit 1
}

step "Tests that need a GPU"
code=0
# A test that is skipped here has not seen its GPU.
ctest --test-dir build-gpu -L gpu --output-on-failure --no-tests=error \
  >"$out/tests.log" || code=$?
tail -15 "$out/tests.log"
if grep -q 'Skipped' "$out/tests.log"; then code=1; fi

step "The lens against its matrix product"
measure() {
  local shape tokens states hidden vocabulary dtype
  for shape in "64 29 1536 151936" "128 29 3584 152064"; do
    read -r tokens states hidden vocabulary <<<"$shape"
    for dtype in bfloat16 float32; do
      build-gpu/bench/lens_gemm --device cuda --dtype "$dtype" \
        --tokens "$tokens" --states "$states" --hidden "$hidden" \
        --vocabulary "$vocabulary" || return 1
    done
  done
}
measure >"$out/lens_gemm.txt" || code=1
cat "$out/lens_gemm.txt"

step "Exit $code"
exit "$code"
