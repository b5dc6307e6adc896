#!/usr/bin/env bash
# Installs what is missing, builds, and runs the whole way once on pictures and
# a small model that come with the tree, up to the report: no download of data,
# no GPU.
set -euo pipefail

usage() {
  cat <<'EOF'
usage: scripts/demo.sh [--fresh] [--no-apt] [more flags for `lens run`]
  --fresh    remove demo/run first; without it a finished demo is not repeated
             and an interrupted one goes on
  --no-apt   passed to scripts/setup.sh
EOF
}

fresh=no
setup_options=()
run_options=()
while [ $# -gt 0 ]; do
  case $1 in
    --fresh) fresh=yes ;;
    --no-apt) setup_options+=(--no-apt) ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) run_options+=("$1") ;;
  esac
  shift
done

cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/setup.sh "${setup_options[@]}"
bin=${LENS_BUILD_DIR:-build}/bin
run=demo/run
[ $fresh = no ] || rm -rf "$run"

# No answer of the test splits is longer than 40 tokens.
"$bin/lens" run --model demo/model --out "$run" \
  --dataset mtvqa=demo/data/mtvqa --dataset latex_ocr=demo/data/latex_ocr \
  --device cpu --dtype float32 --max-new-tokens 40 "${run_options[@]}"

"$bin/lens" report "$run" -o "$run/report.html"

cat <<EOF

The report:   $PWD/$run/report.html (open it in a browser)
The file:     $PWD/$run/results.h5
Look into it: h5dump -n $run/results.h5, or h5py, xarray, R, MATLAB (README.md)
Check it:     $bin/lens verify $run
EOF
