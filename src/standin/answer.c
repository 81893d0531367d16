/* SPDX-License-Identifier: MIT */
#include "standin/answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void answer_init(struct answer *answer, unsigned status)
{
    *answer = (struct answer){.status = status};
    body_init(&answer->body);
}

void answer_fini(struct answer *answer)
{
    for (size_t i = 0; i < answer->header_count; i++) {
        free(answer->headers[i].name);
        free(answer->headers[i].value);
    }
    body_fini(&answer->body);
    answer_init(answer, 0);
}

static struct header *find(struct answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->header_count; i++)
        if (!strcasecmp(answer->headers[i].name, name))
            return &answer->headers[i];
    return NULL;
}

int answer_header(struct answer *answer, const char *name, const char *value)
{
    struct header *header = find(answer, name);
    char *copy;

    if (value[strcspn(value, "\r\n")])
        return -EINVAL;
    copy = strdup(value);
    if (!copy)
        return -ENOMEM;
    if (header) {
        free(header->value);
        header->value = copy;
        return 0;
    }
    if (answer->header_count == ANSWER_MAX_HEADERS) {
        free(copy);
        return -E2BIG;
    }
    header = &answer->headers[answer->header_count];
    header->name = strdup(name);
    header->value = copy;
    if (!header->name) {
        free(copy);
        return -ENOMEM;
    }
    answer->header_count++;
    return 0;
}
