// SPDX-License-Identifier: BSD-3-Clause
// The kernels of the root, a part of kernels_body_impl.h.
#pragma once

// ---- a root over two children ---------------------------------------------------------

INLINE void root_values_block(const int B, int64_t c, const bool tangent,
                              const htf_root_side *side, double *y) {
  const htf_segments *s = &side->segments;
  for (int64_t r = 0; r < s->count; r++) {
    vec wa[8], wa_tangent[8];
    int64_t row = s->target[r] * side->a.stride + c;
    UNROLL for (int j = 0; j < B; j++) {
      vec w = load(side->weights + c + j * LANES);
      vec a = load(side->a.value + row + j * LANES);
      wa[j] = w * a;
      wa_tangent[j] = wa[j];
      if (tangent) {
        wa_tangent[j] = load(side->weights_tangent + c + j * LANES) * a +
                        w * load(side->a.tangent + row + j * LANES);
      }
    }
    for (int32_t t = s->start[r]; t < s->start[r + 1]; t++) {
      int64_t with = htf_term_x(s->term[t]) + c;
      vec sum = {0}, also = {0};
      UNROLL for (int j = 0; j < B; j++) {
        sum += wa_tangent[j] * load(side->x.value + with + j * LANES);
        if (tangent) {
          also += wa[j] * load(side->x.tangent + with + j * LANES);
        }
      }
      double part = sum_lanes(tangent ? sum + also : sum), *to = &y[htf_term_s(s->term[t])];
      *to = c == 0 ? part : *to + part;
    }
  }
}

static void root_values(const htf_root_side *side, int64_t width, double *y) {
  FOR_BLOCKS(width, root_values_block, false, side, y);
}

static void root_values_tangent(const htf_root_side *side, int64_t width, double *y) {
  FOR_BLOCKS(width, root_values_block, true, side, y);
}

// The sums G of a block of columns into `out`: sum_j e X. With tangents sum_j e' X + e X':
// in narrow blocks at once; in wide ones, where X and X' together seldom stay in the first
// cache, one after the other.
INLINE void weigh_terms(const int B, int64_t c, const bool add, const bool both,
                        const htf_root_side *side, const double *e, const double *x) {
  const htf_segments *s = &side->segments;
  for (int64_t r = 0; r < s->count; r++) {
    double *out = side->out + s->target[r] * side->out_stride + c;
    vec sum[8], also[8];
    UNROLL for (int j = 0; j < B; j++) {
      sum[j] = add ? load(out + j * LANES) : (vec){0};
      also[j] = (vec){0};
    }
    for (int32_t t = s->start[r]; t < s->start[r + 1]; t++) {
      int64_t point = htf_term_s(s->term[t]), with = htf_term_x(s->term[t]) + c;
      double weight = e[point], weight2 = both ? side->e[point] : 0;
      UNROLL for (int j = 0; j < B; j++) {
        sum[j] += weight * load(x + with + j * LANES);
        if (both) {
          also[j] += weight2 * load(side->x.tangent + with + j * LANES);
        }
      }
    }
    UNROLL for (int j = 0; j < B; j++) {
      store(out + j * LANES, both ? (vec)(sum[j] + also[j]) : sum[j]);
    }
  }
}

INLINE void weigh_block(const int B, int64_t c, const bool tangent,
                        const htf_root_side *side) {
  if (!tangent) {
    weigh_terms(B, c, false, false, side, side->e, side->x.value);
  } else if (B < 8) {
    weigh_terms(B, c, false, true, side, side->e_tangent, side->x.value);
  } else {
    weigh_terms(B, c, false, false, side, side->e_tangent, side->x.value);
    weigh_terms(B, c, true, false, side, side->e, side->x.tangent);
  }
}

// From G in `out`: the sums' other factors, and dw.
INLINE void finish_block(const int B, int64_t c, const bool tangent,
                         const htf_root_side *side) {
  vec dw[8] = {{0}};
  for (int64_t r = 0; r < side->segments.count; r++) {
    int32_t row = side->segments.target[r];
    const double *a = side->a.value + row * side->a.stride + c;
    const double *a_tangent = tangent ? side->a.tangent + row * side->a.stride + c : a;
    double *out = side->out + row * side->out_stride + c;
    double *kept =
        side->sum.value == NULL ? out : side->sum.value + r * side->sum.stride + c;
    UNROLL for (int j = 0; j < B; j++) {
      vec w = load(side->weights + c + j * LANES), g = load(out + j * LANES);
      vec part = w * g, a_g = load(a + j * LANES) * g;
      if (tangent) {
        vec first = load(kept + j * LANES);
        part += load(side->weights_tangent + c + j * LANES) * first;
        a_g += load(a_tangent + j * LANES) * first;
      } else {
        store(kept + j * LANES, g);
      }
      store(out + j * LANES, part);
      dw[j] += a_g;
    }
  }
  for (int j = 0; side->weights_sum != NULL && j < B; j++) {
    store(side->weights_sum + c + j * LANES, dw[j]);
  }
}

static void root_weigh(const htf_root_side *side, int64_t width) {
  FOR_BLOCKS(width, weigh_block, false, side);
}

static void root_weigh_tangent(const htf_root_side *side, int64_t width) {
  FOR_BLOCKS(width, weigh_block, true, side);
}

static void root_finish(const htf_root_side *side, int64_t width) {
  FOR_BLOCKS(width, finish_block, false, side);
}

static void root_finish_tangent(const htf_root_side *side, int64_t width) {
  FOR_BLOCKS(width, finish_block, true, side);
}

// ---- a root over any number of children -----------------------------------------------

INLINE void panel_values_block(const int B, int64_t c, const bool tangent,
                               const htf_root_panel *panel, double *y) {
  for (int64_t k = 0; k < panel->rows; k++) {
    int64_t row = k * panel->product.stride + c;
    vec sum = {0}, also = {0};
    UNROLL for (int j = 0; j < B; j++) {
      vec p = load(panel->product.value + row + j * LANES);
      vec w = load(panel->weights + c + j * LANES);
      if (tangent) {
        sum += w * load(panel->product.tangent + row + j * LANES);
        also += load(panel->weights_tangent + c + j * LANES) * p;
      } else {
        sum += w * p;
      }
    }
    double part = sum_lanes(sum + also), *to = &y[panel->point[k]];
    *to = c == 0 ? part : *to + part;
  }
}

static void panel_values(const htf_root_panel *panel, int64_t width, double *y) {
  FOR_BLOCKS(width, panel_values_block, false, panel, y);
}

static void panel_values_tangent(const htf_root_panel *panel, int64_t width, double *y) {
  FOR_BLOCKS(width, panel_values_block, true, panel, y);
}

INLINE void panel_slopes_block(const int B, int64_t c, const bool tangent,
                               const htf_root_panel *panel) {
  vec dw[8];
  UNROLL for (int j = 0; j < B; j++) {
    dw[j] = load(panel->weights_sum + c + j * LANES);
  }
  for (int64_t k = 0; k < panel->rows; k++) {
    int64_t row = k * panel->product.stride + c, to = k * panel->slope.stride + c;
    double e = panel->e[panel->point[k]];
    double e_tangent = tangent ? panel->e_tangent[panel->point[k]] : 0;
    UNROLL for (int j = 0; j < B; j++) {
      vec w = load(panel->weights + c + j * LANES);
      vec p = load(panel->product.value + row + j * LANES);
      store(panel->slope.value + to + j * LANES, e * w);
      if (tangent) {
        vec part = e_tangent * w + e * load(panel->weights_tangent + c + j * LANES);
        store(panel->slope.tangent + to + j * LANES, part);
        dw[j] += e_tangent * p + e * load(panel->product.tangent + row + j * LANES);
      } else {
        dw[j] += e * p;
      }
    }
  }
  UNROLL for (int j = 0; j < B; j++) {
    store(panel->weights_sum + c + j * LANES, dw[j]);
  }
}

static void panel_slopes(const htf_root_panel *panel, int64_t width) {
  FOR_BLOCKS(width, panel_slopes_block, false, panel);
}

static void panel_slopes_tangent(const htf_root_panel *panel, int64_t width) {
  FOR_BLOCKS(width, panel_slopes_block, true, panel);
}
