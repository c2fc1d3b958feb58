// SPDX-License-Identifier: BSD-3-Clause
// Where the ranks are, whether their threads have cores, and how messages go between them.
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor_impl.h"
#include "htflow/blas.h"
#include "htflow/memory.h"
#include "htflow/network.h"
#include "htflow/sweep.h"

enum { SHOWN = 64, PATH = 4096 };

// ---- cores ------------------------------------------------------------------------------

// Each rank's cores against its threads, up to so many ranks, and all that are wrong.
static void judge_ranks(htf_cli_doctor *d, const htf_network_place *places, int ranks) {
  const char *asked = getenv("SLURM_CPUS_PER_TASK");
  int wanted = asked != NULL ? atoi(asked) : 1;
  for (int rank = 0; rank < ranks; rank++) {
    const htf_network_place *p = &places[rank];
    char name[32], cores[128];
    bool good = p->count >= p->threads && p->count >= wanted;
    if (good && rank >= SHOWN) {
      continue;
    }
    snprintf(name, sizeof name, "rank %d", rank);
    htf_network_cores(p, cores, sizeof cores);
    htf_cli__finding(
        d, name, good ? HTF_CLI_FINE : HTF_CLI_WRONG,
        "give srun --cpus-per-task too (SLURM 22.05 and later do not take it from "
        "sbatch), mpirun --map-by slot:PE=N; or set OPENBLAS_NUM_THREADS=1",
        "on %s, %d BLAS thread%s, cores %s%s", p->host, p->threads,
        p->threads == 1 ? "" : "s", cores,
        p->count < wanted ? ", fewer than SLURM_CPUS_PER_TASK" : "");
  }
}

static bool is_first(const htf_network_place *places, int rank) {
  for (int other = 0; other < rank; other++) {
    if (strcmp(places[other].host, places[rank].host) == 0) {
      return false;
    }
  }
  return true;
}

// Whether the ranks of one host have a core for each of their threads.
static bool judge_host(htf_cli_doctor *d, const htf_network_place *places, int ranks,
                       int first) {
  htf_network_place all = {.count = 0};
  int threads = 0, here = 0;
  char cores[128];
  for (int rank = first; rank < ranks; rank++) {
    if (strcmp(places[rank].host, places[first].host) == 0) {
      threads += places[rank].threads;
      here++;
      for (int i = 0; i < HTF_NETWORK_CORES / 8; i++) {
        all.core[i] |= places[rank].core[i];
      }
    }
  }
  for (int i = 0; i < HTF_NETWORK_CORES / 8; i++) {
    all.count += __builtin_popcount(all.core[i]);
  }
  if (threads > all.count) {
    htf_network_cores(&all, cores, sizeof cores);
    htf_cli__finding(d, "cores", HTF_CLI_WRONG,
                     "start fewer ranks, or bind them to cores of their own (srun "
                     "--cpu-bind=cores, mpirun --bind-to core)",
                     "on %s %d ranks with %d threads share %d core%s: %s",
                     places[first].host, here, threads, all.count,
                     all.count == 1 ? "" : "s", cores);
  }
  return threads <= all.count;
}

// *other: the first rank of another host, else rank 1, else 0.
static void judge_places(htf_cli_doctor *d, const htf_network_place *places, int ranks,
                         int *hosts, int *other) {
  bool good = true;
  *hosts = 0;
  *other = ranks > 1;
  judge_ranks(d, places, ranks);
  for (int rank = 0; rank < ranks; rank++) {
    if (is_first(places, rank)) {
      *other = *hosts == 1 ? rank : *other;
      *hosts += 1;
      good = judge_host(d, places, ranks, rank) && good;
    }
  }
  if (good) {
    htf_cli__finding(d, "cores", HTF_CLI_FINE, "",
                     "%ld on this machine, and one for each thread",
                     sysconf(_SC_NPROCESSORS_ONLN));
  }
}

// ---- what all see -----------------------------------------------------------------------

// Makes a file in the directory, on rank 0; its name is "" if that fails.
static void make_mark(const char *directory, char name[PATH]) {
  int file;
  snprintf(name, PATH, "%s/.htflow-XXXXXX", directory);
  file = mkstemp(name);
  if (file < 0) {
    name[0] = '\0'; // which the file system's own finding tells
  } else {
    close(file);
  }
}

// Places, with whether each rank sees a file that rank 0 makes.
static htf_status gather(const char *directory, htf_network_place **places) {
  htf_status status = HTF_OK;
  char mark[PATH] = "";
  void *shared = mark;
  int64_t size = PATH;
  htf_network_place own;
  htf_network_here(htf_blas_threads(), &own);
  if (htf_sweep_rank() == 0) {
    make_mark(directory, mark);
  }
  HTF_TRY(htf_sweep_share(&shared, &size));
  own.sees = ((const char *)shared)[0] == '\0' || access(shared, F_OK) == 0;
  HTF_TRY(htf_network_gather(&own, places));
done:
  if (htf_sweep_rank() == 0 && mark[0] != '\0') {
    unlink(mark);
  } else if (htf_sweep_rank() != 0 && shared != mark) {
    htf_memory_release(shared);
  }
  return status;
}

static void judge_sight(htf_cli_doctor *d, const htf_network_place *places, int ranks,
                        int hosts, const char *directory) {
  int blind = 0;
  while (blind < ranks && places[blind].sees) {
    blind++;
  }
  if (hosts > 1) {
    htf_cli__finding(
        d, "shared", blind == ranks ? HTF_CLI_FINE : HTF_CLI_WRONG,
        "choose a sweep directory on the cluster's file system, not a node's own",
        blind == ranks ? "all %d hosts see what is written in %s"
                       : "not all %d hosts see what is written in %s",
        hosts, directory);
  }
}

// ---- messages ---------------------------------------------------------------------------

static htf_status judge_network(htf_cli_doctor *d, int hosts, int other) {
  htf_status status = HTF_OK;
  double latency = NAN, rate = NAN;
  char components[256];
  HTF_TRY(htf_network_components(components, sizeof components));
  if (other > 0) {
    HTF_TRY(htf_network_measure(other, &latency, &rate));
  }
  if (htf_sweep_rank() != 0) {
    return HTF_OK;
  }
  htf_cli__finding(d, "mpi", HTF_CLI_FINE, "", "%s, %d rank%s on %d host%s; %s",
                   htf_sweep_library(), htf_sweep_ranks(),
                   htf_sweep_ranks() == 1 ? "" : "s", hosts, hosts == 1 ? "" : "s",
                   components);
  if (other > 0) {
    bool good = latency < (hosts > 1 ? 1e-3 : 1e-4) && rate > 5e7;
    htf_cli__finding(
        d, "network", good ? HTF_CLI_FINE : HTF_CLI_WORTH_KNOWING,
        "see whether the site's MPI module knows its network (pml ucx, mtl ofi); "
        "runs of a second and more do not mind",
        "messages to rank %d%s: %.3g us, %.3g GB/s", other,
        hosts > 1 ? ", on another host" : "", 1e6 * latency, 1e-9 * rate);
  }
done:
  return status;
}

htf_status htf_cli__examine_ranks(htf_cli_doctor *d, const char *directory) {
  htf_status status = HTF_OK;
  htf_network_place *places = NULL;
  int found[2] = {1, 0}; // hosts, and a rank to send messages to
  void *shared = found;
  int64_t size = sizeof found;
  HTF_TRY(gather(directory, &places));
  if (htf_sweep_rank() == 0) {
    judge_places(d, places, htf_sweep_ranks(), &found[0], &found[1]);
    judge_sight(d, places, htf_sweep_ranks(), found[0], directory);
  }
  HTF_TRY(htf_sweep_share(&shared, &size));
  HTF_TRY(judge_network(d, ((int *)shared)[0], ((int *)shared)[1]));
done:
  HTF_FREE(places);
  if (shared != found) {
    htf_memory_release(shared);
  }
  return status;
}
