# SPDX-License-Identifier: BSD-3-Clause
# `cmake --build build --target docs`: the doors as HTML, where there is doxygen. A public
# function without a comment is an error.
find_package(Doxygen QUIET)
if(DOXYGEN_FOUND)
  set(HTF_DOORS "${PROJECT_SOURCE_DIR}/include/htflow ${CMAKE_CURRENT_LIST_DIR}/doors.dox")
  set(HTF_DOCS ${CMAKE_BINARY_DIR}/docs)
  set(HTF_FILTER ${CMAKE_CURRENT_LIST_DIR}/doxygen.py)
  configure_file(${CMAKE_CURRENT_LIST_DIR}/Doxyfile.in ${HTF_DOCS}/Doxyfile @ONLY)
  add_custom_target(docs COMMAND ${DOXYGEN_EXECUTABLE} ${HTF_DOCS}/Doxyfile
                    COMMENT "Writing ${HTF_DOCS}/html" VERBATIM)
endif()
