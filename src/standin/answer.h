/* SPDX-License-Identifier: MIT
 *
 * An answer before it is on the wire: status, headers, body. Written by generate.c (pictures),
 * fault.c (errors), models.c (lists) and gallery.c (pictures by URL); sent by transport.c.
 */
#ifndef STANDIN_ANSWER_H
#define STANDIN_ANSWER_H

#include <stdint.h>

#include "standin/body.h"

#define ANSWER_MAX_HEADERS 16

struct header { /* of a request or an answer */
    char *name;
    char *value;
};

struct answer {
    unsigned status;
    struct header headers[ANSWER_MAX_HEADERS]; /* owned texts */
    size_t header_count;
    struct body body;
    int64_t noise_bytes; /* > 0: after the body, that many bytes of noise, in chunks */
};

void answer_init(struct answer *answer, unsigned status);
void answer_fini(struct answer *answer);

/**
 * Add a header, or replace the one of that name.
 *
 * @return 0, -ENOMEM, -E2BIG above ANSWER_MAX_HEADERS, -EINVAL where a line ends within @value.
 */
int answer_header(struct answer *answer, const char *name, const char *value);

#endif
