# Headers that many files read, compiled once: torch's for what speaks torch,
# GoogleTest's for tests. Measured with gcc 12: a file that includes the tensor
# and four operators takes 1.3 s instead of 4.8 s, a test's 2.4 to 4.1 s instead
# of 4.2 to 7.3 s; the headers themselves take 12 s and 11 s once. Each file still
# includes what it uses: clang-tidy reads it without them.
#
# Libraries without torch have none: with the standard library's headers
# precompiled gcc 12 warns of overflows inside std::string that are not there.
option(LENS_PCH "Precompile the headers of torch and GoogleTest" ON)

set(LENS_TORCH_HEADERS
    <ATen/core/Tensor.h>
    <ATen/Context.h>
    <ATen/DeviceGuard.h>
    <ATen/TensorUtils.h>
    <ATen/ops/empty.h>
    <algorithm>
    <cstdint>
    <functional>
    <map>
    <memory>
    <string>
    <vector>)
set(LENS_TEST_HEADERS
    <gmock/gmock.h>
    <gtest/gtest.h>
    <chrono>
    <filesystem>
    <functional>
    <optional>
    <span>)

# lens_precompile(TARGET [TEST] LIBRARIES ...): LIBRARIES is the target's own
# list, which names torch or a folder that speaks torch in its headers, or not.
function(lens_precompile name)
  cmake_parse_arguments(ARG "TEST" "" "LIBRARIES" ${ARGN})
  set(torch OFF)
  foreach(library lens::torch lens_torch lens_collective lens_model lens_engine
                  lens_lens)
    if(library IN_LIST ARG_LIBRARIES AND NOT LENS_WITHOUT_TORCH)
      set(torch ON)
    endif()
  endforeach()
  if(NOT LENS_PCH OR NOT (torch OR ARG_TEST))
    return()
  endif()
  # gcc reads a precompiled header only under the flags that it was made with,
  # and tests have flags of their own.
  if(torch AND ARG_TEST)
    set(headers lens_torch_test_headers)
  elseif(torch)
    set(headers lens_torch_headers)
  else()
    set(headers lens_test_headers)
  endif()
  if(NOT TARGET ${headers})
    set(source ${PROJECT_BINARY_DIR}/${headers}.cc)
    file(CONFIGURE OUTPUT ${source} CONTENT "")
    add_library(${headers} OBJECT ${source})
    lens_warnings(${headers})
    if(torch)
      target_link_libraries(${headers} PRIVATE lens::torch)
      target_precompile_headers(${headers} PRIVATE ${LENS_TORCH_HEADERS})
    endif()
    if(ARG_TEST)
      target_link_libraries(${headers} PRIVATE GTest::gmock)
      target_precompile_headers(${headers} PRIVATE ${LENS_TEST_HEADERS})
      lens_test_flags(${headers})
    endif()
  endif()
  # A program is compiled for any address as a library is (-fPIC, not -fPIE),
  # for the same reason.
  get_target_property(type ${name} TYPE)
  if(type STREQUAL EXECUTABLE)
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fPIC>)
  endif()
  target_precompile_headers(${name} REUSE_FROM ${headers})
endfunction()
