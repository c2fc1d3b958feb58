// SPDX-License-Identifier: BSD-3-Clause
// Places of ranks, MPI's components, and how fast messages go.
#include "htflow/network.h"

#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "htflow/clock.h"
#include "htflow/memory.h"
#include "sweep_impl.h"

// ---- places -----------------------------------------------------------------------------

static bool has_core(const htf_network_place *place, int core) {
  return (place->core[core / 8] >> (core % 8) & 1) != 0;
}

void htf_network_here(int threads, htf_network_place *place) {
  cpu_set_t *mask = CPU_ALLOC(HTF_NETWORK_CORES);
  size_t size = CPU_ALLOC_SIZE(HTF_NETWORK_CORES);
  *place = (htf_network_place){.threads = threads};
  gethostname(place->host, sizeof place->host - 1);
  if (mask != NULL && sched_getaffinity(0, size, mask) == 0) {
    for (int core = 0; core < HTF_NETWORK_CORES; core++) {
      bool allowed = CPU_ISSET_S((size_t)core, size, mask) != 0;
      place->core[core / 8] |= (unsigned char)(allowed << (core % 8));
      place->count += allowed;
    }
  }
  CPU_FREE(mask);
}

void htf_network_cores(const htf_network_place *place, char *text, size_t size) {
  size_t used = (size_t)snprintf(text, size, "%s", place->count > 0 ? "" : "none");
  for (int first = 0; first < HTF_NETWORK_CORES && used < size; first++) {
    int last = first;
    while (has_core(place, first) && last + 1 < HTF_NETWORK_CORES &&
           has_core(place, last + 1)) {
      last++;
    }
    if (has_core(place, first)) {
      used += (size_t)snprintf(text + used, size - used, last > first ? "%s%d-%d" : "%s%d",
                               used > 0 ? "," : "", first, last);
    }
    first = last;
  }
}

static htf_status make_room(bool wanted, int64_t count, htf_network_place **places) {
  htf_status status = HTF_OK;
  if (wanted) {
    HTF_NEW(*places, count);
  }
done:
  return status;
}

htf_status htf_network_gather(const htf_network_place *own, htf_network_place **all) {
  htf_status status = HTF_OK;
  MPI_Request request;
  htf_network_place *places = NULL;
  HTF_TRY(htf_sweep_agree(make_room(htf_sweep_rank() == 0, htf_sweep_ranks(), &places)));
  HTF_MPI(MPI_Igather(own, sizeof *own, MPI_BYTE, places, sizeof *own, MPI_BYTE, 0,
                      htf_sweep__world(), &request));
  HTF_TRY(htf_sweep__wait(&request));
  *all = places;
  places = NULL;
done:
  HTF_FREE(places);
  return status;
}

// ---- components -------------------------------------------------------------------------

// Adds the component that a control variable of MPI belongs to: "btl_tcp_eager_limit" is
// of btl tcp. Those of components that MPI has closed again are not valid.
static void add_component(const char *variable, const char *framework, char *text,
                          size_t size) {
  char word[64];
  size_t prefix = strlen(framework);
  if (strncmp(variable, framework, prefix) != 0 || variable[prefix] != '_') {
    return;
  }
  const char *name = variable + prefix + 1;
  snprintf(word, sizeof word, " %.*s", (int)strcspn(name, "_"), name);
  size_t length = strlen(word), used = strlen(text);
  for (const char *at = text; (at = strstr(at, word)) != NULL; at += length) {
    if (at[length] == ' ' || at[length] == '\0') {
      return;
    }
  }
  if (strcmp(word, " base") != 0 && used < size) {
    snprintf(text + used, size - used, "%s", word);
  }
}

static void list_components(const char *framework, char *text, size_t size) {
  int count = 0;
  MPI_T_cvar_get_num(&count);
  for (int i = 0; i < count; i++) {
    char name[256];
    int length = sizeof name, verbosity, bind, scope, none = 0;
    MPI_Datatype type;
    MPI_T_enum values;
    if (MPI_T_cvar_get_info(i, name, &length, &verbosity, &type, &values, NULL, &none,
                            &bind, &scope) == MPI_SUCCESS) {
      add_component(name, framework, text, size);
    }
  }
}

htf_status htf_network_components(char *text, size_t size) {
  static const char *const frameworks[] = {"pml", "mtl", "btl"};
  htf_status status = HTF_OK;
  int provided;
  text[0] = '\0';
  HTF_MPI(MPI_T_init_thread(MPI_THREAD_SINGLE, &provided));
  for (size_t i = 0; i < sizeof frameworks / sizeof *frameworks; i++) {
    char names[256] = "";
    size_t used = strlen(text);
    list_components(frameworks[i], names, sizeof names);
    bool idle = strcmp(frameworks[i], "mtl") == 0 && strstr(text, " cm") == NULL;
    if (names[0] != '\0' && !idle) { // an mtl works for pml cm alone
      snprintf(text + used, size - used, "%s%s%s", used > 0 ? ", " : "", frameworks[i],
               names);
    }
  }
  HTF_MPI(MPI_T_finalize());
done:
  return status;
}

// ---- messages ---------------------------------------------------------------------------

enum { MEBIBYTE = 1 << 20, SHORT = 200, LONG = 8, TAG = 7 };

static int ascending(const void *left, const void *right) {
  const double *a = left, *b = right;
  return (*a > *b) - (*a < *b);
}

// So many round trips of a message; the median of their halves.
static htf_status play(int other, char *bytes, int count, int rounds, double *seconds) {
  htf_status status = HTF_OK;
  double taken[SHORT];
  bool first = htf_sweep_rank() == 0;
  MPI_Comm world = htf_sweep__world();
  int peer = first ? other : 0;
  for (int i = 0; i < rounds; i++) {
    double begin = htf_clock_now();
    for (int turn = 0; turn < 2; turn++) {
      if ((turn == 0) == first) {
        HTF_MPI(MPI_Send(bytes, count, MPI_BYTE, peer, TAG, world));
      } else {
        HTF_MPI(MPI_Recv(bytes, count, MPI_BYTE, peer, TAG, world, MPI_STATUS_IGNORE));
      }
    }
    taken[i] = 0.5 * (htf_clock_now() - begin);
  }
  qsort(taken, (size_t)rounds, sizeof *taken, ascending);
  *seconds = taken[rounds / 2];
done:
  return status;
}

static htf_status play_both(int other, double *latency, double *rate) {
  htf_status status = HTF_OK;
  char *bytes = NULL;
  double seconds;
  HTF_NEW(bytes, MEBIBYTE);
  HTF_TRY(play(other, bytes, 8, SHORT, latency));
  HTF_TRY(play(other, bytes, MEBIBYTE, LONG, &seconds));
  *rate = MEBIBYTE / seconds;
done:
  HTF_FREE(bytes);
  return status;
}

htf_status htf_network_measure(int other, double *latency, double *rate) {
  bool plays = htf_sweep_rank() == 0 || htf_sweep_rank() == other;
  *latency = *rate = NAN;
  return htf_sweep_agree(plays ? play_both(other, latency, rate) : HTF_OK);
}
