// SPDX-License-Identifier: BSD-3-Clause
// htflow bench: the speed of this machine at what runs are made of.
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>

#include "bench_impl.h"
#include "cli_impl.h"
#include "htflow/blas.h"
#include "htflow/tree.h"

// A record of 200 samples of 32 observables.
enum { RECORD = 50000 };

static const char *const usual[] = {"4,16,512,2048", "4,8,64,2048", "4,8,16,1024",
                                    "8,4,32,2048", "16,2,16,2048"};

static htf_status read_workload(const char *text, htf_cli_workload *w) {
  htf_status status = HTF_OK;
  long long samples = 0;
  int end = 0;
  int found =
      sscanf(text, "%d,%d,%d,%lld%n", &w->order, &w->mode, &w->width, &samples, &end);
  w->samples = samples;
  HTF_CHECK(found == 4 && text[end] == '\0' && 2 <= w->order &&
                w->order <= HTF_TREE_MAX_ORDER && 1 <= w->mode && 1 <= w->width &&
                w->width <= HTF_TREE_MAX_WIDTH && 1 <= samples && samples <= INT_MAX,
            HTF_E_USAGE,
            "--problem %s: wants ORDER,MODE,WIDTH,SAMPLES, such as 4,8,64,2048", text);
done:
  return status;
}

// ---- what is derived ------------------------------------------------------------------

// GFLOP/s of a gradient's matrix products over all of its time.
static double rate_of(const htf_cli_speeds *s) {
  return s->flops / s->gradient * 1e-9;
}

// The least time of a gradient: its products at the dgemm's rate, or its traffic at the
// bandwidth, whichever takes longer.
static double roof_of(const htf_cli_speeds *s) {
  return fmax(s->flops / s->dgemm, s->traffic / s->bandwidth) * 1e-9;
}

static void print_heading(void) {
  printf("kernels   %s, %s; %s\n", htf_blas_library(), htf_blas_core(), htf_blas_small());
  printf("machine   at most %.1f GFLOP/s on one core\n\n", htf_blas_peak());
  printf("%5s %5s %5s %7s  %7s  %11s %18s %10s  %8s %7s %6s  %11s %6s\n", "order", "mode",
         "width", "samples", "work MB", "gradient ms", "product ms", "row ms", "GFLOP/s",
         "dgemm", "share", "roofline ms", "share");
}

static void print_speeds(const htf_cli_workload *w, const htf_cli_speeds *s) {
  char product[32];
  snprintf(product, sizeof product, "%.4f (x %.2f)", 1e3 * s->product,
           s->product / s->gradient);
  printf("%5d %5d %5d %7lld  %7.2f  %11.4f %18s %10.3f  %8.1f %7.1f %6.2f  %11.4f %6.2f\n",
         w->order, w->mode, w->width, (long long)w->samples, 1e-6 * s->evaluation,
         1e3 * s->gradient, product, 1e3 * s->row, rate_of(s), s->dgemm,
         rate_of(s) / s->dgemm, 1e3 * roof_of(s), roof_of(s) / s->gradient);
  fflush(stdout);
}

static json_t *speeds_json(const htf_cli_workload *w, const htf_cli_speeds *s) {
  const struct {
    const char *name;
    double value;
  } reals[] = {
      {"parameter_bytes", 8.0 * (double)s->parameters},
      {"table_bytes", s->tables},
      {"evaluation_bytes", s->evaluation},
      {"gradient_ms", 1e3 * s->gradient},
      {"product_ms", 1e3 * s->product},
      {"product_in_gradients", s->product / s->gradient},
      {"row_ms", 1e3 * s->row},
      {"flops", s->flops},
      {"gflops", rate_of(s)},
      {"dgemm_gflops", s->dgemm},
      {"share_of_dgemm", rate_of(s) / s->dgemm},
      {"traffic_bytes", s->traffic},
      {"bandwidth_gbytes", s->bandwidth},
      {"roofline_ms", 1e3 * roof_of(s)},
      {"share_of_roofline", roof_of(s) / s->gradient},
  };
  json_t *found =
      json_pack("{si si si sI sI}", "order", w->order, "mode", w->mode, "width", w->width,
                "samples", (json_int_t)w->samples, "parameters", (json_int_t)s->parameters);
  for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
    json_object_set_new(found, reals[i].name, json_real(reals[i].value));
  }
  return found;
}

// ---- the command ----------------------------------------------------------------------

static htf_status measure_all(const htf_cli_list *problems, int rounds, json_t *all) {
  htf_status status = HTF_OK;
  int count = problems->count > 0 ? problems->count : (int)(sizeof usual / sizeof *usual);
  for (int i = 0; i < count; i++) {
    htf_cli_workload workload;
    htf_cli_speeds speeds;
    HTF_TRY(read_workload(problems->count > 0 ? problems->item[i] : usual[i], &workload));
    HTF_TRY(htf_cli__measure(&workload, rounds, &speeds));
    if (all != NULL) {
      json_array_append_new(all, speeds_json(&workload, &speeds));
    } else {
      print_speeds(&workload, &speeds);
    }
  }
done:
  return status;
}

static void print_json(json_t *problems, double puts) {
  json_t *all =
      json_pack("{ss ss ss si sf sO sf}", "blas", htf_blas_library(), "blas_core",
                htf_blas_core(), "small_products", htf_blas_small(), "vector_width",
                htf_blas_vector_width(), "peak_gflops", htf_blas_peak(), "problems",
                problems, "journal_puts_per_second", puts);
  json_dumpf(all, stdout, JSON_INDENT(2));
  printf("\n");
  json_decref(all);
}

static const char summary[] =
    "How fast this machine is at what runs are made of, on one core: megabytes that losses,\n"
    "gradients and Hessian-vector products work in; milliseconds of a loss and its\n"
    "gradient, of a Hessian-vector product (and how many gradients that is), of a row of\n"
    "observables; GFLOP/s of a gradient's matrix products over all of its time,\n"
    "those of a dgemm of size 512 measured in turn with it, and their ratio. The roofline\n"
    "is the least time of a gradient: its matrix products at the dgemm's rate, or the bytes\n"
    "of the rows that its loops read and write at the bandwidth of y += a x over as many\n"
    "bytes as its tables have, whichever takes longer. Last, the journal: records of 50 kB\n"
    "made safe a second, one transaction each. Times are CPU times, the shortest of many.";

htf_status htf_cli__bench(int argc, char **argv, int *exit_code) {
  htf_status status = HTF_OK;
  bool json = false, help;
  htf_cli_list problems = {.count = 0};
  const char *directory = ".", *rounds_text = "4";
  double rounds, puts;
  json_t *all = NULL;
  htf_cli_option options[] = {
      {"problem", "O,M,W,S",
       "a problem by order, mode size, width and samples (completion by a binary tree); "
       "may be repeated; default: five",
       .list = &problems},
      {"rounds", "N", "rounds of 0.6 s a problem (default 4)", .value = &rounds_text},
      {"out", "DIR", "where a journal is to be tried (default: here)", .value = &directory},
      {"json", NULL, "print JSON", .flag = &json},
  };
  htf_cli_usage usage = {"bench [options]", summary, options, 4, 0};
  (void)exit_code;
  HTF_TRY(htf_cli__parse(&usage, argc, argv, NULL, &help));
  if (help) {
    goto done;
  }
  HTF_TRY(htf_cli__number("rounds", rounds_text, 1, 1000, &rounds));
  all = json ? json_array() : NULL;
  if (!json) {
    print_heading();
  }
  HTF_TRY(measure_all(&problems, (int)rounds, all));
  HTF_TRY(htf_cli__measure_journal(directory, RECORD, &puts));
  if (json) {
    print_json(all, puts);
  } else {
    printf("\njournal   %.0f records of %d kB a second in %s\n", puts, RECORD / 1000,
           directory);
  }
done:
  json_decref(all);
  return status;
}
