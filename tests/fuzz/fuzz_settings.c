/* SPDX-License-Identifier: MIT
 *
 * Front matter, prompts, single settings, model lists and base URLs. Beyond "it does not crash":
 * what is accepted is in a normal form that is accepted again unchanged, and stands inside the text
 * that was given.
 */
#include "fuzz_common.h"

#include "conf/models.h"
#include "conf/prompt.h"
#include "conf/settings.h"
#include "conf/url.h"

/* One line that says something. */
static void check_refusal(const struct failure *failure)
{
    CHECK(failure->error < 0 && failure->text[0] && !strchr(failure->text, '\n'));
}

static void check_settings(const struct settings *settings, const struct model_profile *profile)
{
    for (int i = 0; i < SETTING_MAX; i++) {
        const char *value = settings->value[i];
        cleanup_settings struct settings again = {0};
        struct failure failure;

        if (!value)
            continue;
        CHECK(strlen(value) <= SETTINGS_VALUE_MAX_BYTES && !text_is_blank(value, strlen(value)));
        if (i == SETTING_SYSTEM_INSTRUCTION) /* it may end with a line end, of which one goes */
            continue;
        CHECK(settings_set(&again, (enum setting)i, value, strlen(value), profile, &failure) == 0);
        CHECK(strcmp(again.value[i], value) == 0);
    }
}

static void fuzz_prompt(const char *text, size_t length, const struct model_profile *profile)
{
    cleanup_prompt struct prompt prompt = {0};
    struct failure failure;

    failure_init(&failure);
    if (prompt_parse(text, length, profile, &prompt, &failure) < 0) {
        check_refusal(&failure);
        return;
    }
    CHECK(prompt.length > 0 && prompt.text >= text && prompt.text + prompt.length <= text + length);
    check_settings(&prompt.settings, profile);
    for (size_t cut = 0; cut <= length; cut += 1 + length / 8) {
        CHECK(prompt_check_chunk(text, cut, 0, &failure) == 0);
        CHECK(prompt_check_chunk(text + cut, length - cut, cut, &failure) == 0);
    }
}

static void fuzz_each_setting(const char *text, size_t length, const struct model_profile *profile)
{
    cleanup_settings struct settings settings = {0};
    struct failure failure;

    for (int i = 0; i < SETTING_MAX; i++) {
        failure_init(&failure);
        if (settings_set_line(&settings, (enum setting)i, text, length, profile, &failure) < 0)
            check_refusal(&failure);
    }
    check_settings(&settings, profile);
}

static void fuzz_models(const char *text)
{
    cleanup_models struct model_list list = {0};
    struct failure failure;

    if (models_parse(text, false, &list, &failure) < 0)
        return;
    CHECK(list.automatic == (list.count == 0));
    for (size_t i = 0; i < list.count; i++) {
        const char *directory = list.models[i].directory;

        CHECK(!strchr(directory, '/') && directory[0] != '.' && directory[0] != '-');
        CHECK(strlen(directory) <= MODEL_NAME_MAX_BYTES);
        CHECK(models_find(&list, directory) == &list.models[i]);
    }
}

static void fuzz_url(const char *text)
{
    cleanup_free char *url = NULL;
    cleanup_free char *again = NULL;
    struct failure failure;

    if (url_normalise(text, false, &url, &failure) < 0)
        return;
    CHECK(strncmp(url, "https://", 8) == 0 || url_is_loopback(url));
    CHECK(!strpbrk(url, "?# "));
    CHECK(strlen(url) <= strlen(text));
    CHECK(url_normalise(url, false, &again, &failure) == 0);
    CHECK(strcmp(again, url) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"permissive", "gemini-3-pro-image-preview",
                                        "gemini-2.5-flash-image-preview"};
    const struct model_profile *profile;
    char *text;

    if (size == 0)
        return 0;
    profile = models_find_profile(names[data[0] % 3], data[0] & 4);
    text = malloc(size);
    CHECK(text);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    fuzz_prompt(text, size - 1, profile);
    fuzz_each_setting(text, size - 1, profile);
    fuzz_models(text);
    fuzz_url(text);
    free(text);
    return 0;
}
