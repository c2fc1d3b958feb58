// SPDX-License-Identifier: BSD-3-Clause
// Every table of kernels against plain loops over the formulas of kernels_impl.h.
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "kernels_impl.h"
#include "random_model.h"

enum { ROWS = 37, TABLE = 11, FACTORS = 4, MOST = 136, STRIDE = MOST + 3 };

// Tables at odd addresses and strides, so that nothing may lean on alignment.
typedef struct tables {
  double value[FACTORS][TABLE * STRIDE], tangent[FACTORS][TABLE * STRIDE];
  double slope[ROWS * STRIDE], slope_tangent[ROWS * STRIDE];
  double e[ROWS], e_tangent[ROWS], w[MOST], w_tangent[MOST], g[TABLE * STRIDE];
  int32_t at[FACTORS][ROWS], start[TABLE + 1], term[ROWS], target[TABLE];
  htf_term packed[ROWS];
  htf_factor factors[FACTORS];
} tables;

static void fill(htf_random *stream, double *x, int64_t n) {
  htf_random_normal(stream, n, x);
}

// Segments of unequal lengths, one of them empty; terms and targets permuted.
static void fill_segments(htf_random *stream, tables *t) {
  for (int r = 0; r < TABLE; r++) {
    int64_t left = ROWS - t->start[r];
    t->start[r + 1] =
        t->start[r] + (int32_t)(r == 3 ? 0 : htf_random_index(stream, left / 2 + 1));
    t->target[r] = (int32_t)((r * 4 + 1) % TABLE);
  }
  t->start[TABLE] = ROWS;
  for (int j = 0; j < ROWS; j++) {
    t->term[j] = (int32_t)((j * 5 + 2) % ROWS);
  }
}

static tables *make_tables(uint64_t seed) {
  tables *t = htf_memory_get(1, sizeof *t);
  htf_random stream = htf_random_open(seed, HTF_RANDOM_TEST, 0);
  for (int i = 0; i < FACTORS; i++) {
    fill(&stream, t->value[i], TABLE * STRIDE);
    fill(&stream, t->tangent[i], TABLE * STRIDE);
    for (int k = 0; k < ROWS; k++) {
      t->at[i][k] = (int32_t)htf_random_index(&stream, TABLE);
    }
    htf_factor f = {
        .value = t->value[i], .tangent = t->tangent[i], .stride = STRIDE, .at = t->at[i]};
    t->factors[i] = f;
  }
  fill(&stream, t->slope, ROWS * STRIDE);
  fill(&stream, t->slope_tangent, ROWS * STRIDE);
  fill(&stream, t->e, ROWS);
  fill(&stream, t->e_tangent, ROWS);
  fill(&stream, t->w, MOST);
  fill(&stream, t->w_tangent, MOST);
  fill(&stream, t->g, TABLE * STRIDE);
  fill_segments(&stream, t);
  return t;
}

// Term j takes row term[j] of S, of that stride, and row at[1][j] of X.
static htf_segments segments_of(tables *t, uint32_t stride) {
  for (int j = 0; j < ROWS; j++) {
    t->packed[j] =
        htf_term_of((uint32_t)t->term[j] * stride, (uint32_t)t->at[1][j] * STRIDE);
  }
  htf_segments s = {TABLE, t->start, t->packed, t->target};
  return s;
}

// d[s] at row k: the product over all factors but `skip`, and its derivative.
static double product_of(const tables *t, int factors, int skip, int64_t k, int64_t s,
                         double *tangent) {
  double product = 1;
  *tangent = 0;
  for (int i = 0; i < factors; i++) {
    if (i != skip) {
      int64_t place = t->at[i][k] * STRIDE + s;
      *tangent = *tangent * t->value[i][place] + product * t->tangent[i][place];
      product *= t->value[i][place];
    }
  }
  return product;
}

static const int widths[] = {8, 16, 24, 56, 64, 72, 128, 136};

#define EACH_KERNEL(kernels, width)                                                        \
  for (int variant = 0; htf_kernels__table(variant) != NULL; variant++)                    \
    for (int i_ = 0; i_ < 8; i_++)                                                         \
      for (const htf_kernels *kernels = htf_kernels__table(variant); kernels;              \
           kernels = NULL)                                                                 \
        for (int64_t width = widths[i_]; width; width = 0)

// Sums of at most 136 products of a few normals: errors of some 1e-14.
static const double ROUNDING = 1e-13;

Test(kernels, multiply_gathered_rows) {
  tables *t = make_tables(1);
  double p[ROWS * STRIDE], q[ROWS * STRIDE], tangent;
  EACH_KERNEL(kernels, width) {
    for (int factors = 1; factors <= FACTORS; factors++) {
      kernels->multiply(t->factors, factors, ROWS, width, p, STRIDE);
      kernels->multiply_tangent(t->factors, factors, ROWS, width, q, STRIDE);
      for (int64_t i = 0; i < ROWS * width; i++) {
        int64_t k = i / width, s = i % width;
        double product = product_of(t, factors, -1, k, s, &tangent);
        cr_assert(epsilon_eq(dbl, p[k * STRIDE + s], product, ROUNDING), "%s",
                  kernels->name);
        cr_assert(epsilon_eq(dbl, q[k * STRIDE + s], tangent, ROUNDING), "%s",
                  kernels->name);
      }
    }
  }
  HTF_FREE(t);
}

Test(kernels, collect_over_segments) {
  tables *t = make_tables(2);
  htf_segments s = segments_of(t, STRIDE);
  htf_rows slope = {t->slope, t->slope_tangent, STRIDE};
  htf_rows x = {t->value[0], t->tangent[0], STRIDE};
  double out[TABLE * STRIDE], out_tangent[TABLE * STRIDE];
  EACH_KERNEL(kernels, width) {
    kernels->collect(&s, slope, x, width, out, STRIDE);
    kernels->collect_tangent(&s, slope, x, width, out_tangent, STRIDE);
    for (int64_t i = 0; i < TABLE * width; i++) {
      int64_t r = i / width, c = i % width;
      double sum = 0, sum_tangent = 0;
      for (int j = s.start[r]; j < s.start[r + 1]; j++) {
        int64_t from = t->term[j] * STRIDE + c, with = t->at[1][j] * STRIDE + c;
        sum += slope.value[from] * x.value[with];
        sum_tangent +=
            slope.tangent[from] * x.value[with] + slope.value[from] * x.tangent[with];
      }
      int64_t to = s.target[r] * STRIDE + c;
      cr_assert(epsilon_eq(dbl, out[to], sum, ROUNDING), "%s", kernels->name);
      cr_assert(epsilon_eq(dbl, out_tangent[to], sum_tangent, ROUNDING), "%s",
                kernels->name);
    }
  }
  HTF_FREE(t);
}

static void clear_sums(tables *t, double sums[FACTORS][TABLE * STRIDE]) {
  for (int i = 0; i < FACTORS; i++) {
    memset(sums[i], 0, sizeof sums[i]);
    t->factors[i].sum = sums[i];
    t->factors[i].sum_stride = STRIDE;
  }
}

Test(kernels, spread_to_any_number_of_factors) {
  tables *t = make_tables(3);
  static double sums[FACTORS][TABLE * STRIDE], tangents[FACTORS][TABLE * STRIDE];
  double work[2 * 64 * FACTORS];
  htf_rows slope = {t->slope, t->slope_tangent, STRIDE};
  EACH_KERNEL(kernels, width) {
    for (int factors = 1; factors <= FACTORS; factors++) {
      clear_sums(t, sums);
      kernels->spread(t->factors, factors, ROWS, width, slope, work);
      clear_sums(t, tangents);
      kernels->spread_tangent(t->factors, factors, ROWS, width, slope, work);
      for (int64_t i = 0; i < factors * ROWS * width; i++) { // takes out what was put in
        int64_t k = i / width % ROWS, c = i % width, f = i / width / ROWS;
        double tangent, others = product_of(t, factors, (int)f, k, c, &tangent);
        int64_t to = t->at[f][k] * STRIDE + c;
        sums[f][to] -= slope.value[k * STRIDE + c] * others;
        tangents[f][to] -=
            slope.tangent[k * STRIDE + c] * others + slope.value[k * STRIDE + c] * tangent;
      }
      for (int f = 0; f < factors; f++) {
        cr_assert(lt(dbl, norm(TABLE * STRIDE, sums[f]), ROUNDING * 10), "%s",
                  kernels->name);
        cr_assert(lt(dbl, norm(TABLE * STRIDE, tangents[f]), ROUNDING * 10), "%s",
                  kernels->name);
      }
    }
  }
  HTF_FREE(t);
}

static htf_root_side side_of(tables *t) {
  htf_root_side side = {
      .segments = segments_of(t, 1),
      .a = {t->value[2], t->tangent[2], STRIDE},
      .x = {t->value[0], t->tangent[0], STRIDE},
      .out_stride = STRIDE,
      .e = t->e,
      .e_tangent = t->e_tangent,
      .weights = t->w,
      .weights_tangent = t->w_tangent,
  };
  return side;
}

Test(kernels, give_the_values_of_a_root) {
  tables *t = make_tables(4);
  htf_root_side side = side_of(t);
  double y[ROWS], dy[ROWS];
  EACH_KERNEL(kernels, width) {
    kernels->root_values(&side, width, y);
    kernels->root_values_tangent(&side, width, dy);
    for (int64_t r = 0; r < TABLE; r++) {
      for (int j = t->start[r]; j < t->start[r + 1]; j++) {
        double sum = 0, tangent = 0;
        for (int64_t c = 0; c < width; c++) {
          int64_t i = t->target[r] * STRIDE + c, k = t->at[1][j] * STRIDE + c;
          double w = t->w[c], a = side.a.value[i], x = side.x.value[k];
          sum += w * a * x;
          tangent += t->w_tangent[c] * a * x + w * side.a.tangent[i] * x +
                     w * a * side.x.tangent[k];
        }
        cr_assert(epsilon_eq(dbl, y[t->term[j]], sum, ROUNDING), "%s", kernels->name);
        cr_assert(epsilon_eq(dbl, dy[t->term[j]], tangent, ROUNDING), "%s", kernels->name);
      }
    }
  }
  HTF_FREE(t);
}

Test(kernels, collect_at_a_root) {
  tables *t = make_tables(5);
  htf_root_side side = side_of(t);
  double out[TABLE * STRIDE], out_tangent[TABLE * STRIDE], dw[MOST], dw_tangent[MOST];
  side.sum.value = t->g;
  side.sum.stride = STRIDE;
  EACH_KERNEL(kernels, width) {
    double check[MOST] = {0}, check_tangent[MOST] = {0};
    side.out = out;
    side.weights_sum = dw;
    kernels->root_weigh(&side, width);
    kernels->root_finish(&side, width);
    side.out = out_tangent;
    side.weights_sum = dw_tangent;
    kernels->root_weigh_tangent(&side, width);
    kernels->root_finish_tangent(&side, width);
    for (int64_t i = 0; i < TABLE * width; i++) {
      int64_t r = i / width, c = i % width, to = t->target[r] * STRIDE + c;
      double g = 0, g_tangent = 0;
      for (int j = t->start[r]; j < t->start[r + 1]; j++) {
        int64_t with = t->at[1][j] * STRIDE + c;
        g += t->e[t->term[j]] * side.x.value[with];
        g_tangent += t->e_tangent[t->term[j]] * side.x.value[with] +
                     t->e[t->term[j]] * side.x.tangent[with];
      }
      cr_assert(epsilon_eq(dbl, t->g[r * STRIDE + c], g, ROUNDING), "%s", kernels->name);
      cr_assert(epsilon_eq(dbl, out[to], t->w[c] * g, ROUNDING), "%s", kernels->name);
      cr_assert(epsilon_eq(dbl, out_tangent[to], t->w_tangent[c] * g + t->w[c] * g_tangent,
                           ROUNDING),
                "%s", kernels->name);
      check[c] += side.a.value[to] * g;
      check_tangent[c] += side.a.tangent[to] * g + side.a.value[to] * g_tangent;
    }
    for (int64_t c = 0; c < width; c++) {
      cr_assert(epsilon_eq(dbl, dw[c], check[c], ROUNDING), "%s", kernels->name);
      cr_assert(epsilon_eq(dbl, dw_tangent[c], check_tangent[c], ROUNDING), "%s",
                kernels->name);
    }
  }
  HTF_FREE(t);
}

Test(kernels, give_the_values_and_slopes_of_a_panel) {
  tables *t = make_tables(7);
  double y[ROWS], dy[ROWS], dw[2][MOST], dp[2][ROWS * STRIDE];
  int64_t point[ROWS];
  htf_root_panel panel = {.rows = ROWS,
                          .point = point,
                          .e = t->e,
                          .e_tangent = t->e_tangent,
                          .weights = t->w,
                          .weights_tangent = t->w_tangent};
  htf_rows product = {t->slope, t->slope_tangent, STRIDE}, slope = {dp[0], dp[1], STRIDE};
  panel.product = product;
  panel.slope = slope;
  for (int64_t k = 0; k < ROWS; k++) {
    point[k] = t->term[k];
  }
  EACH_KERNEL(kernels, width) {
    double sums[2][MOST];
    kernels->panel_values(&panel, width, y);
    kernels->panel_values_tangent(&panel, width, dy);
    for (int i = 0; i < 2; i++) {
      memcpy(dw[i], t->w, sizeof t->w);
      memcpy(sums[i], t->w, sizeof t->w);
      panel.weights_sum = dw[i];
      (i == 0 ? kernels->panel_slopes : kernels->panel_slopes_tangent)(&panel, width);
    }
    for (int64_t k = 0; k < ROWS; k++) {
      double e = t->e[point[k]], e_tangent = t->e_tangent[point[k]], sum = 0, tangent = 0;
      for (int64_t s = 0; s < width; s++) {
        int64_t at = k * STRIDE + s;
        sum += t->w[s] * t->slope[at];
        tangent += t->w[s] * t->slope_tangent[at] + t->w_tangent[s] * t->slope[at];
        sums[0][s] += e * t->slope[at];
        sums[1][s] += e_tangent * t->slope[at] + e * t->slope_tangent[at];
        cr_assert(epsilon_eq(dbl, dp[0][at], e * t->w[s], ROUNDING));
        cr_assert(epsilon_eq(dbl, dp[1][at], e_tangent * t->w[s] + e * t->w_tangent[s],
                             ROUNDING));
      }
      cr_assert(epsilon_eq(dbl, y[point[k]], sum, ROUNDING), "%s", kernels->name);
      cr_assert(epsilon_eq(dbl, dy[point[k]], tangent, ROUNDING), "%s", kernels->name);
    }
    cr_assert(lt(dbl, distance(width, dw[0], sums[0]), ROUNDING), "%s", kernels->name);
    cr_assert(lt(dbl, distance(width, dw[1], sums[1]), ROUNDING), "%s", kernels->name);
  }
  HTF_FREE(t);
}

Test(kernels, transpose) {
  tables *t = make_tables(6);
  double to[ROWS * MOST];
  for (int variant = 0; htf_kernels__table(variant) != NULL; variant++) {
    for (int64_t rows = 1; rows <= ROWS; rows += 3) {
      for (int64_t cols = 1; cols <= 20; cols++) {
        htf_kernels__table(variant)->transpose(t->slope, rows, cols, to);
        for (int64_t i = 0; i < rows * cols; i++) {
          cr_assert(eq(dbl, to[i % cols * rows + i / cols], t->slope[i]));
        }
      }
    }
  }
  HTF_FREE(t);
}

Test(kernels, are_offered_slowest_first) {
  cr_assert(eq(str, (char *)htf_kernels__table(0)->name, "baseline"));
  int last = 0;
  while (htf_kernels__table(last + 1) != NULL) {
    last++;
  }
  cr_assert(htf_kernels__best() == htf_kernels__table(last));
}
