#!/usr/bin/env bash
# Installs what is missing, builds, and runs the tests.
set -euo pipefail

usage() {
  cat <<'EOF'
usage: scripts/test.sh [--soak] [--no-apt] [ctest options]
  --soak       run the long tests (label soak) alone; without it all the others
  --no-apt     passed to scripts/setup.sh
  ctest options, for example:
    -R storage            tests whose name matches
    -L oracle             tests with the label
    -LE slow              tests without it
    --rerun-failed

environment: LENS_TEST_JOBS, tests at a time (default 2), and what
scripts/setup.sh reads. Exit 0 when no test failed.
EOF
}

setup_options=(--tests)
selection=(-LE soak)
options=()
while [ $# -gt 0 ]; do
  case $1 in
    --soak) selection=(-L soak) ;;
    --no-apt) setup_options+=(--no-apt) ;;
    # ctest takes one -LE: ours and the caller's become one expression.
    -LE | --label-exclude)
      [ $# -ge 2 ] || {
        usage >&2
        exit 2
      }
      selection=(-LE "soak|$2")
      shift
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) options+=("$1") ;;
  esac
  shift
done

cd "$(dirname "${BASH_SOURCE[0]}")/.."
build_dir=${LENS_BUILD_DIR:-build}
scripts/setup.sh "${setup_options[@]}"

results=$PWD/$build_dir/test-results.xml
case $build_dir in /*) results=$build_dir/test-results.xml ;; esac
rm -f "$results"
status=0
ctest --test-dir "$build_dir" --parallel "${LENS_TEST_JOBS:-2}" \
  --output-on-failure --no-tests=error --output-junit "$results" \
  "${selection[@]}" "${options[@]}" || status=$?

# One line a person or a program can read: <testsuite ... tests="" failures=""
# disabled="" skipped="" ...> is the only element with these attributes.
count() {
  sed -n "s/^[[:space:]]*$1=\"\([0-9]*\)\".*/\1/p" "$results" | head -1
}
if [ -e "$results" ]; then
  tests=$(count tests)
  failed=$(count failures)
  skipped=$(($(count skipped) + $(count disabled)))
  printf '%d passed, %d failed, %d skipped\n' \
    $((tests - failed - skipped)) "$failed" "$skipped"
fi
exit $status
