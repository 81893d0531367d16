/* SPDX-License-Identifier: MIT
 *
 * INI text into entries, strictly: what libinih would cut, join or pass over in silence is refused
 * with the line's number. The only user of libinih. Pure: no I/O.
 */
#ifndef EASELFS_CONF_INI_FILE_H
#define EASELFS_CONF_INI_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/failure.h"

/** The longest configuration file. */
#define INI_FILE_MAX_BYTES 65536

/** The longest line, without its end: libinih's buffer holds no more. */
#define INI_FILE_LINE_MAX_BYTES 190

/** The longest name between brackets: the same. */
#define INI_FILE_NAME_MAX_BYTES 49

struct ini_entry {
    const char *section; /* "" before the first one */
    const char *key;
    const char *value; /* continuation lines are joined with line feeds */
    bool continued;    /* there were continuation lines */
    unsigned int line; /* of the key */
};

/** Called for each entry in order. @return 0, or a negative errno with a sentence: it ends there.
 */
typedef int ini_file_handler(void *context, const struct ini_entry *entry, struct failure *failure);

/**
 * Read @text (@length bytes, UTF-8, any line ends).
 *
 * @name  of the file: sentences begin with "NAME:LINE: ", those of the handler too
 *
 * @return 0; -EINVAL (a fault in the text); -EFBIG (too long); -ENOMEM; or what @handler returned.
 */
int ini_file_parse(const char *name, const char *text, size_t length, ini_file_handler *handler,
                   void *context, struct failure *failure);

/** The refusal of an entry that is one line by nature but went on in the next. @return -EINVAL */
int ini_file_refuse_lines(const struct ini_entry *entry, struct failure *failure);

/**
 * Append an entry so that ini_file_parse() reads it back, with a continuation line for each line
 * feed in @value. INI cannot hold everything: a line that is too long, begins with `;` or `#`, or
 * has " ;" in it is written as it is. What was read from a file has none of these.
 *
 * @return 0, or as buf_append().
 */
int ini_file_print(const char *key, const char *value, struct buf *buf);

#endif
