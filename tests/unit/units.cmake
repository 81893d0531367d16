# SPDX-License-Identifier: MIT
# The unit tests, one line each: easelfs_unit(NAME LAYERS...).
file(GLOB unit_lists CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.units.cmake)
foreach(list IN LISTS unit_lists)
  include(${list})
endforeach()
