// SPDX-License-Identifier: BSD-3-Clause
#include "htflow/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk_impl.h"
#include "htflow/memory.h"
#include "reader_impl.h"
#include "samples_impl.h"

// ---- problems ---------------------------------------------------------------------------

const char *const htf_file__tasks[HTF_FILE_TASKS] = {[HTF_TASK_COMPLETION] = "completion",
                                                     [HTF_TASK_SENSING] = "sensing",
                                                     [HTF_TASK_FULL] = "full"};

bool htf_file__ends(const char *path, const char *ending) {
  size_t length = strlen(path), tail = strlen(ending);
  return length > tail && strcmp(path + length - tail, ending) == 0;
}

htf_status htf_file__regular(const char *path) {
  htf_status status = HTF_OK;
  struct stat facts;
  HTF_CHECK(stat(path, &facts) == 0, HTF_E_IO, "%s: %s", path, strerror(errno));
  HTF_CHECK(S_ISREG(facts.st_mode), HTF_E_IO, "%s: %s", path,
            S_ISDIR(facts.st_mode) ? "is a directory" : "not a regular file");
  HTF_CHECK(access(path, R_OK) == 0, HTF_E_IO, "%s: %s", path, strerror(errno));
done:
  return status;
}

// ---- HDF5, in a process of its own ------------------------------------------------------

typedef struct reading {
  const char *path;
  htf_file_data *data;
} reading;

static htf_status read_hdf5(void *context) {
  reading *r = context;
  return htf_file__read_hdf5(r->path, r->data);
}

// The arrays of a problem and the bytes of each, 0 for one that is not there.
enum { ARRAYS = 7 };
static void list_arrays(htf_file_data *d, void **array[ARRAYS], size_t bytes[ARRAYS]) {
  size_t train = (size_t)d->train, test = (size_t)d->test, order = (size_t)d->shape.order;
  size_t width = order * (size_t)d->input_size, entries = 1;
  for (int n = 0; d->tensor != NULL && n < d->shape.order; n++) {
    entries *= (size_t)d->shape.size[n];
  }
  void **arrays[ARRAYS] = {(void **)&d->train_indices, (void **)&d->test_indices,
                           (void **)&d->train_inputs,  (void **)&d->test_inputs,
                           (void **)&d->train_values,  (void **)&d->test_values,
                           (void **)&d->tensor};
  size_t counts[ARRAYS] = {train * order, test * order, train * width, test * width,
                           train,         test,         entries};
  for (int i = 0; i < ARRAYS; i++) {
    array[i] = arrays[i];
    bytes[i] = *arrays[i] != NULL ? 8 * counts[i] : 0;
  }
}

static htf_status send_data(void *context, FILE *out) {
  htf_status status = HTF_OK;
  htf_file_data *d = ((reading *)context)->data;
  void **array[ARRAYS];
  size_t bytes[ARRAYS];
  list_arrays(d, array, bytes);
  HTF_TRY(htf_guard_put(out, d, sizeof *d));
  for (int i = 0; i < ARRAYS; i++) {
    HTF_TRY(htf_guard_put(out, *array[i], bytes[i]));
  }
done:
  return status;
}

static htf_status receive_data(void *context, FILE *in) {
  htf_status status = HTF_OK;
  htf_file_data *d = ((reading *)context)->data;
  void **array[ARRAYS];
  bool there[ARRAYS];
  size_t bytes[ARRAYS];
  HTF_TRY(htf_guard_get(in, d, sizeof *d));
  list_arrays(d, array, bytes);
  for (int i = 0; i < ARRAYS; i++) { // the pointers are the child's
    there[i] = *array[i] != NULL;
    *array[i] = NULL;
  }
  for (int i = 0; i < ARRAYS; i++) {
    if (there[i]) {
      HTF_NEW(*(char **)array[i], bytes[i]);
      HTF_TRY(htf_guard_get(in, *array[i], bytes[i]));
    }
  }
done:
  return status;
}

// Of memory what all that a file can hold takes twice, and something to work with.
static const double least_memory = 0x1p30;

htf_status htf_file_guarded(const char *path, const htf_guard *guard) {
  htf_status status = HTF_OK;
  struct stat facts;
  htf_guard own = *guard;
  HTF_CHECK(stat(path, &facts) == 0, HTF_E_IO, "%s: %s", path, strerror(errno));
  own.seconds = 10 + guard->seconds * (double)facts.st_size;
  own.memory = least_memory + 2 * HTF_READER_RATIO * (double)facts.st_size;
  status = htf_guard_run(&own);
  if (status != HTF_OK && strstr(htf_error_message(), path) == NULL) {
    htf_error_prefix("%s: ", path);
  }
  HTF_TRY(status);
done:
  return status;
}

static htf_status read_guarded(const char *path, htf_file_data *data) {
  reading r = {path, data};
  return htf_file_guarded(path, &(htf_guard){.work = read_hdf5,
                                             .send = send_data,
                                             .receive = receive_data,
                                             .context = &r,
                                             .seconds = 1e-7});
}

// ---- problems ---------------------------------------------------------------------------

htf_status htf_file_read_problem(const char *path, htf_file_data *data) {
  htf_status status = HTF_OK;
  bool hdf5 = htf_file__ends(path, ".h5") || htf_file__ends(path, ".hdf5");
  memset(data, 0, sizeof *data);
  HTF_TRY(htf_file__regular(path));
  HTF_CHECK(hdf5 || htf_file__ends(path, ".tns"), HTF_E_DATA,
            "%s: a problem file's name ends in .h5, .hdf5 or .tns", path);
  HTF_TRY(hdf5 ? read_guarded(path, data) : htf_file__read_tns(path, data));
done:
  if (status != HTF_OK) {
    htf_file_data_clear(data);
  }
  return status;
}

void htf_file_data_clear(htf_file_data *data) {
  HTF_FREE(data->train_indices);
  HTF_FREE(data->test_indices);
  HTF_FREE(data->train_inputs);
  HTF_FREE(data->test_inputs);
  HTF_FREE(data->train_values);
  HTF_FREE(data->test_values);
  HTF_FREE(data->tensor);
  memset(data, 0, sizeof *data);
}

// ---- bytes ------------------------------------------------------------------------------

htf_status htf_file_digest(const char *path, char text[HTF_DIGEST_TEXT]) {
  htf_status status = HTF_OK;
  htf_digester *digester = NULL;
  htf_digest digest;
  FILE *file = NULL;
  char block[1 << 16];
  size_t count = 0;
  HTF_TRY(htf_file__regular(path));
  file = fopen(path, "re");
  HTF_CHECK(file != NULL, HTF_E_IO, "%s: %s", path, strerror(errno));
  HTF_TRY(htf_digester_create(&digester));
  while ((count = fread(block, 1, sizeof block, file)) > 0) {
    HTF_TRY(htf_digester_feed(digester, block, count));
  }
  HTF_CHECK(!ferror(file), HTF_E_IO, "%s: %s", path, strerror(errno));
  HTF_TRY(htf_digester_finish(digester, &digest));
  htf_digest_text(&digest, text);
done:
  if (file != NULL) {
    fclose(file);
  }
  htf_digester_destroy(&digester);
  return status;
}

htf_status htf_file_read_text(const char *path, char **out) {
  htf_status status = HTF_OK;
  const size_t most = (size_t)64 << 20;
  FILE *file = NULL;
  char *text = NULL;
  size_t used = 0, room = 0, count = 1;
  HTF_TRY(htf_file__regular(path));
  file = fopen(path, "re");
  HTF_CHECK(file != NULL, HTF_E_IO, "%s: %s", path, strerror(errno));
  while (count > 0) {
    if (used + 1 >= room) {
      room = room > 0 ? 2 * room : 4096;
      HTF_RESIZE(text, room);
    }
    count = fread(text + used, 1, room - used - 1, file);
    used += count;
    HTF_CHECK(used <= most, HTF_E_DATA, "%s: larger than 64 MiB", path);
  }
  HTF_CHECK(!ferror(file), HTF_E_IO, "%s: %s", path, strerror(errno));
  text[used] = '\0';
  HTF_CHECK(strlen(text) == used, HTF_E_DATA,
            "%s: a zero byte at offset %zu: not a text file", path, strlen(text));
  *out = text;
  text = NULL;
done:
  HTF_FREE(text);
  if (file != NULL) {
    fclose(file);
  }
  return status;
}

htf_status htf_file_write_text(const char *path, const char *text) {
  htf_status status = HTF_OK;
  char *part = NULL;
  FILE *file = NULL;
  bool made = false;
  HTF_TRY(htf_file__part(path, &part));
  file = fopen(part, "wxe");
  HTF_CHECK(file != NULL, HTF_E_IO, "%s: cannot be written: %s", path, strerror(errno));
  made = true;
  HTF_CHECK(fputs(text, file) >= 0 && fflush(file) == 0, HTF_E_IO,
            "%s: cannot be written: %s", path, strerror(errno));
  int closed = fclose(file);
  file = NULL;
  HTF_CHECK(closed == 0, HTF_E_IO, "%s: cannot be written: %s", path, strerror(errno));
  HTF_TRY(htf_file__commit(part, path));
done:
  if (file != NULL) {
    fclose(file);
  }
  if (status != HTF_OK && made) {
    unlink(part);
  }
  HTF_FREE(part);
  return status;
}

// ---- directories ------------------------------------------------------------------------

static htf_status make_one(const char *path) {
  htf_status status = HTF_OK;
  struct stat facts;
  HTF_CHECK(mkdir(path, 0777) == 0 || errno == EEXIST, HTF_E_IO, "%s: cannot be made: %s",
            path, strerror(errno));
  HTF_CHECK(stat(path, &facts) == 0 && S_ISDIR(facts.st_mode), HTF_E_IO,
            "%s: not a directory", path);
done:
  return status;
}

static htf_status try_file(const char *path) {
  htf_status status = HTF_OK;
  char *probe = NULL;
  HTF_TRY(htf_file__format(&probe, "%s/.htflow-XXXXXX", path));
  int fd = mkstemp(probe);
  HTF_CHECK(fd >= 0, HTF_E_IO, "%s: no file can be made in it: %s", path, strerror(errno));
  close(fd);
  unlink(probe);
done:
  HTF_FREE(probe);
  return status;
}

htf_status htf_file_make_directory(const char *path) {
  htf_status status = HTF_OK;
  char *part = NULL;
  HTF_TRY(htf_file__format(&part, "%s", path));
  for (char *slash = part; *slash != '\0'; slash++) {
    if (*slash == '/' && slash > part && slash[1] != '\0') {
      *slash = '\0';
      HTF_TRY(make_one(part));
      *slash = '/';
    }
  }
  HTF_TRY(make_one(part));
  HTF_TRY(try_file(part));
done:
  HTF_FREE(part);
  return status;
}
