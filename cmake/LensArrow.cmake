# lens::arrow: Arrow and Parquet, from the pyarrow wheel that scripts/setup.sh
# places in the tree (headers and libraries of one wheel), or, where there is
# none, a system Arrow.
file(GLOB LENS_WHEEL_ARROW
     ${PROJECT_SOURCE_DIR}/.deps/venv/lib/python3*/site-packages/pyarrow)
add_library(lens_arrow INTERFACE)
if(LENS_WHEEL_ARROW)
  file(GLOB LENS_LIBARROW ${LENS_WHEEL_ARROW}/libarrow.so.[0-9]*)
  file(GLOB LENS_LIBPARQUET ${LENS_WHEEL_ARROW}/libparquet.so.[0-9]*)
  foreach(which ARROW PARQUET)
    string(TOLOWER ${which} lower)
    if(NOT LENS_LIB${which})
      message(FATAL_ERROR "no lib${lower}.so in ${LENS_WHEEL_ARROW}; run "
                          "scripts/setup.sh.")
    endif()
    list(GET LENS_LIB${which} 0 LENS_LIB${which})
    add_library(lens_${lower}_so SHARED IMPORTED)
    set_target_properties(lens_${lower}_so PROPERTIES IMPORTED_LOCATION
                                                      ${LENS_LIB${which}})
    target_link_libraries(lens_arrow INTERFACE lens_${lower}_so)
  endforeach()
  target_include_directories(lens_arrow SYSTEM
                             INTERFACE ${LENS_WHEEL_ARROW}/include)
  message(STATUS "Arrow: ${LENS_LIBARROW}")
else()
  find_package(Arrow REQUIRED)
  find_package(Parquet REQUIRED)
  target_link_libraries(lens_arrow INTERFACE Arrow::arrow_shared
                                             Parquet::parquet_shared)
endif()
add_library(lens::arrow ALIAS lens_arrow)
