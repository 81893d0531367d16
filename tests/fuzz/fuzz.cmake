# SPDX-License-Identifier: MIT
# Fuzz targets (libFuzzer, so clang only), one line each in the *.fuzz.cmake beside this file:
#
#   easelfs_fuzz(NAME LAYERS...)   fuzz_NAME.c, seeds in corpus/NAME/, words in NAME.dict
#
# The layers are compiled once more with instrumentation, so that the rest of the build is not
# touched. `ctest -R fuzz/` is the short run; a long one is `fuzz_NAME -runs=N DIR corpus/NAME`.
if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
  message(FATAL_ERROR "EASELFS_FUZZ needs clang: -DCMAKE_C_COMPILER=clang")
endif()

set(fuzz_flags -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
               -U_FORTIFY_SOURCE)

# A copy of a layer for fuzzing.
function(easelfs_fuzz_layer layer)
  if(TARGET fuzz_layer_${layer})
    return()
  endif()
  get_target_property(sources ${layer} SOURCES)
  add_library(fuzz_layer_${layer} OBJECT ${sources})
  foreach(property INCLUDE_DIRECTORIES COMPILE_DEFINITIONS LINK_LIBRARIES)
    get_target_property(value ${layer} ${property})
    if(value)
      set_property(TARGET fuzz_layer_${layer} PROPERTY ${property} ${value})
      set_property(TARGET fuzz_layer_${layer} PROPERTY INTERFACE_${property} ${value})
    endif()
  endforeach()
  target_compile_options(fuzz_layer_${layer} PRIVATE ${fuzz_flags} -fsanitize=fuzzer-no-link)
endfunction()

function(easelfs_fuzz name)
  set(here ${CMAKE_CURRENT_FUNCTION_LIST_DIR})
  set(layers)
  foreach(layer IN LISTS ARGN)
    easelfs_fuzz_layer(${layer})
    list(APPEND layers fuzz_layer_${layer})
  endforeach()
  add_executable(fuzz_${name} ${here}/fuzz_${name}.c)
  target_include_directories(fuzz_${name} PRIVATE ${here} ${here}/../unit)
  target_compile_options(fuzz_${name} PRIVATE ${fuzz_flags} -fsanitize=fuzzer)
  target_link_options(fuzz_${name} PRIVATE ${fuzz_flags} -fsanitize=fuzzer)
  target_link_libraries(fuzz_${name} PRIVATE ${layers})
  add_test(NAME fuzz/${name}
           COMMAND ${here}/run.sh $<TARGET_FILE:fuzz_${name}> ${here} ${name} 20000)
  set_tests_properties(fuzz/${name} PROPERTIES TIMEOUT 300)
endfunction()

file(GLOB fuzz_lists CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.fuzz.cmake)
foreach(list IN LISTS fuzz_lists)
  include(${list})
endforeach()
