/* SPDX-License-Identifier: MIT */
#include "conf/prompt.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/text.h"
#include "conf/frontmatter.h"

/* The longest tail of a character that a chunk can begin with, or head that it can end with. */
#define PARTIAL_MAX_BYTES 3

static int refuse_size(struct failure *failure)
{
    return failure_set(failure, -EFBIG, "The prompt is longer than %d KiB.",
                       PROMPT_MAX_BYTES / 1024);
}

static int refuse_bytes(struct failure *failure)
{
    return failure_set(failure, -EILSEQ, "The prompt is not UTF-8 text.");
}

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

int prompt_check_chunk(const char *bytes, size_t length, uint64_t offset, struct failure *failure)
{
    size_t skipped = 0;
    size_t valid;

    if (offset > PROMPT_MAX_BYTES || length > PROMPT_MAX_BYTES - offset)
        return refuse_size(failure);
    while (offset && skipped < PARTIAL_MAX_BYTES && skipped < length &&
           is_continuation(bytes[skipped]))
        skipped++;
    valid = skipped + text_utf8_prefix(bytes + skipped, length - skipped);
    if (valid == length)
        return 0;
    if (length - valid <= PARTIAL_MAX_BYTES &&
        text_utf8_is_incomplete(bytes + valid, length - valid))
        return 0;
    return refuse_bytes(failure);
}

static size_t drop_line_end(const char *text, size_t length)
{
    if (length && text[length - 1] == '\n') {
        length--;
        if (length && text[length - 1] == '\r')
            length--;
    }
    return length;
}

int prompt_parse(const char *text, size_t length, const struct model_profile *profile,
                 struct prompt *ret_prompt, struct failure *failure)
{
    cleanup_settings struct settings settings = {0};
    size_t offset;
    size_t rest;
    int error;

    if (length > PROMPT_MAX_BYTES)
        return refuse_size(failure);
    if (text_utf8_prefix(text, length) != length)
        return refuse_bytes(failure);
    if (text_is_blank(text, length))
        return failure_set(failure, -ENODATA, "The prompt is empty.");
    error = frontmatter_parse(text, length, profile, &settings, &offset, failure);
    if (error)
        return error;
    rest = drop_line_end(text + offset, length - offset);
    if (text_is_blank(text + offset, rest))
        return failure_set(failure, -EINVAL, "The prompt has settings, but no text below them.");
    *ret_prompt = (struct prompt){.settings = settings, .text = text + offset, .length = rest};
    settings = (struct settings){0};
    return 0;
}

void prompt_fini(struct prompt *prompt)
{
    settings_fini(&prompt->settings);
    *prompt = (struct prompt){0};
}
