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
 * left out: `_netdev`, `user`, `x-systemd.automount`; and what every mount is, whatever is asked
 * for: nosuid, nodev and noexec (mount.fuse3 adds `dev` and `suid` by itself), default_permissions.
 *
 * @return 0; -EINVAL (an unknown one: a sentence); -ENOMEM.
 */
int fuse_option_add(char **options, const char *text, struct failure *failure);

/** Those that go on to libfuse, NULL at the end; one with a value ends with `=`. Static. */
const char *const *fuse_option_names(void);

/** Whether the list @options, which may be NULL, has @option. */
bool fuse_option_has(const char *options, const char *option);

/** Whether @option (one, without a comma) is known here, be it as one that is refused. */
bool fuse_option_is_known(const char *option);

#endif
