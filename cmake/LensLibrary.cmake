# How the folders are built. Headers are included by their path from the top of
# the tree.

# lens_library(NAME SOURCES ... [PUBLIC ...] [PRIVATE ...]): one library per
# folder.
function(lens_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
  lens_warnings(${name})
  lens_precompile(${name} LIBRARIES ${ARG_PUBLIC} ${ARG_PRIVATE})
endfunction()

# lens_program(NAME SOURCES ... LIBRARIES ...)
function(lens_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES})
  lens_warnings(${name})
  lens_precompile(${name} LIBRARIES ${ARG_LIBRARIES})
endfunction()

# lens_installed_program(NAME ...): one that `cmake --install` copies. It looks for
# libraries in lib/ beside its folder first, where scripts/package.sh puts them,
# then where they were when it was linked. The old kind of tag also holds for
# what libraries need in turn.
function(lens_installed_program name)
  lens_program(${name} ${ARGN})
  target_link_options(${name} PRIVATE -Wl,--disable-new-dtags)
  # Folders inside of the tree, such as the wheels', are not taken by
  # INSTALL_RPATH_USE_LINK_PATH.
  set(folders "$ORIGIN/../lib")
  foreach(library ${LENS_TORCH_CPU} ${LENS_LIBARROW})
    get_filename_component(folder ${library} DIRECTORY)
    list(APPEND folders ${folder})
  endforeach()
  set_target_properties(${name} PROPERTIES INSTALL_RPATH "${folders}"
                                           INSTALL_RPATH_USE_LINK_PATH TRUE)
  install(TARGETS ${name} RUNTIME DESTINATION bin)
endfunction()

# lens_test_program(NAME ...): one that tests start; it lies beside them, apart
# from what a user runs.
function(lens_test_program name)
  lens_program(${name} ${ARGN})
  set_target_properties(
    ${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
endfunction()

# lens_test(NAME SOURCES ... LIBRARIES ... [LABELS ...]): one GoogleTest program.
# The label `threads` is for those whose code many threads share: the target
# thread_tests builds them, for the thread sanitizer.
function(lens_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_definitions(
    ${name} PRIVATE LENS_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES} GTest::gmock
                                        GTest::gtest_main)
  lens_warnings(${name})
  lens_test_flags(${name})
  lens_precompile(${name} TEST LIBRARIES ${ARG_LIBRARIES})
  set_target_properties(
    ${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}")
  if("threads" IN_LIST ARG_LABELS)
    add_dependencies(thread_tests ${name})
  endif()
endfunction()

# Warnings and sanitizers: the flags of all our own code. A sanitizer's finding
# ends the program, so that a test cannot pass over it.
function(lens_warnings name)
  target_compile_options(
    ${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wshadow>)
  # gcc 12 sees an overlap inside std::string in "text" + string (bug 105651).
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION
                                              VERSION_LESS 13)
    target_compile_options(
      ${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)
  endif()
  if(LENS_WERROR)
    target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Werror>)
  endif()
  if(LENS_SANITIZE)
    target_compile_options(
      ${name}
      PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${LENS_SANITIZE}
              -fno-sanitize-recover=all -fno-omit-frame-pointer>)
    target_link_options(${name} PRIVATE -fsanitize=${LENS_SANITIZE})
  endif()
endfunction()

# A test's own code: assertions need no speed, and -O1 takes a third less time to
# compile than -O3. What sanitizers look for is in the libraries: in a test's own
# code it would double that time.
function(lens_test_flags name)
  if(LENS_SANITIZE MATCHES "undefined")
    set(options -O0 -fno-sanitize=undefined)
  else()
    set(options -O1)
  endif()
  # gcc 12 sees overflows inside std::string that are not there, where the
  # standard library's headers are precompiled (bug 105651).
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION
                                              VERSION_LESS 13)
    list(APPEND options -Wno-array-bounds -Wno-stringop-overflow)
  endif()
  target_compile_options(
    ${name} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:${options}>")
endfunction()
