# LENS_HAVE_CUDA: compile the .cu files, whether there is a GPU or not. AUTO
# means: where an nvcc is found that works with this host compiler. Kernels link
# the static CUDA runtime and no other library of the toolkit, so the same
# program starts on machines without CUDA.
set(LENS_HAVE_CUDA FALSE)
if(NOT LENS_WITH_CUDA STREQUAL "OFF")
  find_program(LENS_NVCC nvcc HINTS ENV CUDA_HOME ENV CUDA_PATH /usr/local/cuda
               PATH_SUFFIXES bin)
  # 8.0 and 9.0 as machine code; newer GPUs compile the intermediate code of 9.0
  # when they first load it.
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 80-real 90-real 90-virtual)
  endif()
  set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
  set(CMAKE_CUDA_STANDARD 17)
  if(NOT CMAKE_CUDA_COMPILER AND LENS_NVCC)
    if(LENS_WITH_CUDA STREQUAL "ON")
      set(CMAKE_CUDA_COMPILER ${LENS_NVCC})
    else()
      # An nvcc that does not know this g++ must not stop who wants no GPU.
      set(ENV{CUDACXX} ${LENS_NVCC})
      include(CheckLanguage)
      check_language(CUDA)
      if(NOT CMAKE_CUDA_COMPILER)
        message(WARNING "${LENS_NVCC} does not work with ${CMAKE_CXX_COMPILER}: "
                        "CUDA kernels are left out. Give another one by "
                        "-DCMAKE_CUDA_COMPILER=, or LENS_WITH_CUDA=OFF.")
      endif()
    endif()
  endif()
  if(CMAKE_CUDA_COMPILER)
    enable_language(CUDA)
    set(LENS_HAVE_CUDA TRUE)
  elseif(LENS_WITH_CUDA STREQUAL "ON")
    message(FATAL_ERROR "LENS_WITH_CUDA=ON, but no nvcc was found. Give "
                        "-DCMAKE_CUDA_COMPILER=/path/nvcc or LENS_WITH_CUDA=OFF.")
  endif()
endif()
message(STATUS "CUDA kernels: ${LENS_HAVE_CUDA}")
