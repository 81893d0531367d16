/* SPDX-License-Identifier: MIT
 *
 * Front matter: settings for one prompt, at the very beginning of its text. Pure: no I/O.
 *
 *   ---
 *   aspect_ratio: 16:9
 *   # a comment
 *   references:
 *     - cat.jpg
 *     - dog.jpg
 *   ---
 *   The cat and the dog in a boat
 *
 * Lines end with LF or CRLF; a line of `---` may have spaces behind it; a byte order mark before
 * the first one is passed over. Keys are the names of settings/, each at most once. `references`
 * takes names separated by commas or one a line behind `- `; a value may stand in "double" or
 * 'single' quotes. A text that begins with `---` and has no closing `---` is plain text.
 */
#ifndef EASELFS_CONF_FRONTMATTER_H
#define EASELFS_CONF_FRONTMATTER_H

#include <stddef.h>

#include "base/failure.h"
#include "conf/settings.h"

/**
 * Split @text into front matter and the rest.
 *
 * @text          UTF-8 without NUL (prompt_parse() has checked it)
 * @ret_settings  written on success: what the front matter sets; the caller calls settings_fini()
 * @ret_offset    written on success: where the rest begins; 0 where there is no front matter
 *
 * @return 0, -EINVAL (unknown key, key twice, bad value or line: a sentence with the line's number)
 *         or -ENOMEM.
 */
int frontmatter_parse(const char *text, size_t length, const struct model_profile *profile,
                      struct settings *ret_settings, size_t *ret_offset, struct failure *failure);

#endif
