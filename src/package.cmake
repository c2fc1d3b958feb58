# SPDX-License-Identifier: BSD-3-Clause
# `cpack -G DEB` in the build folder: a Debian package of what is installed. Who packaged it is
# the author of the last commit.
execute_process(COMMAND git log -1 "--format=%an <%ae>" WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
                OUTPUT_VARIABLE HTF_MAINTAINER OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT HTF_MAINTAINER)
  set(HTF_MAINTAINER "the htflow authors <htflow@localhost>")
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME htflow)
set(CPACK_PACKAGE_VENDOR "the htflow authors")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${HTF_MAINTAINER})
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
# Libraries are asked which packages they are of; mpirun is a program, which cannot be asked.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS openmpi-bin)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS
    "python3-h5py, python3-matplotlib, python3-xarray, python3-h5netcdf, python3-yaml")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "slurm-client, bash-completion")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY
    "sweeps of the gradient flow of hierarchical tensor factorizations")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"htflow runs large sweeps of the gradient flow of hierarchical tensor
factorizations over MPI and gathers what it measured into one HDF5 file.
One YAML file names a base experiment and axes: mode tree, width,
initialisation scale, seeds, and more. Each run integrates the flow to a
given tolerance by an implicit, matrix-free method, and measures local
component norms, singular values of every matricization and conserved
quantities on its way.

This package holds the program, its library with headers, man pages,
completion for shells, examples, and the Python package for analysis.")
# Policy wants a trigger where cpack writes scripts that call ldconfig, and says nothing else.
file(WRITE ${CMAKE_BINARY_DIR}/debian/triggers "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_BINARY_DIR}/debian/triggers)
set(CPACK_HTF_SOURCE ${PROJECT_SOURCE_DIR})
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/debian.cmake)
include(CPack)
