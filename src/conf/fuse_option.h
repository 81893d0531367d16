/* SPDX-License-Identifier: MIT
 *
 * Mount options that are not ours: which go on to libfuse, and which are for mount(8), fstab and
 * systemd only. Private to conf/ and completion/.
 */
#ifndef EASELFS_CONF_FUSE_OPTION_H
#define EASELFS_CONF_FUSE_OPTION_H

#include <stdbool.h>

#include "base/failure.h"

/**
 * Add the comma-separated @text to @options (NULL = none yet), each once. What is for others is
 * left out: `_netdev`, `user`, `x-systemd.automount`, and with them `dev` and `suid`, which
 * mount.fuse3 adds by itself and which no file here needs.
 *
 * @return 0; -EINVAL (an unknown one: a sentence); -ENOMEM.
 */
int fuse_option_add(char **options, const char *text, struct failure *failure);

/** Those that go on to libfuse, NULL at the end; one with a value ends with `=`. Static. */
const char *const *fuse_option_names(void);

/** Whether @option (one, without a comma) is known here. */
bool fuse_option_is_known(const char *option);

#endif
