// SPDX-License-Identifier: BSD-3-Clause
// Times as unevaluated sums of two doubles.
#include "htflow/flow.h"

// Knuth's two-sum: high + seconds = sum + error exactly. The low parts are then added and
// the result is brought back to |low| <= ulp(high) / 2.
htf_flow_time htf_flow_time_add(htf_flow_time time, double seconds) {
  double sum = time.high + seconds;
  double virtual = sum - time.high;
  double error = (time.high - (sum - virtual)) + (seconds - virtual);
  error += time.low;
  double high = sum + error;
  return (htf_flow_time){high, error - (high - sum)};
}

int htf_flow_time_compare(htf_flow_time a, htf_flow_time b) {
  if (a.high != b.high) {
    return a.high < b.high ? -1 : 1;
  }
  return a.low == b.low ? 0 : a.low < b.low ? -1 : 1;
}
