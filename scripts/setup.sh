#!/usr/bin/env bash
# Installs what is missing, configures and builds. Run it as often as you like:
# with nothing to do it ends in a second or two.
set -euo pipefail

usage() {
  cat <<'EOF'
usage: scripts/setup.sh [options]
  --tests      also install what the tests need and build them
  --lint       also install clang-format, clang-tidy and shellcheck
  --readers    also install Octave and R, which the tests of docs/reading-results.md
               use where they are there
  --cuda       also install the libraries of the CUDA half of libtorch
  --no-cuda    do not, even where a GPU is found (the default looks for one)
  --no-apt     do not look at Debian packages: they come from elsewhere
  --no-build   install only
  -h, --help

environment:
  LENS_JOBS        compilers at a time (default: by cores and free memory)
  LENS_TORCH       a libtorch folder to use instead of the pinned wheel; one on
                   CMAKE_PREFIX_PATH is taken as well
  LENS_BUILD_DIR   where to build (default: build)
  LENS_CMAKE_ARGS  more arguments for cmake, for example -DLENS_WITH_CUDA=OFF
EOF
}

say() { printf 'setup: %s\n' "$*"; }
die() {
  printf 'setup: error: %s\n' "$*" >&2
  exit 1
}

tests=no lint=no readers=no cuda=auto apt=yes build=yes
while [ $# -gt 0 ]; do
  case $1 in
    --tests) tests=yes ;;
    --lint) lint=yes ;;
    --readers) readers=yes ;;
    --cuda) cuda=yes ;;
    --no-cuda) cuda=no ;;
    --no-apt) apt=no ;;
    --no-build) build=no ;;
    -h | --help)
      usage
      exit 0
      ;;
    *)
      usage >&2
      exit 2
      ;;
  esac
  shift
done

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
venv=$root/.deps/venv
build_dir=${LENS_BUILD_DIR:-build}
mkdir -p .deps
if command -v flock >/dev/null; then
  exec 9>.deps/lock
  flock --nonblock 9 || {
    say "waiting for another setup.sh in this tree"
    flock 9
  }
fi

# --- Debian and Ubuntu packages ---------------------------------------------

packages=(
  g++ cmake ninja-build ccache git ca-certificates python3 python3-venv
  libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc
  libhdf5-dev libsqlite3-dev libopenmpi-dev openmpi-bin libssl-dev
  libjpeg62-turbo-dev libpng-dev zlib1g-dev libdeflate-dev
  libicu-dev libutf8proc-dev
  nlohmann-json3-dev libcli11-dev libspdlog-dev libfmt-dev libtomlplusplus-dev
)
if [ -r /etc/os-release ] && grep -qi '^ID=ubuntu' /etc/os-release; then
  packages=("${packages[@]/libjpeg62-turbo-dev/libjpeg-turbo8-dev}")
fi
if [ $tests = yes ]; then
  packages+=(libgtest-dev libgmock-dev hdf5-tools
    munge slurmctld slurmd slurm-client slurm-wlm-basic-plugins iproute2
    chromium chromium-driver fonts-noto-core fonts-noto-cjk)
fi
if [ $readers = yes ]; then
  packages+=(octave octave-netcdf r-base-core r-cran-hdf5r r-bioc-rhdf5)
fi
if [ $lint = yes ]; then
  packages+=(clang-format clang-tidy shellcheck)
fi

install_packages() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "not Debian or Ubuntu, so system packages are yours to install; cmake" \
      "will name what it misses. On Debian they are: ${packages[*]}"
    return
  fi
  local installed missing=() package
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' \
    "${packages[@]}" 2>/dev/null | sed -n 's/^installed //p') || true
  for package in "${packages[@]}"; do
    grep -qxF -- "$package" <<<"$installed" || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0

  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      die "${#missing[@]} packages are missing and this is neither root nor" \
        "is there sudo; ask for: apt-get install --no-install-recommends" \
        "${missing[*]}  (or --no-apt if you have them from elsewhere)"
    fi
    as_root=(sudo)
    [ -t 0 ] || as_root+=(--non-interactive)
  fi
  say "installing ${#missing[@]} packages: ${missing[*]}"
  "${as_root[@]}" apt-get -qq update ||
    say "apt-get update failed; trying with the package lists there are"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq -y -o Dpkg::Use-Pty=0 --no-install-recommends \
    install "${missing[@]}" >.deps/apt.log 2>&1 9>&- || {
    tail -20 .deps/apt.log >&2
    die "apt-get install failed (all of it: .deps/apt.log)"
  }
}
[ $apt = no ] || install_packages

# --- Python wheels: libtorch and Arrow, and the tests' oracles ---------------

# The libtorch the user gives, by LENS_TORCH or on CMAKE_PREFIX_PATH.
given_torch() {
  local folder folders
  if [ -n "${LENS_TORCH:-}" ]; then
    [ -e "$LENS_TORCH/lib/libtorch_cpu.so" ] ||
      die "LENS_TORCH=$LENS_TORCH holds no lib/libtorch_cpu.so"
    (cd "$LENS_TORCH" && pwd)
    return
  fi
  IFS=':;' read -ra folders <<<"${CMAKE_PREFIX_PATH:-}"
  for folder in "${folders[@]}"; do
    if [ -e "$folder/lib/libtorch_cpu.so" ]; then
      (cd "$folder" && pwd)
      return
    fi
  done
}
torch=$(given_torch)

gpu_present() {
  [ -e /dev/nvidia0 ] || nvidia-smi -L >/dev/null 2>&1
}

requirements=(scripts/requirements.txt)
[ $tests = no ] || requirements+=(scripts/requirements-test.txt)
if [ $cuda = auto ]; then
  if [ -z "$torch" ] && gpu_present; then cuda=yes; else cuda=no; fi
fi
[ $cuda = no ] || requirements+=(scripts/requirements-cuda.txt)

# name==version lines, each once; without libtorch's where the user brings his.
pins() {
  local drop='^$'
  if [ -n "$torch" ] && [ $tests = no ] && [ $cuda = no ]; then
    drop='^(torch|nvidia-)'
  fi
  sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' "${requirements[@]}" |
    grep -Ev "$drop" | sort -u
}

# Of the pins on stdin, those that the tree's Python does not have.
missing_pins() {
  "$venv/bin/python" -c '
import importlib.metadata as metadata, sys
for pin in sys.stdin.read().split():
    name, version = pin.split("==")
    try:
        found = metadata.version(name)
    except metadata.PackageNotFoundError:
        found = None
    if found != version:
        print(pin)'
}

install_wheels() {
  local wanted stamp missing
  wanted=$(pins)
  stamp=.deps/wheels-$(sha256sum <<<"$wanted" | cut -c1-16)
  if [ -e "$stamp" ] && [ -x "$venv/bin/python" ]; then return; fi

  if ! "$venv/bin/python" -c '' 2>/dev/null; then
    command -v python3 >/dev/null ||
      die "python3 not found; install Python 3.11 or newer"
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
      die "$(python3 -V) is too old for the pinned wheels; put Python 3.11 or" \
        "newer first on PATH"
    say "making a Python environment in .deps/venv"
    rm -rf "$venv" .deps/wheels-*
    python3 -m venv "$venv" ||
      die "python3 -m venv failed; install the package python3-venv"
  fi
  missing=$(missing_pins <<<"$wanted")
  if [ -n "$missing" ]; then
    say "installing wheels ($(wc -l <<<"$missing") of those pinned in" \
      "${requirements[*]})"
    "$venv/bin/python" -m pip --disable-pip-version-check install --quiet \
      --no-deps --only-binary :all: --retries 5 -r /dev/stdin <<<"$missing" ||
      die "pip could not install the wheels; look above for the reason, then" \
        "run this again: it goes on where it stopped"
  fi
  touch "$stamp"
}
install_wheels

# --- Configure and build -----------------------------------------------------

[ $build = yes ] || exit 0

# As many compilers as there are cores, at 1.5 GB of free memory each.
jobs() {
  local cores memory_kb by_memory
  cores=$(nproc)
  memory_kb=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo)
  by_memory=$((${memory_kb:-1500000} / 1500000))
  [ $by_memory -ge 1 ] || by_memory=1
  echo $((cores < by_memory ? cores : by_memory))
}

configure() {
  local arguments=(-DCMAKE_BUILD_TYPE=Release -DLENS_TORCH="$torch"
    -DLENS_WERROR=OFF) wanted
  local cache=$build_dir/CMakeCache.txt
  if [ -e "$cache" ] &&
    ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$cache"; then
    say "$build_dir was made for another place; configuring it anew"
    rm -rf "$cache" "$build_dir/CMakeFiles" "$build_dir/build.ninja"
  fi
  # shellcheck disable=SC2206  # words on purpose
  arguments+=(${LENS_CMAKE_ARGS:-})
  # Invariant: build.ninja was made with these arguments against these wheels.
  wanted="$(printf '%s\n' "${arguments[@]}" && cat scripts/requirements.txt)"
  if [ $tests = yes ]; then
    arguments=(-DLENS_BUILD_TESTS=ON -DLENS_BUILD_BENCH=OFF "${arguments[@]}")
  elif [ ! -e "$cache" ]; then
    arguments=(-DLENS_BUILD_TESTS=OFF -DLENS_BUILD_BENCH=OFF "${arguments[@]}")
  fi
  if [ -e "$build_dir/build.ninja" ] &&
    [ "$wanted" = "$(cat "$build_dir/.setup" 2>/dev/null)" ] &&
    { [ $tests = no ] || grep -q '^LENS_BUILD_TESTS:BOOL=ON' \
      "$cache"; }; then
    return
  fi
  say "configuring in $build_dir"
  rm -f "$build_dir/.setup"
  # An earlier choice of libtorch must not outlive it.
  cmake -S . -B "$build_dir" -G Ninja -U 'LENS_TORCH_*' -U LENS_C10 \
    "${arguments[@]}" >.deps/configure.log 2>&1 9>&- || {
    tail -30 .deps/configure.log >&2
    die "cmake could not configure (all of it: .deps/configure.log)"
  }
  printf '%s\n' "$wanted" >"$build_dir/.setup"
}
configure
targets=()
[ $tests = yes ] || targets=(--target programs)
say "building in $build_dir"
cmake --build "$build_dir" --parallel "${LENS_JOBS:-$(jobs)}" \
  "${targets[@]}" 9>&-
say "ready: programs in $build_dir/bin"
