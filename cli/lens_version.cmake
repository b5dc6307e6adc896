# Writes OUTPUT with the version and the commit of SOURCE_DIR, at every build
# but only when it changed, so that nothing is compiled again for nothing.
set(commit unknown)
find_package(Git QUIET)
if(GIT_FOUND)
  execute_process(
    COMMAND ${GIT_EXECUTABLE} -C ${SOURCE_DIR} rev-parse --short=12 HEAD
    OUTPUT_VARIABLE head OUTPUT_STRIP_TRAILING_WHITESPACE
    RESULT_VARIABLE failed ERROR_QUIET)
  if(NOT failed)
    set(commit ${head})
    execute_process(
      COMMAND ${GIT_EXECUTABLE} -C ${SOURCE_DIR} diff --quiet HEAD --
      RESULT_VARIABLE changed ERROR_QUIET)
    if(changed)
      set(commit "${commit}-dirty")
    endif()
  endif()
endif()
set(text "#pragma once\n\n#define LENS_VERSION \"${VERSION}\"\n"
         "#define LENS_GIT_COMMIT \"${commit}\"\n")
string(CONCAT text ${text})
set(before "")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} before)
endif()
if(NOT before STREQUAL text)
  file(WRITE ${OUTPUT} "${text}")
endif()
