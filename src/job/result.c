/* SPDX-License-Identifier: MIT */
#include "job/result.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "conf/models.h"
#include "conf/prompt.h"

#define PREFIX "user.easelfs."

/* Together with what is short by itself they stay under 4 KiB. */
#define PROMPT_MAX_SHOWN   1024
#define COMMENT_MAX_SHOWN  512
#define LIST_MAX_SHOWN     512
#define ELLIPSIS           "…"
#define ATTRIBUTE_MAX_SIZE (PROMPT_MAX_SHOWN + sizeof(ELLIPSIS))

/* Models round to multiples of 8 to 64 pixels: a ratio is another one beyond this, */
#define RATIO_TOLERANCE 0.05
/* and a size, which is the edge of a square of the same area, beyond this. */
#define AREA_FACTOR 1.6

void result_note_fallback(const char *asked, const char *sent, char note[RESULT_NOTE_SIZE])
{
    snprintf(note, RESULT_NOTE_SIZE, "image_size %s is not made by this model: %s was asked for.",
             asked, sent);
}

/* Nothing opens such a file by itself, and no preview is made of it. */
static const char opaque_extension[] = "bin";
static const char opaque_mime[] = "application/octet-stream";

const char *result_extension(const struct image_type *type, const struct image_size *size)
{
    return imagesize_is_excessive(size) ? opaque_extension : type->extension;
}

const char *result_mime(const struct image_type *type, const struct image_size *size)
{
    return imagesize_is_excessive(size) ? opaque_mime : type->mime;
}

bool result_note_excess(const struct image_size *size, char note[RESULT_NOTE_SIZE])
{
    if (!imagesize_is_excessive(size))
        return false;
    if (size->width == UINT32_MAX && size->height == UINT32_MAX)
        snprintf(note, RESULT_NOTE_SIZE,
                 "A picture came whose size cannot be found: it is called .%s.", opaque_extension);
    else
        snprintf(note, RESULT_NOTE_SIZE,
                 "A picture came that says it has %u x %u pixels: it is called .%s.", size->width,
                 size->height, opaque_extension);
    return true;
}

/* The edge of the square that @size ("512", "2K") stands for; 0: unknown. */
static double edge_of(const char *size)
{
    char *end;
    double number = strtod(size, &end);

    return *end == 'K' ? number * 1024 : number;
}

static bool is_other_size(const char *asked, const struct image_size *size)
{
    double edge = edge_of(asked);
    double factor = (double)size->width * size->height / (edge * edge);

    return edge > 0 && (factor > AREA_FACTOR || factor < 1 / AREA_FACTOR);
}

static bool is_other_ratio(const char *asked, const struct image_size *size)
{
    unsigned width;
    unsigned height;
    double factor;

    if (sscanf(asked, "%u:%u", &width, &height) != 2 || !width || !height)
        return false;
    factor = (double)size->width / size->height * height / width;
    return fabs(factor - 1) > RATIO_TOLERANCE;
}

bool result_compare(const struct settings *asked, const struct image_size *size,
                    char note[RESULT_NOTE_SIZE])
{
    const char *edge = asked->value[SETTING_IMAGE_SIZE];
    const char *ratio = asked->value[SETTING_ASPECT_RATIO];

    if (!size->width || !size->height)
        return false;
    if (!(edge && is_other_size(edge, size)) && !(ratio && is_other_ratio(ratio, size)))
        return false;
    snprintf(note, RESULT_NOTE_SIZE, "Asked for %s%s%s, a picture of %u x %u pixels came.",
             edge ? edge : "", edge && ratio ? " and " : "", ratio ? ratio : "", size->width,
             size->height);
    return true;
}

static void set_attribute(int fd, const char *name, const char *text, size_t max)
{
    char value[ATTRIBUTE_MAX_SIZE];
    size_t length = text ? strlen(text) : 0;

    if (!length)
        return;
    if (length > max) {
        length = text_utf8_prefix(text, max);
        memcpy(value, text, length);
        memcpy(value + length, ELLIPSIS, strlen(ELLIPSIS));
        length += strlen(ELLIPSIS);
        text = value;
    }
    if (fsetxattr(fd, name, text, length, 0) < 0)
        log_debug("%s cannot be set: %s", name, error_text(-errno));
}

static void describe_prompt(int fd, const struct record *record)
{
    cleanup_prompt struct prompt prompt = {0};
    cleanup_free char *text = NULL;
    struct failure failure;

    set_attribute(fd, PREFIX "prompt", record->prompt, PROMPT_MAX_SHOWN);
    failure_init(&failure);
    if (prompt_parse(record->prompt, strlen(record->prompt), &model_profile_permissive, &prompt,
                     &failure) == 0)
        text = strndup(prompt.text, prompt.length);
    set_attribute(fd, "user.xdg.comment", text, COMMENT_MAX_SHOWN);
}

static void describe_settings(int fd, const struct record *record)
{
    cleanup_buf struct buf text = {.max = RECORD_MAX_BYTES};

    for (int i = 0; i < SETTING_MAX; i++) {
        if (record->settings.value[i])
            buf_printf(&text, "%s: %s\n", settings_name((enum setting)i),
                       record->settings.value[i]);
    }
    set_attribute(fd, PREFIX "settings", buf_text(&text), LIST_MAX_SHOWN);
}

static void describe_references(int fd, const struct record *record)
{
    cleanup_buf struct buf text = {.max = RECORD_MAX_BYTES};

    for (size_t i = 0; i < record->reference_count; i++)
        buf_printf(&text, "%s  %s\n", record->references[i].sha256, record->references[i].name);
    set_attribute(fd, PREFIX "references", buf_text(&text), LIST_MAX_SHOWN);
}

static void describe_answer(int fd, const struct record *record)
{
    char usage[128];
    char created[CLOCK_TEXT_SIZE];

    set_attribute(fd, PREFIX "finish_reason", record->finish_reason, LIST_MAX_SHOWN / 4);
    set_attribute(fd, PREFIX "model_version", record->model_version, LIST_MAX_SHOWN / 4);
    if (record->total_tokens) {
        snprintf(usage, sizeof(usage),
                 "prompt %" PRId64 ", picture %" PRId64 ", thoughts %" PRId64 ", total %" PRId64
                 " tokens",
                 record->prompt_tokens, record->candidates_tokens, record->thoughts_tokens,
                 record->total_tokens);
        set_attribute(fd, PREFIX "usage", usage, sizeof(usage));
    }
    clock_format(record->created_ms, created);
    set_attribute(fd, PREFIX "created", created, sizeof(created));
}

void result_describe(int fd, const struct record *record, const char *mime, const char *base_url)
{
    set_attribute(fd, PREFIX "model", record->model, MODEL_NAME_MAX_BYTES);
    describe_prompt(fd, record);
    describe_settings(fd, record);
    describe_references(fd, record);
    describe_answer(fd, record);
    set_attribute(fd, PREFIX "notes", record->notes, LIST_MAX_SHOWN);
    set_attribute(fd, "user.mime_type", mime, LIST_MAX_SHOWN);
    set_attribute(fd, "user.xdg.origin.url", base_url, LIST_MAX_SHOWN / 2);
}
