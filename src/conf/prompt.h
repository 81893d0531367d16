/* SPDX-License-Identifier: MIT
 *
 * The rules of a prompt's text: UTF-8 without NUL, at most 64 KiB, one trailing line end dropped,
 * settings in front matter, and nothing else ever changed. Pure: no I/O. Front matter itself is
 * conf/frontmatter.
 */
#ifndef EASELFS_CONF_PROMPT_H
#define EASELFS_CONF_PROMPT_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/failure.h"
#include "conf/settings.h"

/** The longest prompt file, front matter and trailing line end included. */
#define PROMPT_MAX_BYTES 65536

/**
 * Check what is about to be written at @offset of a prompt file, without knowing the rest of it. A
 * character that is cut by the end of the chunk is let pass, and one cut by its beginning where
 * @offset is not 0: prompt_parse() sees the whole.
 *
 * @return 0, -EILSEQ (NUL or not UTF-8), or -EFBIG (ends above PROMPT_MAX_BYTES).
 */
int prompt_check_chunk(const char *bytes, size_t length, uint64_t offset, struct failure *failure);

struct prompt {
    struct settings settings; /* from the front matter; owned */
    const char *text;         /* what is sent, inside the caller's text; not NUL-terminated */
    size_t length;            /* bytes, at least 1 */
};

/**
 * Read a whole prompt file.
 *
 * @text        borrowed: it must live as long as @ret_prompt is used
 * @ret_prompt  written on success; the caller calls prompt_fini()
 *
 * @return 0; -EFBIG and -EILSEQ as above; -ENODATA (blank: nothing was asked for); -EINVAL (a fault
 *         in the front matter, or nothing but front matter); -ENOMEM.
 */
int prompt_parse(const char *text, size_t length, const struct model_profile *profile,
                 struct prompt *ret_prompt, struct failure *failure);

/** Free the settings. */
void prompt_fini(struct prompt *prompt);

#define cleanup_prompt cleanup_(prompt_fini)

#endif
