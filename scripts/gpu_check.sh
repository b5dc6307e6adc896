#!/usr/bin/env bash
# Everything that a machine with one GPU can tell; see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec "${LENS_PYTHON:-python3}" bench/gpu_check.py "$@"
