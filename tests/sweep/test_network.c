// SPDX-License-Identifier: BSD-3-Clause
// Places and messages, on the ranks of one host; tests/slurm has them on three.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "htflow/memory.h"
#include "htflow/network.h"
#include "htflow/sweep.h"
#include "mpi_test.h"

MPI_TEST(network, places_come_in_the_order_of_ranks) {
  htf_network_place own, *all = NULL;
  htf_sweep_open(NULL, NULL);
  htf_network_here(3 + htf_sweep_rank(), &own);
  mpi_check(own.count >= 1 && own.host[0] != '\0', "%d cores of %s", own.count, own.host);
  mpi_check(htf_network_gather(&own, &all) == HTF_OK, "%s", htf_error_message());
  mpi_check((all != NULL) == (htf_sweep_rank() == 0), "only rank 0 has them");
  for (int rank = 0; all != NULL && rank < htf_sweep_ranks(); rank++) {
    mpi_check(all[rank].threads == 3 + rank && strcmp(all[rank].host, own.host) == 0,
              "rank %d: %d threads on %s", rank, all[rank].threads, all[rank].host);
  }
  HTF_FREE(all);
  htf_sweep_close();
}

MPI_TEST(network, messages_are_timed_between_two_ranks_only) {
  double latency = 0, rate = 0;
  char text[256];
  htf_sweep_open(NULL, NULL);
  int last = htf_sweep_ranks() - 1;
  if (last > 0) {
    bool plays = htf_sweep_rank() == 0 || htf_sweep_rank() == last;
    mpi_check(htf_network_measure(last, &latency, &rate) == HTF_OK, "%s",
              htf_error_message());
    mpi_check(plays ? latency > 0 && latency < 10 && rate > 0
                    : isnan(latency) && isnan(rate),
              "rank %d: %g s, %g B/s", htf_sweep_rank(), latency, rate);
  }
  mpi_check(htf_network_components(text, sizeof text) == HTF_OK, "%s", htf_error_message());
  mpi_check(strstr(text, "pml ") == text && strstr(text, "base") == NULL, "%s", text);
  htf_sweep_close();
}

Test(network, cores_are_shown_as_ranges) {
  static const int cores[] = {0, 1, 2, 3, 8, 10, 11, HTF_NETWORK_CORES - 1};
  htf_network_place place = {.count = 0};
  char text[64], cut[8];
  htf_network_cores(&place, text, sizeof text);
  cr_assert_str_eq(text, "none");
  for (size_t i = 0; i < sizeof cores / sizeof *cores; i++) {
    place.core[cores[i] / 8] |= (unsigned char)(1 << (cores[i] % 8));
    place.count++;
  }
  htf_network_cores(&place, text, sizeof text);
  cr_assert_str_eq(text, "0-3,8,10-11,4095");
  htf_network_cores(&place, cut, sizeof cut);
  cr_assert_str_eq(cut, "0-3,8,1");
}

MPI_TEST_MAIN
