# SPDX-License-Identifier: BSD-3-Clause
# Installed: bin, lib, headers, a pkg-config file and a CMake package; man pages, completion,
# documents, example sweeps and jobs. Doors include no foreign header, so that who uses htflow
# needs htflow alone.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
if(TARGET htflow_program)
  set_target_properties(htflow_program PROPERTIES
                        INSTALL_RPATH $ORIGIN/../${CMAKE_INSTALL_LIBDIR})
  install(TARGETS htflow_program)
endif()
install(TARGETS htflow EXPORT htflow INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/htflow TYPE INCLUDE)
file(RELATIVE_PATH HTF_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(htflow.pc.in htflow.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/htflow.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(EXPORT htflow NAMESPACE htflow:: FILE htflowConfig.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/htflow)
write_basic_package_version_file(htflowConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/htflowConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/htflow)

# Man pages and completion, written by the program from the tables that it works by.
if(TARGET htflow_program)
  set(papers ${CMAKE_BINARY_DIR}/papers)
  add_custom_command(OUTPUT ${papers}/written
                     COMMAND ${CMAKE_COMMAND} -E rm -rf ${papers}
                     COMMAND htflow_program help --papers ${papers}
                     COMMAND ${CMAKE_COMMAND} -E touch ${papers}/written
                     DEPENDS htflow_program
                     COMMENT "Writing man pages and completion")
  add_custom_target(htflow_papers ALL DEPENDS ${papers}/written)
  install(DIRECTORY ${papers}/man/ TYPE MAN)
  install(DIRECTORY ${papers}/bash-completion ${papers}/zsh ${papers}/fish TYPE DATA)
endif()

install(FILES ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/LICENSE TYPE DOC)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/data DESTINATION ${CMAKE_INSTALL_DOCDIR}
        PATTERN "*.h5" EXCLUDE)
# Example sweeps name their data as seen from share/htflow.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/data/ DESTINATION ${CMAKE_INSTALL_DATADIR}/htflow/data
        FILES_MATCHING PATTERN "*.h5" PATTERN "pictures" EXCLUDE)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/tests/examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples
        FILES_MATCHING PATTERN "*.c" PATTERN "Makefile" PATTERN "CMakeLists.txt")
install(DIRECTORY ${PROJECT_SOURCE_DIR}/jobs/ DESTINATION ${CMAKE_INSTALL_DATADIR}/htflow/examples
        FILES_MATCHING PATTERN "*.yaml")
# What runs on a cluster; the other scripts of jobs/ want the sources.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/jobs/ DESTINATION ${CMAKE_INSTALL_DATADIR}/htflow/jobs
        USE_SOURCE_PERMISSIONS
        FILES_MATCHING PATTERN "*.sbatch" PATTERN "*.conf" PATTERN "chain.sh" PATTERN "README.md")
