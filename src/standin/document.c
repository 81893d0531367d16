/* SPDX-License-Identifier: MIT */
#include "standin/document.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct writer {
    const struct document *document;
    const struct document_style *style;
    struct body *body;
    int depth;
};

void document_init(struct document *document)
{
    *document = (struct document){0};
}

void document_fini(struct document *document)
{
    for (int i = 0; i < document->long_count; i++) {
        free(document->longs[i].prefix);
        free(document->longs[i].suffix);
        blob_unref(document->longs[i].blob);
    }
    cJSON_Delete(document->root);
    document_init(document);
}

/* In the tree a long string is a raw item that holds its number. */
cJSON *document_long(struct document *document, const char *prefix, struct blob *blob,
                     const char *suffix)
{
    struct long_string *entry = &document->longs[document->long_count];
    char number[16];

    if (document->long_count == DOCUMENT_MAX_LONGS) {
        document->error = -ENOMEM;
        return NULL;
    }
    *entry = (struct long_string){strdup(prefix), blob_ref(blob), strdup(suffix)};
    snprintf(number, sizeof(number), "%d", document->long_count++);
    if (!entry->prefix || !entry->suffix)
        document->error = -ENOMEM;
    return cJSON_CreateRaw(number);
}

static void put(struct writer *writer, const char *string)
{
    text_puts(&writer->body->text, string);
}

static void new_line(struct writer *writer)
{
    if (!writer->style->pretty)
        return;
    put(writer, "\n");
    for (int i = 0; i < writer->depth; i++)
        put(writer, "  ");
}

static void write_long(struct writer *writer, const cJSON *item)
{
    const struct long_string *entry = &writer->document->longs[strtol(item->valuestring, NULL, 10)];

    put(writer, "\"");
    text_escape(&writer->body->text, entry->prefix);
    body_add_blob(writer->body, entry->blob, 0, blob_size(entry->blob));
    text_escape(&writer->body->text, entry->suffix);
    put(writer, "\"");
}

static void write_number(struct writer *writer, double number)
{
    if (number == floor(number) && fabs(number) < 1e15)
        body_printf(writer->body, "%lld", (long long)number);
    else
        body_printf(writer->body, "%.17g", number);
}

static void write_value(struct writer *writer, const cJSON *item);

/* Depth is that of a tree that answer.c built: a handful. */
static void write_members(struct writer *writer, const cJSON *item)
{
    bool object = cJSON_IsObject(item);
    bool reversed = object && writer->style->reversed;
    /* cJSON links the first child's `prev` to the last one. */
    const cJSON *last = item->child ? item->child->prev : NULL;
    const cJSON *child = reversed ? last : item->child;
    const cJSON *end = reversed ? item->child : last;

    put(writer, object ? "{" : "[");
    writer->depth++;
    for (; child; child = reversed ? child->prev : child->next) {
        new_line(writer);
        if (object) {
            text_json(&writer->body->text, child->string);
            put(writer, writer->style->pretty ? ": " : ":");
        }
        write_value(writer, child);
        if (child == end)
            break;
        put(writer, ",");
    }
    writer->depth--;
    if (item->child)
        new_line(writer);
    put(writer, object ? "}" : "]");
}

static void write_value(struct writer *writer, const cJSON *item)
{
    if (cJSON_IsObject(item) || cJSON_IsArray(item))
        write_members(writer, item);
    else if (cJSON_IsRaw(item))
        write_long(writer, item);
    else if (cJSON_IsString(item))
        text_json(&writer->body->text, item->valuestring);
    else if (cJSON_IsNumber(item))
        write_number(writer, item->valuedouble);
    else
        put(writer, cJSON_IsTrue(item) ? "true" : cJSON_IsFalse(item) ? "false" : "null");
}

int document_write(const struct document *document, const struct document_style *style,
                   struct body *body)
{
    struct writer writer = {document, style, body, 0};

    if (document->error || !document->root)
        return -ENOMEM;
    write_value(&writer, document->root);
    if (style->pretty)
        put(&writer, "\n");
    return body->text.error;
}
