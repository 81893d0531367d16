/* SPDX-License-Identifier: MIT */
#include "conf/setting_value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "conf/number.h"

/* Of a refused value, no more than this is repeated to its writer. */
#define QUOTED_MAX_BYTES 40

/* No allowed word is longer. */
#define WORD_MAX_BYTES 32

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f';
}

void setting_trim(const char **text, size_t *length)
{
    while (*length && is_blank((*text)[*length - 1]))
        (*length)--;
    while (*length && is_blank(**text)) {
        (*text)++;
        (*length)--;
    }
}

int setting_refuse(const struct setting_input *input, setting_describe *describe, const char *hint,
                   struct failure *failure)
{
    const char *text = input->text;
    size_t length = input->length;
    char quoted[QUOTED_MAX_BYTES + 1];
    bool cut;
    cleanup_buf struct buf allowed;

    buf_init(&allowed, FAILURE_TEXT_SIZE);
    setting_trim(&text, &length);
    cut = length > QUOTED_MAX_BYTES;
    if (cut)
        length = text_utf8_prefix(text, QUOTED_MAX_BYTES);
    for (size_t i = 0; i < length; i++)
        quoted[i] = is_blank(text[i]) ? ' ' : text[i]; /* a sentence is one line */
    if (describe(input, &allowed) < 0)
        return -ENOMEM;
    return failure_set(failure, -EINVAL, "%s: \"%.*s%s\" is not allowed%s. Allowed: %s.",
                       input->name, (int)length, quoted, cut ? "..." : "", hint,
                       buf_text(&allowed));
}

static const char *find_word(const char *const *words, const char *text, size_t length)
{
    for (; *words; words++) {
        if (strlen(*words) == length && memcmp(*words, text, length) == 0)
            return *words;
    }
    return NULL;
}

static int append_words(struct buf *buf, const char *const *words)
{
    int error = 0;

    for (size_t i = 0; words[i] && !error; i++)
        error = buf_printf(buf, "%s%s", i ? ", " : "", words[i]);
    return error;
}

/* A number of one to @max digits, without a leading zero. @return its length, or 0. */
static size_t match_count(const char *text, size_t length, size_t max)
{
    size_t digits = 0;

    while (digits < length && isdigit((unsigned char)text[digits]))
        digits++;
    return digits > max || (digits && text[0] == '0') ? 0 : digits;
}

static bool is_any_ratio(const char *text, size_t length)
{
    size_t width = match_count(text, length, 2);
    size_t height;

    if (!width || width == length || text[width] != ':')
        return false;
    height = match_count(text + width + 1, length - width - 1, 2);
    return height && width + 1 + height == length;
}

/* "512", "1K": what the API calls a size. */
static bool is_any_size(const char *text, size_t length)
{
    size_t digits = match_count(text, length, 4);

    return digits && (digits == length ? digits >= 3 : digits + 1 == length && text[digits] == 'K');
}

/* Write " (did you mean X?)" where that is @allowed, else nothing. */
static void make_hint(char hint[64], const char *meant, bool allowed)
{
    hint[0] = '\0';
    if (allowed)
        snprintf(hint, 64, " (did you mean %s?)", meant);
}

static bool is_ratio(const struct model_profile *profile, const char *text, size_t length)
{
    return profile->ratios ? find_word(profile->ratios, text, length) != NULL
                           : is_any_ratio(text, length);
}

static bool is_size(const struct model_profile *profile, const char *text, size_t length)
{
    return profile->sizes ? find_word(profile->sizes, text, length) != NULL
                          : is_any_size(text, length);
}

int setting_check_ratio(const struct setting_input *input, struct buf *value,
                        struct failure *failure)
{
    const char *text = input->text;
    size_t length = input->length;
    char meant[WORD_MAX_BYTES] = "";
    char hint[64];

    setting_trim(&text, &length);
    if (is_ratio(input->profile, text, length))
        return buf_append(value, text, length);
    if (length < sizeof(meant)) {
        size_t cross;

        memcpy(meant, text, length);
        cross = strcspn(meant, "xX/*");
        if (meant[cross])
            meant[cross] = ':';
    }
    make_hint(hint, meant, is_ratio(input->profile, meant, strlen(meant)));
    return setting_refuse(input, setting_describe_ratio, hint, failure);
}

int setting_describe_ratio(const struct setting_input *input, struct buf *buf)
{
    int error = input->profile->ratios ? append_words(buf, input->profile->ratios)
                                       : buf_append_text(buf, "WIDTH:HEIGHT, as in 16:9");

    return error ? error : buf_append_text(buf, " (not set: the model chooses)");
}

int setting_check_size(const struct setting_input *input, struct buf *value,
                       struct failure *failure)
{
    const char *text = input->text;
    size_t length = input->length;
    char meant[WORD_MAX_BYTES] = "";
    char hint[64];

    setting_trim(&text, &length);
    if (is_size(input->profile, text, length))
        return buf_append(value, text, length);
    for (size_t i = 0; i < length && length < sizeof(meant); i++)
        meant[i] = (char)toupper((unsigned char)text[i]);
    make_hint(hint, meant, is_size(input->profile, meant, strlen(meant)));
    return setting_refuse(input, setting_describe_size, hint, failure);
}

int setting_describe_size(const struct setting_input *input, struct buf *buf)
{
    const char *fallback = input->profile->fallback_size;
    int error = input->profile->sizes ? append_words(buf, input->profile->sizes)
                                      : buf_append_text(buf, "1K, 2K, 4K, 512 or the like");

    if (!error && fallback)
        error = buf_printf(buf, " (at this API always sent as %s)", fallback);
    return error;
}

static void number_range(enum setting setting, int64_t *low, int64_t *high)
{
    *low = setting == SETTING_SEED ? INT32_MIN : 1;
    *high = setting == SETTING_COUNT_OF_PICTURES ? SETTINGS_COUNT_MAX : INT32_MAX;
}

int setting_check_number(const struct setting_input *input, struct buf *value,
                         struct failure *failure)
{
    const char *text = input->text;
    size_t length = input->length;
    int64_t low, high, number;

    setting_trim(&text, &length);
    number_range(input->setting, &low, &high);
    if (number_parse(text, length, low, high, &number) < 0)
        return setting_refuse(input, setting_describe_number, "", failure);
    return buf_printf(value, "%" PRId64, number);
}

int setting_describe_number(const struct setting_input *input, struct buf *buf)
{
    int64_t low, high;

    number_range(input->setting, &low, &high);
    return buf_printf(buf, "a whole number from %" PRId64 " to %" PRId64, low, high);
}

static int64_t decimal_high(enum setting setting)
{
    return (setting == SETTING_TEMPERATURE ? 2 : 1) * (int64_t)NUMBER_ONE;
}

int setting_check_decimal(const struct setting_input *input, struct buf *value,
                          struct failure *failure)
{
    const char *text = input->text;
    size_t length = input->length;
    char normal[NUMBER_TEXT_SIZE];
    int64_t millionths;

    setting_trim(&text, &length);
    if (number_parse_decimal(text, length, decimal_high(input->setting), &millionths) < 0)
        return setting_refuse(input, setting_describe_decimal, "", failure);
    number_format_decimal(millionths, normal);
    return buf_append_text(value, normal);
}

int setting_describe_decimal(const struct setting_input *input, struct buf *buf)
{
    return buf_printf(buf, "a number from 0 to %" PRId64 ", at most %d decimals",
                      decimal_high(input->setting) / NUMBER_ONE, NUMBER_DECIMALS);
}

/* Names in any case and order, each at most once, with commas or white space between them. */
int setting_check_modalities(const struct setting_input *input, struct buf *value,
                             struct failure *failure)
{
    static const char separators[] = ", \t\r\n";
    const char *text = input->text;
    const char *end = text + input->length;
    bool image = false;
    bool words = false;

    while (text < end) {
        size_t length = 0;
        bool *seen;

        if (strchr(separators, *text)) {
            text++;
            continue;
        }
        while (text + length < end && !strchr(separators, text[length]))
            length++;
        if (length == 5 && strncasecmp(text, "IMAGE", length) == 0)
            seen = &image;
        else if (length == 4 && strncasecmp(text, "TEXT", length) == 0)
            seen = &words;
        else
            return setting_refuse(input, setting_describe_modalities, "", failure);
        if (*seen)
            return setting_refuse(input, setting_describe_modalities, "", failure);
        *seen = true;
        text += length;
    }
    if (!image)
        return setting_refuse(input, setting_describe_modalities, "", failure);
    return buf_append_text(value, words ? "IMAGE,TEXT" : "IMAGE");
}

int setting_describe_modalities(const struct setting_input *input, struct buf *buf)
{
    (void)input;
    return buf_append_text(buf, "IMAGE,TEXT (not set: that) or IMAGE");
}

int setting_check_instruction(const struct setting_input *input, struct buf *value,
                              struct failure *failure)
{
    (void)failure;
    return buf_append(value, input->text, input->length);
}

int setting_describe_instruction(const struct setting_input *input, struct buf *buf)
{
    (void)input;
    return buf_printf(buf, "text, at most %d KiB, sent with each prompt",
                      SETTINGS_VALUE_MAX_BYTES / 1024);
}

static const char *const thresholds[] = {
    "BLOCK_LOW_AND_ABOVE", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_ONLY_HIGH", "BLOCK_NONE", "OFF", NULL};

int setting_check_safety(const struct setting_input *input, struct buf *value,
                         struct failure *failure)
{
    const char *text = input->text;
    size_t length = input->length;

    setting_trim(&text, &length);
    for (size_t i = 0; thresholds[i]; i++) {
        if (strlen(thresholds[i]) == length && strncasecmp(thresholds[i], text, length) == 0)
            return buf_append_text(value, thresholds[i]);
    }
    return setting_refuse(input, setting_describe_safety, "", failure);
}

int setting_describe_safety(const struct setting_input *input, struct buf *buf)
{
    int error = append_words(buf, thresholds);

    (void)input;
    return error ? error : buf_append_text(buf, " (not set: the API's own rule)");
}
