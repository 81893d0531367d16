/* SPDX-License-Identifier: MIT
 *
 * What people read: error files, status.txt and the lists that .wait gives.
 */
#ifndef EASELFS_JOB_REPORT_H
#define EASELFS_JOB_REPORT_H

#include "base/buf.h"
#include "store/record.h"
#include "store/store.h"

#define REPORT_MAX_BYTES (64 * 1024)

/** Append the error file of a job with a failure; the model's words too, if it said any. */
int report_format(const struct store *store, const struct record *record, struct buf *text);

#endif
