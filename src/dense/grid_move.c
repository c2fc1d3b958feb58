// SPDX-License-Identifier: BSD-3-Clause
// Redistribution: from slabs of the tensor to blocks of a matricization, in rounds. In one
// round each rank deals a piece of its slab out, each entry with its place at its receiver;
// so nobody holds more than pieces besides what it has and what it makes.
#include <limits.h>

#include "grid_impl.h"
#include "htflow/memory.h"

void htf_grid_share(int64_t entries, int rank, int ranks, int64_t *first, int64_t *count) {
  int64_t share = entries / ranks, rest = entries % ranks;
  *first = rank * share + (rank < rest ? rank : rest);
  *count = share + (rank < rest);
}

// A small part of the share, as all of a round may go to one rank.
int64_t htf_grid__piece(int64_t entries, int ranks) {
  enum { LEAST = 1 << 8, MOST = 1 << 16, ROUND = 1 << 19 };
  int64_t piece = entries / ranks / (16 * (int64_t)ranks);
  int64_t most = ROUND / ranks < MOST ? ROUND / ranks : MOST;
  piece = piece < most ? piece : most;
  return piece > LEAST ? piece : LEAST;
}

// How many of n, in blocks dealt out over `ranks`, come to one of them (numroc).
static int64_t dealt(int64_t n, int64_t block, int rank, int ranks) {
  int64_t turn = block * ranks, begin = block * rank, rest = n % turn - begin;
  rest = rest < 0 ? 0 : rest;
  return n / turn * block + (rest < block ? rest : block);
}

void htf_grid__local(const htf_grid__matrix *a, const htf_grid__layout *layout, int rank,
                     int64_t *rows, int64_t *cols) {
  bool inside = rank < layout->grid_rows * layout->grid_cols;
  int i = rank % layout->grid_rows, j = rank / layout->grid_rows;
  *rows = inside ? dealt(a->rows, layout->row_block, i, layout->grid_rows) : 0;
  *cols = inside ? dealt(a->cols, layout->col_block, j, layout->grid_cols) : 0;
}

// ---- one round --------------------------------------------------------------------------

typedef struct parcel {
  int64_t place; // at the receiver
  double value;
} parcel;

typedef struct round_of {
  const htf_grid__layout *layout;
  int ranks;
  int64_t piece;
  int64_t *stride;      // [ranks]: the receivers' local columns
  parcel *sent, *come;  // [piece], [piece * ranks]
  int *receiver;        // [piece]
  int64_t *place;       // [piece]
  int *to, *from;       // [ranks] parcels to and from each rank
  int *to_byte, *to_at; // [ranks] the same in bytes, and where they begin
  int *come_byte, *come_at;
} round_of;

double htf_grid__move_bytes(int64_t entries, int ranks) {
  double piece = (double)htf_grid__piece(entries, ranks);
  return piece * (sizeof(parcel) * (1. + ranks) + sizeof(int) + sizeof(int64_t)) +
         40. * ranks;
}

static void end_round(round_of *r) {
  HTF_FREE(r->stride);
  HTF_FREE(r->sent);
  HTF_FREE(r->come);
  HTF_FREE(r->receiver);
  HTF_FREE(r->place);
  HTF_FREE(r->to);
}

static htf_status begin_round(const htf_grid *grid, const htf_grid__matrix *a,
                              const htf_grid__layout *layout, round_of *r) {
  htf_status status = HTF_OK;
  int ranks = grid->ranks;
  *r = (round_of){.layout = layout, .ranks = ranks};
  r->piece = htf_grid__piece(htf_grid__entries(a), ranks);
  HTF_NEW(r->stride, ranks);
  HTF_NEW(r->sent, r->piece);
  HTF_NEW(r->come, r->piece * ranks);
  HTF_NEW(r->receiver, r->piece);
  HTF_NEW(r->place, r->piece);
  HTF_NEW(r->to, 6 * (size_t)ranks);
  r->from = r->to + ranks;
  r->to_byte = r->from + ranks;
  r->to_at = r->to_byte + ranks;
  r->come_byte = r->to_at + ranks;
  r->come_at = r->come_byte + ranks;
  for (int rank = 0; rank < ranks; rank++) {
    int64_t rows;
    htf_grid__local(a, layout, rank, &rows, &r->stride[rank]);
  }
done:
  return status;
}

// Which of `ranks` along a side has the row or column `at`, and where.
static void locate(int64_t at, int64_t block, int ranks, int64_t *owner, int64_t *own) {
  int64_t number = at / block;
  *owner = number % ranks;
  *own = number / ranks * block + at % block;
}

// Receiver and place of `line` entries from the walk's place on.
static void address(const round_of *r, const htf_grid__walk *walk, int64_t line,
                    int *receiver, int64_t *place) {
  const htf_grid__layout *l = r->layout;
  int64_t row_owner, row, col_owner, col;
  locate(walk->row, l->row_block, l->grid_rows, &row_owner, &row);
  locate(walk->col, l->col_block, l->grid_cols, &col_owner, &col);
  for (int64_t k = 0; k < line; k++) {
    if (walk->col_step != 0) {
      locate(walk->col + k, l->col_block, l->grid_cols, &col_owner, &col);
    } else {
      locate(walk->row + k, l->row_block, l->grid_rows, &row_owner, &row);
    }
    receiver[k] = (int)(col_owner * l->grid_rows + row_owner);
    place[k] = row * r->stride[receiver[k]] + col;
  }
}

// The parcels of a piece, sorted by receiver; r->to counts them.
static void pack(round_of *r, htf_grid__walk *walk, const double *values, int64_t count) {
  int64_t line;
  for (int64_t k = 0; k < count; k += line) {
    line = htf_grid__walk_line(walk, count - k);
    address(r, walk, line, r->receiver + k, r->place + k);
    htf_grid__walk_on(walk, line);
  }
  for (int rank = 0; rank < r->ranks; rank++) {
    r->to[rank] = 0;
  }
  for (int64_t k = 0; k < count; k++) {
    r->to[r->receiver[k]]++;
  }
  for (int rank = 0, at = 0; rank < r->ranks; at += r->to[rank++]) {
    r->to_at[rank] = at;
  }
  for (int64_t k = 0; k < count; k++) {
    r->sent[r->to_at[r->receiver[k]]++] = (parcel){r->place[k], values[k]};
  }
}

static htf_status exchange(htf_grid *grid, round_of *r, int64_t *come) {
  htf_status status = HTF_OK;
  int sent = 0, coming = 0;
  GRID_MPI(MPI_Alltoall(r->to, 1, MPI_INT, r->from, 1, MPI_INT, grid->comm));
  for (int rank = 0; rank < r->ranks; rank++) {
    r->to_byte[rank] = r->to[rank] * (int)sizeof(parcel);
    r->come_byte[rank] = r->from[rank] * (int)sizeof(parcel);
    r->to_at[rank] = sent;
    r->come_at[rank] = coming;
    sent += r->to_byte[rank];
    coming += r->come_byte[rank];
  }
  GRID_MPI(MPI_Alltoallv(r->sent, r->to_byte, r->to_at, MPI_BYTE, r->come, r->come_byte,
                         r->come_at, MPI_BYTE, grid->comm));
  *come = coming / (int)sizeof(parcel);
done:
  return status;
}

htf_status htf_grid__move(htf_grid *grid, const htf_grid__matrix *a, const double *slab,
                          const htf_grid__layout *layout, double *local) {
  htf_status status = HTF_OK;
  round_of r;
  htf_grid__walk walk;
  int64_t first, own, longest, begin;
  GRID_AGREE(begin_round(grid, a, layout, &r));
  htf_grid_share(htf_grid__entries(a), 0, grid->ranks, &first, &longest);
  htf_grid_share(htf_grid__entries(a), grid->rank, grid->ranks, &first, &own);
  htf_grid__walk_from(a, first, &walk);
  for (begin = 0; begin < longest; begin += r.piece) {
    int64_t left = own - begin, count = left < r.piece ? left : r.piece, come = 0;
    pack(&r, &walk, slab + begin, count);
    HTF_TRY(exchange(grid, &r, &come));
    for (int64_t k = 0; k < come; k++) {
      local[r.come[k].place] = r.come[k].value;
    }
  }
done:
  end_round(&r);
  return status;
}
