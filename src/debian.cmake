# SPDX-License-Identifier: BSD-3-Clause
# What Debian's policy wants of a package, done by cpack to what was installed for it
# (package.cmake): pages compressed, a copyright file, a changelog, no RUNPATH.
set(usr ${CPACK_TEMPORARY_DIRECTORY}/usr)
set(doc ${usr}/share/doc/htflow)

file(GLOB pages ${usr}/share/man/man?/*)
execute_process(COMMAND gzip -9n ${pages} COMMAND_ERROR_IS_FATAL ANY)

# Each line of the licence begins with a blank, an empty one is a dot.
file(READ ${CPACK_HTF_SOURCE}/LICENSE licence)
string(REGEX MATCH "Copyright \\(c\\) ([^\n]*)" found "${licence}")
set(holders ${CMAKE_MATCH_1})
string(REGEX REPLACE "^[^\n]*\n\n" "" licence "${licence}")
string(REGEX REPLACE "\n" "\n " licence " ${licence}")
string(REGEX REPLACE "\n \n" "\n .\n" licence "${licence}")
string(REGEX REPLACE "[ \n]+$" "" licence "${licence}")
file(WRITE ${doc}/copyright
"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: htflow

Files: *
Copyright: ${holders}
License: BSD-3-Clause

License: BSD-3-Clause
${licence}
")
file(REMOVE ${doc}/LICENSE)

execute_process(COMMAND git log -1 --format=%h%n%aD WORKING_DIRECTORY ${CPACK_HTF_SOURCE}
                OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT commit)
  execute_process(COMMAND date -R OUTPUT_VARIABLE date OUTPUT_STRIP_TRAILING_WHITESPACE)
  set(commit "unknown\n${date}")
endif()
string(REGEX MATCH "^([^\n]*)\n(.*)$" found "${commit}")
file(WRITE ${doc}/changelog
"htflow (${CPACK_PACKAGE_VERSION}) unstable; urgency=medium

  * Packaged by cpack from commit ${CMAKE_MATCH_1}.

 -- ${CPACK_DEBIAN_PACKAGE_MAINTAINER}  ${CMAKE_MATCH_2}
")
execute_process(COMMAND gzip -9nf ${doc}/changelog COMMAND_ERROR_IS_FATAL ANY)

# The library lies where every program looks for libraries.
file(RPATH_REMOVE FILE ${usr}/bin/htflow)

file(WRITE ${usr}/share/lintian/overrides/htflow
"# No library but htflow's own is in it: it names the version of libdeflate that it calls.
htflow: embedded-library zlib *
# One package holds the program, the library and the headers: nobody packages against it.
htflow: link-to-shared-library-in-wrong-package *
htflow: package-name-doesnt-match-sonames libhtflow*
# A directory that pkg-config looks into on any system.
htflow: pkg-config-unavailable-for-cross-compilation *
")
