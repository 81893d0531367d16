/* SPDX-License-Identifier: MIT */
#include "api/request.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "api/base64.h"
#include "api/json.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/text.h"

/* Bytes of a reference that are read in one go. */
#define CHUNK_SIZE (12u << 10)

struct reference {
    size_t cut;    /* offset in the text before which the base64 of this reference stands */
    uint64_t size; /* bytes that the file is said to have */
};

struct request {
    struct buf text; /* the JSON, with an empty string for each reference's data */
    struct reference *references;
    size_t reference_count;
    struct request_source source;

    uint64_t length;   /* of the body */
    uint64_t position; /* bytes handed out */
    int error;         /* negative errno that every later call gives */

    size_t text_offset;            /* next byte of the text */
    size_t reference;              /* the reference that comes next, or is under way */
    bool in_reference;             /* it is under way */
    uint64_t reference_offset;     /* next byte of it */
    struct base64_encoder encoder; /* of it */
    char staged[8];                /* characters that did not fit into the caller's buffer */
    size_t staged_length;
};

struct mapping {
    enum setting setting;
    const char *name;
};

static const struct mapping numbers[] = {
    {SETTING_TEMPERATURE, "temperature"},
    {SETTING_TOP_P, "topP"},
    {SETTING_TOP_K, "topK"},
    {SETTING_SEED, "seed"},
    {SETTING_MAX_OUTPUT_TOKENS, "maxOutputTokens"},
};

static const struct mapping image_options[] = {
    {SETTING_ASPECT_RATIO, "aspectRatio"},
    {SETTING_IMAGE_SIZE, "imageSize"},
};

static const struct mapping safety_categories[] = {
    {SETTING_SAFETY_HARASSMENT, "HARM_CATEGORY_HARASSMENT"},
    {SETTING_SAFETY_HATE_SPEECH, "HARM_CATEGORY_HATE_SPEECH"},
    {SETTING_SAFETY_SEXUALLY_EXPLICIT, "HARM_CATEGORY_SEXUALLY_EXPLICIT"},
    {SETTING_SAFETY_DANGEROUS_CONTENT, "HARM_CATEGORY_DANGEROUS_CONTENT"},
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* The value of a setting; NULL where it is not set. */
static const char *get_value(const struct settings *settings, enum setting setting)
{
    const char *value = settings->value[setting];

    return value && *value ? value : NULL;
}

/* Append @before, @text as a JSON string, and @after. */
static int append_string(struct buf *buf, const char *before, const char *text, const char *after)
{
    int error;

    if (text_utf8_prefix(text, strlen(text)) != strlen(text))
        return -EILSEQ;
    error = buf_append_text(buf, before);
    if (!error)
        error = json_append_string(buf, text);
    if (!error)
        error = buf_append_text(buf, after);
    return error;
}

static bool mime_is_valid(const char *mime)
{
    return mime && strspn(mime, "abcdefghijklmnopqrstuvwxyz0123456789/.+-") == strlen(mime) &&
           strchr(mime, '/');
}

static int append_references(struct request *request, const struct request_reference *references)
{
    int error = 0;

    for (size_t i = 0; i < request->reference_count && !error; i++) {
        if (!mime_is_valid(references[i].mime))
            return -EINVAL;
        if (references[i].size > REQUEST_REFERENCE_MAX)
            return -EFBIG;
        error = buf_printf(&request->text, ",{\"inlineData\":{\"mimeType\":\"%s\",\"data\":\"",
                           references[i].mime);
        request->references[i].cut = request->text.length;
        request->references[i].size = references[i].size;
        request->length += base64_encoded_length(references[i].size);
        if (!error)
            error = buf_append_text(&request->text, "\"}}");
    }
    return error;
}

static int append_safety(struct buf *buf, const struct settings *settings)
{
    bool any = false;
    int error = 0;

    for (size_t i = 0; i < COUNT_OF(safety_categories) && !error; i++) {
        const char *value = get_value(settings, safety_categories[i].setting);
        if (!value)
            continue;
        error = buf_printf(buf, "%s{\"category\":\"%s\"", any ? "," : ",\"safetySettings\":[",
                           safety_categories[i].name);
        if (!error)
            error = append_string(buf, ",\"threshold\":", value, "}");
        any = true;
    }
    return error || !any ? error : buf_append_text(buf, "]");
}

/* "IMAGE,TEXT" as a JSON array. */
static int append_modalities(struct buf *buf, const char *modalities)
{
    const char *separator = "\"responseModalities\":[";
    int error = 0;

    while (!error) {
        size_t length = strspn(modalities, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
        if (!length || !strchr(",", modalities[length]))
            return -EINVAL;
        error = buf_printf(buf, "%s\"%.*s\"", separator, (int)length, modalities);
        if (!modalities[length])
            break;
        modalities += length + 1;
        separator = ",";
    }
    return error ? error : buf_append_text(buf, "]");
}

static int append_numbers(struct buf *buf, const struct settings *settings)
{
    int error = 0;

    for (size_t i = 0; i < COUNT_OF(numbers) && !error; i++) {
        const char *value = get_value(settings, numbers[i].setting);
        if (!value)
            continue;
        if (!json_is_number(value, strlen(value)))
            return -EINVAL;
        error = buf_printf(buf, ",\"%s\":%s", numbers[i].name, value);
    }
    return error;
}

static int append_image_config(struct buf *buf, const struct settings *settings)
{
    const char *separator = "";
    int error = buf_append_text(buf, ",\"imageConfig\":{");

    for (size_t i = 0; i < COUNT_OF(image_options) && !error; i++) {
        const char *value = get_value(settings, image_options[i].setting);
        if (!value)
            continue;
        error = buf_printf(buf, "%s\"%s\":", separator, image_options[i].name);
        if (!error)
            error = append_string(buf, "", value, "");
        separator = ",";
    }
    return error ? error : buf_append_text(buf, "}");
}

static int append_generation_config(struct buf *buf, const struct settings *settings)
{
    const char *modalities = get_value(settings, SETTING_RESPONSE_MODALITIES);
    int error = buf_append_text(buf, ",\"generationConfig\":{");

    if (!error)
        error = append_modalities(buf, modalities ? modalities : "IMAGE,TEXT");
    if (!error)
        error = append_numbers(buf, settings);
    if (!error)
        error = append_image_config(buf, settings);
    return error ? error : buf_append_text(buf, "}");
}

static int append_body(struct request *request, const char *prompt, const struct settings *settings,
                       const struct request_reference *references)
{
    struct buf *buf = &request->text;
    const char *instruction = get_value(settings, SETTING_SYSTEM_INSTRUCTION);
    int error;

    error =
        append_string(buf, "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":", prompt, "}");
    if (!error)
        error = append_references(request, references);
    if (!error)
        error = buf_append_text(buf, "]}]");
    if (!error && instruction)
        error =
            append_string(buf, ",\"systemInstruction\":{\"parts\":[{\"text\":", instruction, "}]}");
    if (!error)
        error = append_safety(buf, settings);
    if (!error)
        error = append_generation_config(buf, settings);
    return error ? error : buf_append_text(buf, "}");
}

static void cleanup_request_impl(struct request **request)
{
    request_destroy(*request);
}

int request_create(const char *prompt, const struct settings *settings,
                   const struct request_reference *references, size_t reference_count,
                   const struct request_source *source, struct request **ret_request)
{
    cleanup_(cleanup_request_impl) struct request *request = NULL;
    int error;

    if (reference_count > REQUEST_REFERENCES_MAX)
        return -E2BIG;
    request = calloc(1, sizeof(*request));
    if (!request)
        return -ENOMEM;
    buf_init(&request->text, REQUEST_TEXT_MAX);
    if (reference_count) {
        request->references = calloc(reference_count, sizeof(*request->references));
        if (!request->references)
            return -ENOMEM;
        request->reference_count = reference_count;
        request->source = *source;
    }
    error = append_body(request, prompt, settings, references);
    if (error)
        return error;
    request->length += request->text.length;
    *ret_request = steal_ptr(request);
    return 0;
}

void request_destroy(struct request *request)
{
    if (!request)
        return;
    buf_fini(&request->text);
    free(request->references);
    free(request);
}

uint64_t request_length(const struct request *request)
{
    return request->length;
}

uint64_t request_position(const struct request *request)
{
    return request->position;
}

bool request_is_complete(const struct request *request)
{
    return request->position == request->length;
}

static size_t min_size(size_t left, size_t right)
{
    return left < right ? left : right;
}

static size_t read_staged(struct request *request, char *buffer, size_t size)
{
    size_t length = min_size(size, request->staged_length);

    memcpy(buffer, request->staged, length);
    request->staged_length -= length;
    memmove(request->staged, request->staged + length, request->staged_length);
    return length;
}

/* Hand out JSON up to the next reference or the end. */
static size_t read_text(struct request *request, char *buffer, size_t size)
{
    bool is_last = request->reference == request->reference_count;
    size_t end = is_last ? request->text.length : request->references[request->reference].cut;
    size_t length = min_size(size, end - request->text_offset);

    memcpy(buffer, request->text.data + request->text_offset, length);
    request->text_offset += length;
    if (request->text_offset == end && !is_last) {
        request->in_reference = true;
        request->reference_offset = 0;
        base64_encode_start(&request->encoder);
    }
    return length;
}

/* Read the next bytes of the reference; its end must be where it was said to be. */
static int64_t read_source(struct request *request, unsigned char *data, size_t size)
{
    const struct request_source *source = &request->source;
    uint64_t left = request->references[request->reference].size - request->reference_offset;
    int64_t length = 0;

    if (left) {
        size = left < size ? (size_t)left : size;
        length =
            source->read(source->ctx, request->reference, request->reference_offset, data, size);
        if (length < 0)
            return length;
        if (!length || (uint64_t)length > size)
            return -EIO;
        request->reference_offset += (uint64_t)length;
    }
    if ((uint64_t)length == left) {
        unsigned char more;
        int64_t over =
            source->read(source->ctx, request->reference, request->reference_offset, &more, 1);
        if (over)
            return over < 0 ? over : -EIO;
    }
    return length;
}

/* Hand out base64 of the reference. Where @size is too small for a group it goes to the stage. */
static int64_t read_reference(struct request *request, char *buffer, size_t size)
{
    unsigned char data[CHUNK_SIZE];
    bool stage = size < 4;
    char *text = stage ? request->staged : buffer;
    int64_t length = read_source(request, data, stage ? 3 : min_size(size / 4 * 3, sizeof(data)));
    size_t written;

    if (length < 0)
        return length;
    written = base64_encode(&request->encoder, data, (size_t)length, text);
    if (stage) {
        request->staged_length = written;
        written = 0;
    }
    if (request->reference_offset == request->references[request->reference].size) {
        request->staged_length +=
            base64_encode_finish(&request->encoder, request->staged + request->staged_length);
        request->in_reference = false;
        request->reference++;
    }
    return (int64_t)written;
}

static int64_t read_next(struct request *request, char *buffer, size_t size)
{
    if (request->staged_length)
        return (int64_t)read_staged(request, buffer, size);
    if (request->in_reference)
        return read_reference(request, buffer, size);
    return (int64_t)read_text(request, buffer, size);
}

int64_t request_read(struct request *request, void *buffer, size_t size)
{
    char *to = buffer;
    size_t done = 0;

    if (!size)
        return -EINVAL;
    if (size > SSIZE_MAX)
        size = SSIZE_MAX;
    while (!request->error && done < size && request->position + done < request->length) {
        int64_t length = read_next(request, to + done, size - done);
        if (length < 0)
            request->error = (int)length;
        else
            done += (size_t)length;
    }
    if (request->error)
        return request->error;
    request->position += done;
    return (int64_t)done;
}

int request_url(const char *base, const char *model, char **ret_url)
{
    cleanup_buf struct buf buf;
    size_t length = strlen(base);
    int error;

    buf_init(&buf, strlen(base) + 3 * strlen(model) + 64);
    while (length && base[length - 1] == '/')
        length--;
    if (!length || !*model)
        return -EINVAL;
    error = buf_append(&buf, base, length);
    if (!error)
        error = buf_append_text(&buf, "/v1beta/models/");
    if (!error)
        error = buf_append_escaped(&buf, model);
    if (!error)
        error = buf_append_text(&buf, ":generateContent");
    if (error)
        return error;
    *ret_url = buf_steal(&buf);
    return 0;
}
