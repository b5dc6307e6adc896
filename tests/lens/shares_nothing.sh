#!/usr/bin/env bash
# shares_nothing.sh LIBRARY: fails where its object files have weak symbols, of
# which a linker keeps one for the whole program, or use anyone else's.
set -euo pipefail
shared=$(nm --demangle "$1" | grep -E ' [uvwVW] ' || true)
needed=$(nm --demangle --undefined-only "$1" |
  grep -Ev ' (_GLOBAL_OFFSET_TABLE_|mem(set|cpy|move)|__asan_.*|__ubsan_.*)$' |
  grep ' U ' || true)
[ -z "$shared$needed" ] || {
  printf 'not the file'\''s own:\n%s\n%s\n' "$shared" "$needed"
  exit 1
}
nm "$1" | grep kPortable >/dev/null
