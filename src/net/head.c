/* SPDX-License-Identifier: MIT */
#include "net/head.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

/* Where servers, gateways and what stands before them put the request's name; the best first. */
static const char *const request_id_names[] = {
    "x-request-id",        "request-id",       "x-goog-request-id",
    "x-oneapi-request-id", "x-amzn-requestid", "cf-ray",
};

void head_reset(struct head *head)
{
    head_fini(head);
    memset(head, 0, sizeof(*head));
    head->length = -1;
}

void head_fini(struct head *head)
{
    free(head->location);
    head->location = NULL;
}

void head_copy_text(char *text, size_t size, const char *value, size_t length)
{
    if (length > size - 1)
        length = size - 1;
    memcpy(text, value, length);
    text[length] = '\0';
    text_make_printable(text, ' ');
}

static bool is_name(const char *line, size_t length, const char *name)
{
    return strlen(name) == length && strncasecmp(line, name, length) == 0;
}

static int64_t parse_length(const char *value, size_t length)
{
    int64_t number = 0;

    if (length == 0 || length > 18)
        return -1;
    for (size_t i = 0; i < length; i++) {
        if (value[i] < '0' || value[i] > '9')
            return -1;
        number = number * 10 + (value[i] - '0');
    }
    return number;
}

static void take_request_id(struct head *head, const char *line, size_t name_length,
                            const char *value, size_t length)
{
    int count = sizeof(request_id_names) / sizeof(request_id_names[0]);

    for (int i = 0; i < count; i++) {
        if (is_name(line, name_length, request_id_names[i]) && count - i > head->request_id_rank) {
            head_copy_text(head->request_id, sizeof(head->request_id), value, length);
            head->request_id_rank = count - i;
        }
    }
}

static int take_location(struct head *head, const char *value, size_t length)
{
    free(head->location);
    head->location = NULL;
    if (length > HEAD_LOCATION_MAX)
        return 0;
    head->location = strndup(value, length);
    return head->location ? 0 : -ENOMEM;
}

static int take(struct head *head, const char *line, size_t name_length, const char *value,
                size_t length)
{
    if (is_name(line, name_length, "content-length"))
        head->length = parse_length(value, length);
    else if (is_name(line, name_length, "transfer-encoding") ||
             (is_name(line, name_length, "content-encoding") &&
              !is_name(value, length, "identity")))
        head->transformed = true;
    else if (is_name(line, name_length, "retry-after"))
        head_copy_text(head->retry_after, sizeof(head->retry_after), value, length);
    else if (is_name(line, name_length, "content-type"))
        head_copy_text(head->content_type, sizeof(head->content_type), value, length);
    else if (is_name(line, name_length, "location"))
        return take_location(head, value, length);
    else
        take_request_id(head, line, name_length, value, length);
    if (head->transformed)
        head->length = -1;
    return 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int head_add_line(struct head *head, const char *line, size_t length)
{
    const char *colon = memchr(line, ':', length);
    const char *value;

    if (!colon)
        return 0;
    while (length > 0 && is_blank(line[length - 1]))
        length--;
    value = colon + 1;
    while (value < line + length && is_blank(*value))
        value++;
    if (value > line + length)
        return 0;
    return take(head, line, (size_t)(colon - line), value, (size_t)(line + length - value));
}
