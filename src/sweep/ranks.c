// SPDX-License-Identifier: BSD-3-Clause
// MPI begun and ended, and what all ranks do together.
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "htflow/clock.h"
#include "htflow/log.h"
#include "htflow/memory.h"
#include "sweep_impl.h"

static MPI_Comm world = MPI_COMM_NULL;
static int own_rank, rank_count = 1;
static bool started_here;

MPI_Comm htf_sweep__world(void) {
  return world;
}

int htf_sweep_rank(void) {
  return own_rank;
}

int htf_sweep_ranks(void) {
  return rank_count;
}

int htf_sweep_launched(void) {
  static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK",
                                      "SLURM_PROCID"};
  const char *rank = NULL;
  for (size_t i = 0; rank == NULL && i < sizeof names / sizeof *names; i++) {
    rank = getenv(names[i]);
  }
  return rank != NULL ? atoi(rank) : 0;
}

htf_status htf_sweep__check(int code, const char *what) {
  htf_status status = HTF_OK;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  if (code != MPI_SUCCESS) {
    MPI_Error_string(code, text, &length);
  }
  HTF_CHECK(code == MPI_SUCCESS, HTF_E_MPI, "%s: %s", what, text);
done:
  return status;
}

const char *htf_sweep_library(void) {
  static char text[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0;
  MPI_Get_library_version(text, &length);
  text[strcspn(text, ",\n")] = '\0';
  return text;
}

htf_status htf_sweep_open(int *argc, char ***argv) {
  htf_status status = HTF_OK;
  int provided, running;
  HTF_MPI(MPI_Initialized(&running));
  if (!running) {
    HTF_MPI(MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided));
    started_here = true;
  }
  HTF_MPI(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
  HTF_MPI(MPI_Comm_dup(MPI_COMM_WORLD, &world));
  HTF_MPI(MPI_Comm_rank(world, &own_rank));
  HTF_MPI(MPI_Comm_size(world, &rank_count));
  htf_log_set_rank(own_rank);
done:
  return status;
}

void htf_sweep_close(void) {
  if (world != MPI_COMM_NULL) {
    MPI_Comm_free(&world);
  }
  if (started_here) {
    MPI_Finalize();
    started_here = false;
  }
}

void htf_sweep__doze(int *idle) {
  enum { TRIES = 50 };
  if (++*idle > TRIES) {
    int over = *idle - TRIES;
    htf_clock_sleep(over < 50 ? 2e-5 * over : 1e-3);
  }
}

htf_status htf_sweep__wait(MPI_Request *request) {
  htf_status status = HTF_OK;
  int idle = 0, complete = 0;
  HTF_MPI(MPI_Test(request, &complete, MPI_STATUS_IGNORE));
  while (!complete) {
    htf_sweep__doze(&idle);
    HTF_MPI(MPI_Test(request, &complete, MPI_STATUS_IGNORE));
  }
done:
  return status;
}

void htf_sweep__abandon(htf_status status) {
  htf_log(HTF_LOG_ERROR, "sweep", "%s", htf_error_message());
  MPI_Abort(world, htf_status_exit_code(status));
}

static htf_status broadcast(void *bytes, int64_t count, int root) {
  htf_status status = HTF_OK;
  MPI_Request request;
  HTF_CHECK(count <= INT_MAX, HTF_E_MPI, "%lld bytes are too many for one broadcast",
            (long long)count);
  HTF_MPI(MPI_Ibcast(bytes, (int)count, MPI_BYTE, root, world, &request));
  HTF_TRY(htf_sweep__wait(&request));
done:
  return status;
}

static htf_status make_room(void **bytes, int64_t count) {
  htf_status status = HTF_OK;
  uint8_t *block = NULL;
  if (own_rank != 0) {
    HTF_NEW(block, count);
    *bytes = block;
  }
done:
  return status;
}

htf_status htf_sweep_share(void **bytes, int64_t *count) {
  htf_status status = HTF_OK;
  HTF_TRY(broadcast(count, sizeof *count, 0));
  HTF_TRY(htf_sweep_agree(make_room(bytes, *count))); // or those with room wait for ever
  HTF_TRY(broadcast(*bytes, *count, 0));
done:
  return status;
}

htf_status htf_sweep_agree(htf_status own) {
  htf_status status = HTF_OK;
  struct {
    int status;
    char message[4096];
  } first = {.status = (int)own};
  int mine = own == HTF_OK ? rank_count : own_rank, lowest = rank_count;
  MPI_Request request;
  HTF_MPI(MPI_Iallreduce(&mine, &lowest, 1, MPI_INT, MPI_MIN, world, &request));
  HTF_TRY(htf_sweep__wait(&request));
  if (lowest == rank_count) {
    return HTF_OK;
  }
  snprintf(first.message, sizeof first.message, "%s", htf_error_message());
  HTF_TRY(broadcast(&first, sizeof first, lowest));
  if (own != HTF_OK) {
    return own;
  }
  HTF_CHECK(false, (htf_status)first.status, "rank %d: %s", lowest, first.message);
done:
  return status;
}
