/* SPDX-License-Identifier: MIT */
#include "standin/wrap.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "standin/vocabulary.h"

static bool is_json(const struct answer *answer)
{
    static const char wanted[] = "application/json";

    for (size_t i = 0; i < answer->header_count; i++)
        if (!strcasecmp(answer->headers[i].name, "Content-Type"))
            return !strncmp(answer->headers[i].value, wanted, sizeof(wanted) - 1);
    return false;
}

int wrap_body(int word, struct answer *answer)
{
    const char *before = word == WRAP_LAST ? "[{},{\"usageMetadata\":null}," : "[";
    const char *after =
        word == WRAP_FIRST ? ",{\"candidates\":[{\"finishReason\":\"STOP\"}]},null]" : "]";
    struct body inner;
    int error = body_seal(&answer->body);

    if (error || !word || !answer->body.length || !is_json(answer))
        return error;
    inner = answer->body;
    body_init(&answer->body);
    body_add(&answer->body, before, strlen(before));
    body_add_body(&answer->body, &inner, 0, inner.length);
    body_add(&answer->body, after, strlen(after));
    body_fini(&inner);
    return 0;
}
