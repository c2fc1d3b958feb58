// SPDX-License-Identifier: BSD-3-Clause
// driver_impl.h: how HDF5 reaches the disk while results are written.
//
// HDF5 1.10 does not outlive a failed write: after a flush that met a full disk it can
// neither close the file nor give back its ids. So this driver lets no call fail. It keeps
// the first error, for the writer to ask for, and what could not be written, so that HDF5
// reads back what it wrote and closes everything as ever; then the file is thrown away. It
// takes no lock: the file is this process's own until it is renamed.
#pragma once

#include <hdf5.h>
#include <stdbool.h>

#include "htflow/status.h"

typedef struct htf_results__disk htf_results__disk;

htf_status htf_results__disk_create(htf_results__disk **disk);
// After the file is closed.
void htf_results__disk_destroy(htf_results__disk **disk);
// Sets the driver in a list of file access properties; `disk` serves one file, and lives
// longer.
htf_status htf_results__disk_use(htf_results__disk *disk, hid_t access);
// Raises HTF_E_IO if anything has failed so far.
htf_status htf_results__disk_check(const htf_results__disk *disk);
