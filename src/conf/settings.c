/* SPDX-License-Identifier: MIT */
#include "conf/settings.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "conf/setting_value.h"

/* Indexed by enum setting. */
static const struct {
    const char *name;
    setting_check *check;
    setting_describe *describe;
} table[SETTING_MAX] = {
    [SETTING_ASPECT_RATIO] = {"aspect_ratio", setting_check_ratio, setting_describe_ratio},
    [SETTING_IMAGE_SIZE] = {"image_size", setting_check_size, setting_describe_size},
    [SETTING_COUNT_OF_PICTURES] = {"count", setting_check_number, setting_describe_number},
    [SETTING_REFERENCES] = {"references", setting_check_references, setting_describe_references},
    [SETTING_TEMPERATURE] = {"temperature", setting_check_decimal, setting_describe_decimal},
    [SETTING_TOP_P] = {"top_p", setting_check_decimal, setting_describe_decimal},
    [SETTING_TOP_K] = {"top_k", setting_check_number, setting_describe_number},
    [SETTING_SEED] = {"seed", setting_check_number, setting_describe_number},
    [SETTING_MAX_OUTPUT_TOKENS] = {"max_output_tokens", setting_check_number,
                                   setting_describe_number},
    [SETTING_RESPONSE_MODALITIES] = {"response_modalities", setting_check_modalities,
                                     setting_describe_modalities},
    [SETTING_SYSTEM_INSTRUCTION] = {"system_instruction", setting_check_instruction,
                                    setting_describe_instruction},
    [SETTING_SAFETY_HARASSMENT] = {"safety_harassment", setting_check_safety,
                                   setting_describe_safety},
    [SETTING_SAFETY_HATE_SPEECH] = {"safety_hate_speech", setting_check_safety,
                                    setting_describe_safety},
    [SETTING_SAFETY_SEXUALLY_EXPLICIT] = {"safety_sexually_explicit", setting_check_safety,
                                          setting_describe_safety},
    [SETTING_SAFETY_DANGEROUS_CONTENT] = {"safety_dangerous_content", setting_check_safety,
                                          setting_describe_safety},
};

void settings_fini(struct settings *settings)
{
    for (int i = 0; i < SETTING_MAX; i++)
        free(settings->value[i]);
    *settings = (struct settings){0};
}

int settings_overlay(struct settings *base, const struct settings *over)
{
    cleanup_settings struct settings copies = {0};

    for (int i = 0; i < SETTING_MAX; i++) {
        if (!over->value[i])
            continue;
        copies.value[i] = strdup(over->value[i]);
        if (!copies.value[i])
            return -ENOMEM;
    }
    for (int i = 0; i < SETTING_MAX; i++) {
        if (copies.value[i]) {
            free(base->value[i]);
            base->value[i] = steal_ptr(copies.value[i]);
        }
    }
    return 0;
}

int settings_copy(struct settings *to, const struct settings *from)
{
    struct settings copy = {0};
    int error = settings_overlay(&copy, from);

    if (error)
        return error;
    settings_fini(to);
    *to = copy;
    return 0;
}

const char *settings_name(enum setting setting)
{
    return table[setting].name;
}

enum setting settings_find(const char *name, size_t length)
{
    int i = 0;

    while (i < SETTING_MAX &&
           !(strlen(table[i].name) == length && memcmp(table[i].name, name, length) == 0))
        i++;
    return (enum setting)i;
}

static void replace(struct settings *settings, enum setting setting, char *value)
{
    free(settings->value[setting]);
    settings->value[setting] = value;
}

static size_t drop_line_end(const char *text, size_t length)
{
    if (length && text[length - 1] == '\n')
        length--;
    if (length && text[length - 1] == '\r')
        length--;
    return length;
}

int settings_set(struct settings *settings, enum setting setting, const char *text, size_t length,
                 const struct model_profile *profile, struct failure *failure)
{
    struct setting_input input = {
        .setting = setting,
        .name = table[setting].name,
        .text = text,
        .length = length,
        .profile = profile,
    };
    cleanup_buf struct buf value;
    int error;

    buf_init(&value, SETTINGS_VALUE_MAX_BYTES);
    if (length > SETTINGS_VALUE_MAX_BYTES)
        return failure_set(failure, -EFBIG, "%s: longer than %d bytes.", input.name,
                           SETTINGS_VALUE_MAX_BYTES);
    if (text_utf8_prefix(text, length) != length)
        return failure_set(failure, -EINVAL, "%s: it is not UTF-8 text.", input.name);
    input.length = drop_line_end(text, length);
    if (text_is_blank(text, input.length)) {
        replace(settings, setting, NULL);
        return 0;
    }
    error = table[setting].check(&input, &value, failure);
    if (error == -ENOMEM)
        failure_set_errno(failure, error, input.name);
    if (error)
        return error;
    replace(settings, setting, buf_steal(&value));
    return 0;
}

/* "a, b" as lines without blanks around them. */
static int split_names(const char *text, size_t length, struct buf *lines)
{
    const char *end = text + length;
    int error = 0;

    while (text < end && !error) {
        size_t span = 0;
        const char *name = text;
        size_t name_length;

        while (text + span < end && !strchr(",\n", text[span]))
            span++;
        name_length = span;
        setting_trim(&name, &name_length);
        text += span + 1;
        error = buf_append(lines, name, name_length);
        if (!error)
            error = buf_append(lines, "\n", 1);
    }
    return error;
}

int settings_set_line(struct settings *settings, enum setting setting, const char *text,
                      size_t length, const struct model_profile *profile, struct failure *failure)
{
    cleanup_buf struct buf lines;

    buf_init(&lines, SETTINGS_VALUE_MAX_BYTES + 1);
    if (setting != SETTING_REFERENCES || length > SETTINGS_VALUE_MAX_BYTES)
        return settings_set(settings, setting, text, length, profile, failure);
    if (split_names(text, length, &lines) < 0)
        return failure_set_errno(failure, -ENOMEM, table[setting].name);
    return settings_set(settings, setting, buf_text(&lines), lines.length ? lines.length - 1 : 0,
                        profile, failure);
}

unsigned int settings_count(const struct settings *settings)
{
    const char *count = settings->value[SETTING_COUNT_OF_PICTURES];

    return count ? (unsigned int)(count[0] - '0') : 1; /* one digit: SETTINGS_COUNT_MAX */
}

int settings_describe(enum setting setting, const struct model_profile *profile, struct buf *buf)
{
    struct setting_input input = {
        .setting = setting,
        .name = table[setting].name,
        .profile = profile,
    };

    return table[setting].describe(&input, buf);
}
