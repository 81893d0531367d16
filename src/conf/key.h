/* SPDX-License-Identifier: MIT
 *
 * The API key: where it comes from, and the one place in memory where it lives. That page is locked
 * (never swapped) and left out of core dumps where the system allows it, and wiped at the end.
 */
#ifndef EASELFS_CONF_KEY_H
#define EASELFS_CONF_KEY_H

#include "base/cleanup.h"
#include "base/failure.h"
#include "conf/options.h"

/** The longest key. */
#define KEY_MAX_BYTES 4096

struct key;

/**
 * Load the key from the first of these that there is: @file (the option `api_key_file`; NULL where
 * it is not set), $CREDENTIALS_DIRECTORY/api_key (systemd), $EASELFS_API_KEY. The variable's value
 * is overwritten in the environment and the variable removed in every case, also on error and also
 * where another source was used. Call before the first thread starts.
 *
 * @file must be a regular file, owned by the caller or root, and closed to group and others; of a
 * systemd credential only the owner and "others" are checked, as its ACL shows as group rights. One
 * trailing line end is dropped.
 *
 * @ret_key  written on success; the caller calls key_destroy()
 *
 * @return 0; -ENOKEY (no key anywhere: mount all the same, and refuse prompts); -EPERM (others
 * could read the file, or whose it is); -EINVAL (empty, blank or control characters inside, not a
 *         regular file); -EFBIG; -ENOMEM; or the errno of open(2) and read(2). Each with a sentence
 *         and an advice, neither of which holds anything of the key.
 */
int key_load(const char *file, struct key **ret_key, struct failure *failure);

/** The key as a C string: printable ASCII without blanks. Valid until key_destroy(). */
const char *key_text(const struct key *key);

/**
 * The header line that the API wants to see, @auth being an enum auth: "Authorization: Bearer KEY".
 * It is in the same memory. Where @key is NULL: what the stand-in takes, with @demo, or NULL.
 */
const char *key_header(const struct key *key, int auth, bool demo);

/**
 * This is the process that uses the key: no child that is forked from here on has it, and it is
 * locked again, as a lock is not inherited. Where it cannot be locked the log says so.
 */
void key_settle(const struct key *key);

/** Wipe and free; NULL is fine. */
void key_destroy(struct key *key);

static inline void key_cleanup(struct key **key)
{
    key_destroy(*key);
}

#define cleanup_key cleanup_(key_cleanup)

#endif
