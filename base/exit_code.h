#pragma once

namespace lens {

// Exit codes of every command. Scripts rely on them: they must not change.
inline constexpr int kExitOk = 0;
inline constexpr int kExitError = 1;
inline constexpr int kExitUsage = 2;
// Interrupted in an orderly way; the same command goes on (EX_TEMPFAIL).
inline constexpr int kExitResumable = 75;

}  // namespace lens
