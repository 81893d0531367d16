/* SPDX-License-Identifier: MIT
 *
 * --check: whether key, store and API would do, without spending anything.
 */
#ifndef EASELFS_CHECK_H
#define EASELFS_CHECK_H

#include "base/buf.h"
#include "conf/exit.h"
#include "conf/key.h"
#include "conf/options.h"

/**
 * Append a line for each thing that was looked at. Asks the API for its list of models, which costs
 * nothing.
 *
 * @param key NULL: there is none
 * @return EXIT_STATUS_OK, or the status of the first thing that would not do.
 */
enum exit_status check_all(const struct options *options, const struct key *key,
                           struct buf *report);

#endif
