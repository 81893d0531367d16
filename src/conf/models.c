/* SPDX-License-Identifier: MIT */
#include "conf/models.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* More than this is a list of names that nobody wrote by hand. */
#define LIST_MAX_BYTES 65536

const char models_default[] = "gemini-3-pro-image-preview, gemini-2.5-flash-image-preview, "
                              "gemini-3.1-flash-image-preview";

static const char *const ratios_vendor[] = {"1:1", "16:9", "9:16", "4:3", "3:4",
                                            "3:2", "2:3",  "21:9", NULL};
static const char *const ratios_google[] = {"1:1", "16:9", "9:16", "4:3", "3:4", "3:2",
                                            "2:3", "21:9", "4:5",  "5:4", NULL};
static const char *const ratios_google_31[] = {"1:1", "16:9", "9:16", "4:3", "3:4",
                                               "3:2", "2:3",  "21:9", "4:5", "5:4",
                                               "1:4", "4:1",  "1:8",  "8:1", NULL};
static const char *const sizes_1k[] = {"1K", NULL};
static const char *const sizes_2k[] = {"1K", "2K", NULL};
static const char *const sizes_4k[] = {"1K", "2K", "4K", NULL};
static const char *const sizes_31[] = {"512", "1K", "2K", "4K", NULL};

const struct model_profile model_profile_permissive = {
    .name = "permissive",
    .references_max = MODEL_REFERENCES_MAX,
};

/* API.md, section 2. Behind Google's own URL the same names mean Google's own limits. */
static const struct {
    struct model_profile gateway;
    struct model_profile google;
} table[] = {
    {
        .gateway = {"gemini-3-pro-image-preview", ratios_vendor, sizes_2k, NULL, 14},
        .google = {"gemini-3-pro-image-preview", ratios_google, sizes_4k, NULL, 14},
    },
    {
        .gateway = {"gemini-2.5-flash-image-preview", ratios_vendor, sizes_4k, "1K", 3},
        .google = {"gemini-2.5-flash-image-preview", ratios_google, sizes_1k, NULL, 3},
    },
    {
        .gateway = {"gemini-3.1-flash-image-preview", ratios_vendor, sizes_31, "1K", 14},
        .google = {"gemini-3.1-flash-image-preview", ratios_google_31, sizes_31, NULL, 14},
    },
    {
        .gateway = {"gemini-2.5-flash-image", ratios_google, sizes_1k, NULL, 3},
        .google = {"gemini-2.5-flash-image", ratios_google, sizes_1k, NULL, 3},
    },
};

const struct model_profile *models_find_profile(const char *name, bool google)
{
    if (strcmp(name, model_profile_permissive.name) == 0)
        return &model_profile_permissive;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (strcmp(name, table[i].gateway.name) == 0)
            return google ? &table[i].google : &table[i].gateway;
    }
    return NULL;
}

const char *models_profile_name(size_t index)
{
    return index < ARRAY_SIZE(table) ? table[index].gateway.name : NULL;
}

const char *models_effective_size(const struct model_profile *profile, const char *asked,
                                  bool *ret_differs)
{
    bool falls_back = asked && profile->fallback_size && strcmp(asked, profile->fallback_size) != 0;

    *ret_differs = falls_back;
    return falls_back ? profile->fallback_size : asked;
}

static void model_fini(struct model *model)
{
    free(model->name);
    free(model->directory);
    settings_fini(&model->settings);
}

void models_fini(struct model_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        model_fini(&list->models[i]);
    free(list->models);
    *list = (struct model_list){0};
}

static bool is_name_char(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-' || c == '/';
}

bool models_is_name(const char *name, size_t length)
{
    if (length == 0 || length > MODEL_NAME_MAX_BYTES || name[length - 1] == '/')
        return false;
    for (size_t i = 0; i < length; i++) {
        bool begins_part = i == 0 || name[i - 1] == '/';
        if (!is_name_char(name[i]) || (begins_part && strchr("./-", name[i])))
            return false;
    }
    return true;
}

/* A name that the root directory has for itself, or that an earlier model took. */
static bool is_taken(const struct model_list *list, const char *directory)
{
    return strcmp(directory, "README.txt") == 0 || strcmp(directory, "status.txt") == 0 ||
           models_find(list, directory) != NULL;
}

static int append(struct model_list *list, char *name, char *directory,
                  const struct model_profile *profile)
{
    struct model *grown = reallocarray(list->models, list->count + 1, sizeof(*grown));

    if (!grown)
        return -ENOMEM;
    list->models = grown;
    list->models[list->count++] =
        (struct model){.name = name, .directory = directory, .profile = profile};
    return 0;
}

void models_drop_prefix(const char **name, size_t *length)
{
    static const char prefix[] = "models/";
    size_t prefix_length = sizeof(prefix) - 1;

    while (*length > prefix_length && memcmp(*name, prefix, prefix_length) == 0) {
        *name += prefix_length;
        *length -= prefix_length;
    }
}

int models_add(struct model_list *list, const char *name, size_t length,
               const struct model_profile *profile, bool google, struct failure *failure)
{
    cleanup_free char *copy = NULL;
    cleanup_free char *directory = NULL;

    models_drop_prefix(&name, &length);
    if (!models_is_name(name, length))
        return failure_set(failure, -EINVAL,
                           "\"%.*s\" is not a model's name: letters, digits and . _ - / only, "
                           "at most %d.",
                           length > 40 ? 40 : (int)length, name, MODEL_NAME_MAX_BYTES);
    if (list->count == MODELS_MAX)
        return failure_set(failure, -E2BIG, "More than %d models.", MODELS_MAX);
    copy = strndup(name, length);
    directory = strndup(name, length);
    if (!copy || !directory)
        return failure_set_errno(failure, -ENOMEM, "models");
    for (char *slash = strchr(directory, '/'); slash; slash = strchr(slash, '/'))
        *slash = '_';
    if (is_taken(list, directory))
        return failure_set(failure, -EEXIST, "The directory %s of model %s is taken already.",
                           directory, copy);
    if (!profile)
        profile = models_find_profile(copy, google);
    if (append(list, copy, directory, profile ? profile : &model_profile_permissive) < 0)
        return failure_set_errno(failure, -ENOMEM, "models");
    (void)steal_ptr(copy);
    (void)steal_ptr(directory);
    return 0;
}

/* "permissive, gemini-3-pro-image-preview, ..." for a sentence. */
static int append_profile_names(struct buf *buf)
{
    int error = buf_append_text(buf, model_profile_permissive.name);

    for (size_t i = 0; i < ARRAY_SIZE(table) && !error; i++)
        error = buf_printf(buf, ", %s", table[i].gateway.name);
    return error;
}

/* One entry of the list: NAME or NAME=PROFILE. */
static int add_entry(struct model_list *list, const char *entry, size_t length, bool google,
                     struct failure *failure)
{
    const char *equals = memchr(entry, '=', length);
    const struct model_profile *profile;
    cleanup_free char *profile_name = NULL;
    cleanup_buf struct buf known;

    buf_init(&known, FAILURE_TEXT_SIZE);
    if (!equals)
        return models_add(list, entry, length, NULL, google, failure);
    profile_name = strndup(equals + 1, length - (size_t)(equals + 1 - entry));
    if (!profile_name || append_profile_names(&known) < 0)
        return failure_set_errno(failure, -ENOMEM, "models");
    profile = models_find_profile(profile_name, google);
    if (!profile)
        return failure_set(failure, -EINVAL, "There is no profile \"%.40s\": it is one of %s.",
                           profile_name, buf_text(&known));
    return models_add(list, entry, (size_t)(equals - entry), profile, google, failure);
}

int models_parse(const char *text, bool google, struct model_list *ret_list,
                 struct failure *failure)
{
    static const char separators[] = ", \t\r\n";
    cleanup_models struct model_list list = {0};

    if (strnlen(text, LIST_MAX_BYTES + 1) > LIST_MAX_BYTES)
        return failure_set(failure, -E2BIG, "The list is longer than %d bytes.", LIST_MAX_BYTES);
    text += strspn(text, separators);
    while (*text) {
        size_t length = strcspn(text, separators);
        const char *next = text + length + strspn(text + length, separators);
        bool automatic = length == 4 && memcmp(text, "auto", 4) == 0;
        int error;

        if (automatic && (list.count || *next))
            return failure_set(failure, -EINVAL, "\"auto\" stands alone, without other names.");
        if (automatic) {
            *ret_list = (struct model_list){.automatic = true};
            return 0;
        }
        error = add_entry(&list, text, length, google, failure);
        if (error)
            return error;
        text = next;
    }
    if (list.count == 0)
        return failure_set(failure, -EINVAL, "It is empty: name a model, or \"auto\".");
    *ret_list = list;
    list = (struct model_list){0};
    return 0;
}

const struct model *models_find(const struct model_list *list, const char *directory)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->models[i].directory, directory) == 0)
            return &list->models[i];
    }
    return NULL;
}
