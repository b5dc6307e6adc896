# Imported targets for libtorch, made by hand: the package file of the wheel
# asks for a CUDA toolkit at configure time even where none is needed.
#
#   lens::torch   headers, libtorch_cpu and libc10. The CUDA half
#                 (libtorch_cuda.so) is loaded at run time when a GPU is asked
#                 for, so that one program serves machines with and without one.
#
# Looked for in LENS_TORCH (a libtorch folder or a wheel's torch folder; also
# read from the environment), in CMAKE_PREFIX_PATH, then in the wheel that
# scripts/setup.sh places in the tree.
set(LENS_TORCH "$ENV{LENS_TORCH}" CACHE PATH
    "A libtorch folder to use instead of the wheel in .deps/venv")
file(GLOB LENS_WHEEL_TORCH
     ${PROJECT_SOURCE_DIR}/.deps/venv/lib/python3*/site-packages/torch)

# A cached place is forgotten when it is gone or another one was asked for.
if(LENS_TORCH_CPU)
  string(FIND "${LENS_TORCH_CPU}" "${LENS_TORCH}/" lens_torch_at)
  if(NOT EXISTS ${LENS_TORCH_CPU} OR (LENS_TORCH AND NOT lens_torch_at EQUAL 0))
    unset(LENS_TORCH_CPU CACHE)
    unset(LENS_C10 CACHE)
    unset(LENS_TORCH_INCLUDE CACHE)
    unset(LENS_TORCH_SAME_ABI CACHE)
  endif()
endif()
if(LENS_TORCH)
  find_library(LENS_TORCH_CPU torch_cpu PATHS ${LENS_TORCH} PATH_SUFFIXES lib
               NO_DEFAULT_PATH)
else()
  find_library(LENS_TORCH_CPU torch_cpu HINTS ${LENS_WHEEL_TORCH}
               PATH_SUFFIXES lib)
endif()
# Headers and libc10 come from where libtorch_cpu is: never from two releases.
if(LENS_TORCH_CPU)
  get_filename_component(LENS_TORCH_LIB_DIR ${LENS_TORCH_CPU} DIRECTORY)
  find_library(LENS_C10 c10 PATHS ${LENS_TORCH_LIB_DIR} NO_DEFAULT_PATH)
  find_path(LENS_TORCH_INCLUDE ATen/ATen.h
            PATHS ${LENS_TORCH_LIB_DIR}/../include
                  ${LENS_TORCH_LIB_DIR}/../../include
            NO_DEFAULT_PATH)
endif()
if(NOT LENS_TORCH_CPU OR NOT LENS_C10 OR NOT LENS_TORCH_INCLUDE)
  message(FATAL_ERROR
          "libtorch not found (looked in '${LENS_TORCH}', CMAKE_PREFIX_PATH and "
          "'${LENS_WHEEL_TORCH}'). Run scripts/setup.sh, or give a libtorch "
          "folder by -DLENS_TORCH=/path/libtorch.")
endif()
get_filename_component(LENS_TORCH_INCLUDE_DIR ${LENS_TORCH_INCLUDE} REALPATH)
set(LENS_TORCH_VERSION "")
foreach(header torch/headeronly/version.h
               torch/csrc/api/include/torch/version.h)
  if(EXISTS ${LENS_TORCH_INCLUDE_DIR}/${header} AND NOT LENS_TORCH_VERSION)
    file(STRINGS ${LENS_TORCH_INCLUDE_DIR}/${header} numbers
         REGEX "#define TORCH_VERSION_(MAJOR|MINOR|PATCH) [0-9]+")
    list(TRANSFORM numbers REPLACE "[^0-9]" "")
    list(JOIN numbers "." LENS_TORCH_VERSION)
  endif()
endforeach()
message(STATUS "libtorch: ${LENS_TORCH_VERSION} in ${LENS_TORCH_LIB_DIR}")

add_library(lens_c10 SHARED IMPORTED)
set_target_properties(lens_c10 PROPERTIES IMPORTED_LOCATION ${LENS_C10})
add_library(lens_torch_cpu SHARED IMPORTED)
set_target_properties(lens_torch_cpu PROPERTIES IMPORTED_LOCATION
                                                ${LENS_TORCH_CPU})
add_library(lens_torch INTERFACE)
target_include_directories(
  lens_torch SYSTEM
  INTERFACE ${LENS_TORCH_INCLUDE_DIR}
            ${LENS_TORCH_INCLUDE_DIR}/torch/csrc/api/include)
target_link_libraries(lens_torch INTERFACE lens_torch_cpu lens_c10
                                           Threads::Threads)
# libtorch_cpu brings its own dependencies by its own run path; the linker need
# not resolve them.
target_link_options(lens_torch INTERFACE -Wl,--allow-shlib-undefined
                    -Wl,--disable-new-dtags)
add_library(lens::torch ALIAS lens_torch)

# Invariant: one C++ ABI in the whole program. A libtorch built with the old
# std::string would fail at link time with a page of undefined references.
include(CheckCXXSourceCompiles)
set(CMAKE_REQUIRED_LIBRARIES ${LENS_C10})
set(CMAKE_REQUIRED_LINK_OPTIONS -Wl,--allow-shlib-undefined)
check_cxx_source_compiles(
  "#include <string>
  namespace c10::detail {
  [[noreturn]] void torchCheckFail(const char*, const char*, unsigned,
                                   const std::string&);
  }
  int main() { c10::detail::torchCheckFail(\"\", \"\", 0, std::string()); }"
  LENS_TORCH_SAME_ABI)
unset(CMAKE_REQUIRED_LIBRARIES)
unset(CMAKE_REQUIRED_LINK_OPTIONS)
if(NOT LENS_TORCH_SAME_ABI)
  message(FATAL_ERROR
          "libtorch in ${LENS_TORCH_LIB_DIR} was built with another C++ ABI "
          "(std::string differs); give one built with the C++11 ABI, as all "
          "since 2.7 are.")
endif()
