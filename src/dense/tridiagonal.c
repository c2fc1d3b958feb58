// SPDX-License-Identifier: BSD-3-Clause
// Eigenvalues of tridiagonal matrices.
#include <lapacke.h>
#include <math.h>
#include <string.h>

#include "htflow/dense.h"
#include "htflow/memory.h"

htf_status htf_dense_tridiagonal_largest(int n, const double *diagonal, const double *off,
                                         double *value, double *last) {
  htf_status status = HTF_OK;
  double *d = NULL, *e = NULL, *vector = NULL, *values = NULL;
  int found = 0, support[2], info;
  HTF_NEW(d, n);
  HTF_NEW(e, n);
  HTF_NEW(vector, n);
  HTF_NEW(values, n);
  memcpy(d, diagonal, (size_t)n * sizeof *d);
  memcpy(e, off, (size_t)(n - 1) * sizeof *e);
  info = LAPACKE_dstevr(LAPACK_COL_MAJOR, 'V', 'I', n, d, e, 0, 0, n, n, 0, &found, values,
                        vector, n, support);
  HTF_CHECK(info == 0 && found == 1, HTF_E_NUMERIC,
            "dstevr of a tridiagonal matrix of %d rows ended with info %d", n, info);
  *value = values[0];
  *last = vector[n - 1];
done:
  HTF_FREE(d);
  HTF_FREE(e);
  HTF_FREE(vector);
  HTF_FREE(values);
  return status;
}
