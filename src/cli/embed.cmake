# SPDX-License-Identifier: BSD-3-Clause
# A text file made a C string: cmake -DFILE=.. -DNAME=.. -DOUT=.. -P embed.cmake
file(READ "${FILE}" text)
string(REPLACE "\\" "\\\\" text "${text}")
string(REPLACE "\"" "\\\"" text "${text}")
string(REPLACE "\n" "\\n\"\n\"" text "${text}")
file(WRITE "${OUT}" "extern const char ${NAME}[];\nconst char ${NAME}[] =\n\"${text}\";\n")
