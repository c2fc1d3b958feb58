// SPDX-License-Identifier: BSD-3-Clause
// What makes a run what it is: the parameters that matter to it, digested.
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <threads.h>

#include "htflow/memory.h"
#include "htflow/spec.h"
#include "needs_impl.h"

// ---- which parameters matter -----------------------------------------------------------

enum { FIELDS = 256 };

// The rows of `needs` with their fields found, and which values are meant: bits of choices,
// or a number. And the spec of defaults.
static struct {
  const htf_field *by[NEEDS], *own[NEEDS];
  uint64_t choices[NEEDS];
  double number[NEEDS];
  int first[FIELDS]; // of a field, the first row of its own; rows of a field stand together
  htf_spec defaults;
} known;

static uint64_t bits_of(const htf_field *by, const char *values) {
  uint64_t bits = 0;
  htf_spec spec;
  char name[HTF_MAX_LABEL];
  memset(&spec, 0, sizeof spec);
  for (const char *at = values; *at != '\0'; at += strspn(at, "|")) {
    snprintf(name, sizeof name, "%.*s", (int)strcspn(at, "|"), at);
    HTF_ASSERT(htf_spec_set(&spec, by, name) == HTF_OK);
    bits |= (uint64_t)1 << *(const int *)htf_spec_member_const(&spec, by);
    at += strlen(name);
  }
  return bits;
}

static void find_out(void) {
  int count;
  const htf_field *field = htf_spec_fields(&count);
  HTF_ASSERT(count <= FIELDS);
  for (int i = 0; i < count; i++) {
    known.first[i] = NEEDS;
  }
  for (int i = NEEDS - 1; i >= 0; i--) {
    const htf_field *by = htf_spec_field(needs[i].by), *own = htf_spec_field(needs[i].key);
    HTF_ASSERT(by != NULL && own != NULL);
    known.by[i] = by;
    known.own[i] = own;
    if (by->type == HTF_FIELD_CHOICE) {
      known.choices[i] = bits_of(by, needs[i].values);
    } else {
      HTF_ASSERT(htf_spec_read_number(needs[i].values, &known.number[i]));
    }
    known.first[own - field] = i;
  }
  htf_spec_defaults(&known.defaults);
}

static void know(void) {
  static once_flag once = ONCE_FLAG_INIT;
  call_once(&once, find_out);
}

static bool is_met(const htf_spec *spec, int row) {
  const htf_field *by = known.by[row];
  if (by->type == HTF_FIELD_CHOICE) {
    int choice = *(const int *)htf_spec_member_const(spec, by);
    return choice >= 0 && (known.choices[row] >> choice & 1) != 0;
  }
  return htf_spec_number(spec, by) == known.number[row];
}

static bool is_of(int row, const htf_field *field) {
  return row < NEEDS && known.own[row] == field;
}

bool htf_spec_matters(const htf_spec *spec, const htf_field *field) {
  int count;
  know();
  int row = known.first[field - htf_spec_fields(&count)];
  bool matters = true;
  for (; matters && is_of(row, field); row++) {
    matters = is_met(spec, row);
  }
  return matters;
}

bool htf_spec_need(const htf_field *field, int i, const htf_field **by,
                   const char **values) {
  int count;
  know();
  int row = known.first[field - htf_spec_fields(&count)] + i;
  if (!is_of(row, field)) {
    return false;
  }
  *by = known.by[row];
  *values = needs[row].values;
  return true;
}

// ---- values as bits -------------------------------------------------------------------

// The finaliser of MurmurHash3: every bit of x moves every bit of the result.
static uint64_t stir(uint64_t x) {
  x = (x ^ x >> 33) * 0xFF51AFD7ED558CCDu;
  x = (x ^ x >> 33) * 0xC4CEB9FE1A85EC53u;
  return x ^ x >> 33;
}

static uint64_t stir_bytes(const void *bytes, size_t count) {
  const char *at = bytes;
  uint64_t sum = stir(count + 0x9E3779B97F4A7C15u), word;
  for (; count > 0; at += sizeof word) {
    size_t here = count < sizeof word ? count : sizeof word;
    word = 0;
    memcpy(&word, at, here);
    sum = stir(sum ^ word) + 0x9E3779B97F4A7C15u;
    count -= here;
  }
  return sum;
}

static uint64_t bits_of_double(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static uint64_t bits_of_field(const htf_spec *spec, const htf_field *field) {
  const void *member = htf_spec_member_const(spec, field);
  switch (field->type) {
  case HTF_FIELD_REAL:
  case HTF_FIELD_COUNT:
    return bits_of_double(*(const double *)member);
  case HTF_FIELD_INTEGER:
    return (uint64_t) * (const int64_t *)member;
  case HTF_FIELD_CHOICE:
    return (uint64_t) * (const int *)member;
  case HTF_FIELD_SHAPE: {
    const htf_shape *shape = member;
    return stir_bytes(shape->size, (size_t)shape->order * sizeof shape->size[0]);
  }
  case HTF_FIELD_LIST: {
    const htf_list *list = member;
    return stir_bytes(list->value, (size_t)list->count * sizeof list->value[0]);
  }
  case HTF_FIELD_TREE: {
    const char *newick = ((const htf_tree_field *)member)->newick;
    return stir_bytes(newick, strlen(newick));
  }
  case HTF_FIELD_TEXT:
  case HTF_FIELD_DIGEST:
  case HTF_FIELD_NAMES:
    break;
  }
  return stir_bytes(member, strlen(member));
}

// ---- identity --------------------------------------------------------------------------

static htf_status check_resolved(const htf_spec *spec, const htf_field *field) {
  htf_status status = HTF_OK;
  const void *member = htf_spec_member_const(spec, field);
  if (field->type == HTF_FIELD_TREE) {
    bool needed = member == &spec->model.tree || spec->problem.file_digest[0] == '\0';
    HTF_CHECK(((const htf_tree_field *)member)->newick[0] != '\0' || !needed,
              HTF_E_INTERNAL, "%s is not resolved", field->key);
  } else if (field->type == HTF_FIELD_COUNT) {
    double count = *(const double *)member;
    HTF_CHECK(count == floor(count), HTF_E_INTERNAL, "%s is %g, not resolved", field->key,
              count);
  }
done:
  return status;
}

static bool is_equal(const htf_spec *spec, const htf_spec *than, const htf_field *field) {
  const void *a = htf_spec_member_const(spec, field),
             *b = htf_spec_member_const(than, field);
  switch (field->type) {
  case HTF_FIELD_REAL:
  case HTF_FIELD_COUNT:
    return *(const double *)a == *(const double *)b;
  case HTF_FIELD_INTEGER:
    return *(const int64_t *)a == *(const int64_t *)b;
  case HTF_FIELD_CHOICE:
    return *(const int *)a == *(const int *)b;
  case HTF_FIELD_SHAPE: {
    const htf_shape *one = a, *other = b;
    return one->order == other->order &&
           memcmp(one->size, other->size, (size_t)one->order * sizeof one->size[0]) == 0;
  }
  case HTF_FIELD_LIST: {
    const htf_list *one = a, *other = b;
    return one->count == other->count &&
           memcmp(one->value, other->value, (size_t)one->count * sizeof(double)) == 0;
  }
  case HTF_FIELD_TREE:
    return strcmp(((const htf_tree_field *)a)->newick,
                  ((const htf_tree_field *)b)->newick) == 0;
  case HTF_FIELD_TEXT:
  case HTF_FIELD_DIGEST:
  case HTF_FIELD_NAMES:
    break;
  }
  return strcmp(a, b) == 0;
}

static void print(const htf_spec *spec, const htf_field *field, char *text, size_t size) {
  if (field->type == HTF_FIELD_TREE) {
    const htf_tree_field *tree = htf_spec_member_const(spec, field);
    snprintf(text, size, "%s", tree->newick);
  } else {
    htf_spec_print(spec, field, text, size);
  }
}

// The lines that are digested, and where in them each field's stands: of no length for a
// default; -1 where the field does not matter.
typedef struct lines {
  char text[8 * HTF_MAX_NEWICK];
  int used, at[FIELDS], length[FIELDS];
} lines;

// The spec before and its lines; then room for those of the next.
struct htf_spec_series {
  bool begun;
  htf_spec before;
  lines *old, *new;
};

// Equal, and printed alike: 0 and -0 are not.
static bool is_same(const htf_spec *spec, const htf_spec *than, const htf_field *field) {
  if (field->type == HTF_FIELD_REAL || field->type == HTF_FIELD_COUNT) {
    return bits_of_field(spec, field) == bits_of_field(than, field);
  }
  return is_equal(spec, than, field);
}

static int write_line(const htf_spec *spec, const htf_field *field, char *text,
                      size_t size) {
  char value[HTF_MAX_NEWICK];
  if (is_equal(spec, &known.defaults, field)) {
    return 0;
  }
  print(spec, field, value, sizeof value);
  return snprintf(text, size, "%s: %s\n", field->key, value);
}

// The lines of a spec, out of those of the one before if there is one.
static htf_status compose(const htf_spec *spec, const htf_spec *before, const lines *old,
                          lines *new) {
  htf_status status = HTF_OK;
  int count, used;
  const htf_field *field = htf_spec_fields(&count);
  know();
  used = snprintf(new->text, sizeof new->text, "htflow spec %d\n", HTF_SPEC_SCHEMA);
  for (int i = 0; i < count; i++) {
    new->at[i] = used;
    new->length[i] = -1;
    if (field[i].identity && htf_spec_matters(spec, &field[i])) {
      HTF_TRY(check_resolved(spec, &field[i]));
      size_t room = sizeof new->text - (size_t)used;
      if (before != NULL && old->length[i] >= 0 && is_same(spec, before, &field[i])) {
        HTF_ASSERT((size_t)old->length[i] < room);
        memcpy(new->text + used, old->text + old->at[i], (size_t)old->length[i]);
        new->length[i] = old->length[i];
      } else {
        new->length[i] = write_line(spec, &field[i], new->text + used, room);
        HTF_ASSERT((size_t) new->length[i] < room);
      }
      used += new->length[i];
    }
  }
  new->used = used;
done:
  return status;
}

htf_status htf_spec_identity(const htf_spec *spec, htf_digest *identity) {
  htf_status status = HTF_OK;
  lines all;
  HTF_TRY(compose(spec, NULL, NULL, &all));
  HTF_TRY(htf_digest_of(all.text, (size_t)all.used, identity));
done:
  return status;
}

htf_status htf_spec_series_create(htf_spec_series **out) {
  htf_status status = HTF_OK;
  htf_spec_series *series = NULL;
  HTF_NEW(series, 1);
  HTF_NEW(series->old, 1);
  HTF_NEW(series->new, 1);
  *out = series;
  series = NULL;
done:
  htf_spec_series_destroy(&series);
  return status;
}

void htf_spec_series_destroy(htf_spec_series **series) {
  if (*series != NULL) {
    HTF_FREE((*series)->old);
    HTF_FREE((*series)->new);
    HTF_FREE(*series);
  }
}

htf_status htf_spec_series_identity(htf_spec_series *s, const htf_spec *spec,
                                    htf_digest *identity) {
  htf_status status = HTF_OK;
  HTF_TRY(compose(spec, s->begun ? &s->before : NULL, s->old, s->new));
  HTF_TRY(htf_digest_of(s->new->text, (size_t)s->new->used, identity));
  lines *swapped = s->old;
  s->old = s->new;
  s->new = swapped;
  s->before = *spec;
  s->begun = true;
done:
  return status;
}

// ---- fingerprints ----------------------------------------------------------------------

// A sum over the fields, in two lanes that stir each field its own way.
htf_fingerprint htf_spec_fingerprint(const htf_spec *spec) {
  htf_fingerprint sum = {{0, 0}};
  int count;
  const htf_field *field = htf_spec_fields(&count);
  know();
  for (int i = 0; i < count; i++) {
    if (field[i].identity && htf_spec_matters(spec, &field[i])) {
      uint64_t bits = bits_of_field(spec, &field[i]), own = (uint64_t)(i + 1);
      sum.word[0] += stir(bits + own * 0x9E3779B97F4A7C15u);
      sum.word[1] += stir(bits ^ stir(own * 0xD1B54A32D192ED03u));
    }
  }
  return sum;
}
