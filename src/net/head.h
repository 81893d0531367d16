/* SPDX-License-Identifier: MIT
 *
 * The head of an answer: the few header lines that matter, as the lines arrive. Pure.
 */
#ifndef EASELFS_NET_HEAD_H
#define EASELFS_NET_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The longest Location that is kept: a URL at its maximum and some. */
#define HEAD_LOCATION_MAX 16384

struct head {
    int64_t length;        /* of the body as it will be written; -1 = not known */
    bool transformed;      /* encoded or chunked: Content-Length says nothing of the body */
    char *location;        /* owned; NULL = none, or too long */
    char retry_after[128]; /* the texts are printable, cut where too long, "" where absent */
    char request_id[128];
    char content_type[128];
    int request_id_rank; /* how good the name was that the id came under; 0 = none yet */
};

/** Begin a new head: an answer may have several, each 1xx having its own. */
void head_reset(struct head *head);

/** Take in one line with its line end. Lines that are no header are ignored. @return 0, -ENOMEM. */
int head_add_line(struct head *head, const char *line, size_t length);

/** Free what it holds. */
void head_fini(struct head *head);

/** Copy @value into @text, cut to @size and made printable. */
void head_copy_text(char *text, size_t size, const char *value, size_t length);

#endif
