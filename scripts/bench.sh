#!/usr/bin/env bash
# All that is measured on CPUs, written into docs/performance.md; see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec "${LENS_PYTHON:-.deps/venv/bin/python}" bench/cpu_figures.py "$@"
