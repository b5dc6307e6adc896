# Imported targets for libtorch, made by hand: the package file of the wheel
# asks for a CUDA toolkit at configure time even where none is needed.
#
#   lens::torch   headers, libtorch_cpu and libc10. The CUDA half
#                 (libtorch_cuda.so) is loaded at run time when a GPU is asked
#                 for, so that one program serves machines with and without one.
#
# Looked for in CMAKE_PREFIX_PATH (a libtorch folder or a wheel's torch folder),
# then in the wheel that scripts/setup.sh places in the tree.
file(GLOB LENS_WHEEL_TORCH
     ${PROJECT_SOURCE_DIR}/.deps/venv/lib/python3*/site-packages/torch)

find_library(LENS_TORCH_CPU torch_cpu HINTS ${LENS_WHEEL_TORCH}
             PATH_SUFFIXES lib)
find_library(LENS_C10 c10 HINTS ${LENS_WHEEL_TORCH} PATH_SUFFIXES lib)
find_path(LENS_TORCH_INCLUDE ATen/ATen.h HINTS ${LENS_WHEEL_TORCH}
          PATH_SUFFIXES include)
if(NOT LENS_TORCH_CPU OR NOT LENS_C10 OR NOT LENS_TORCH_INCLUDE)
  message(FATAL_ERROR "libtorch not found. Run scripts/setup.sh, or give a "
                      "libtorch folder by -DCMAKE_PREFIX_PATH=/path/libtorch.")
endif()
get_filename_component(LENS_TORCH_LIB_DIR ${LENS_TORCH_CPU} DIRECTORY)
message(STATUS "libtorch: ${LENS_TORCH_LIB_DIR}")

# Invariant: one C++ ABI in the whole program.
file(STRINGS ${LENS_TORCH_INCLUDE}/torch/version.h LENS_TORCH_VERSION_LINE
     REGEX "#define TORCH_VERSION ")
message(STATUS "libtorch version: ${LENS_TORCH_VERSION_LINE}")

add_library(lens_c10 SHARED IMPORTED)
set_target_properties(lens_c10 PROPERTIES IMPORTED_LOCATION ${LENS_C10})
add_library(lens_torch_cpu SHARED IMPORTED)
set_target_properties(lens_torch_cpu PROPERTIES IMPORTED_LOCATION
                                                ${LENS_TORCH_CPU})
add_library(lens_torch INTERFACE)
target_include_directories(
  lens_torch SYSTEM
  INTERFACE ${LENS_TORCH_INCLUDE} ${LENS_TORCH_INCLUDE}/torch/csrc/api/include)
target_link_libraries(lens_torch INTERFACE lens_torch_cpu lens_c10
                                           Threads::Threads)
# libtorch_cpu brings its own dependencies by its own run path; the linker need
# not resolve them.
target_link_options(lens_torch INTERFACE -Wl,--allow-shlib-undefined
                    -Wl,--disable-new-dtags)
add_library(lens::torch ALIAS lens_torch)
