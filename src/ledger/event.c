// SPDX-License-Identifier: BSD-3-Clause
#include "htflow/event.h"

#include <stddef.h>

static const char *const kinds[] = {
#define TEXT(name, text, meaning) text,
    HTF_EVENT_KIND_TABLE(TEXT) NULL
#undef TEXT
};

#define OVER_EVENT(member, long_name, comment)                                             \
  {"event_" #member,                                                                       \
   long_name,                                                                              \
   "1",                                                                                    \
   comment,                                                                                \
   1,                                                                                      \
   {"event"},                                                                              \
   HTF_EVENT_COLUMN_##member == HTF_EVENT_COLUMN_kind ? kinds : NULL},

static const htf_variable variables[] = {
    HTF_EVENT_TABLE(OVER_EVENT){
        "activation_time",
        "flow time of the activation",
        "1",
        "when the component's norm first rose above the least of events.component; "
        "activation_time + activation_time_low exactly; NaN where it did not",
        2,
        {"node", "component"},
        NULL},
    {"activation_time_low",
     "low part of the flow time of the activation",
     "1",
     "see activation_time",
     2,
     {"node", "component"},
     NULL},
    {"activation_arc_length",
     "arc length of the weights at the activation",
     "1",
     "see activation_time",
     2,
     {"node", "component"},
     NULL},
};

const htf_variable *htf_event_variables(int *count) {
  *count = sizeof variables / sizeof *variables;
  return variables;
}
