/* SPDX-License-Identifier: MIT */
#include "conf/sections.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

/* As many as there can be models. */
#define SECTIONS_MAX MODELS_MAX

/* [model NAME] */
struct section {
    char *name;
    char *profile; /* NULL = that of the name */
    struct settings settings;
};

struct sections {
    struct settings settings; /* [settings], checked with the permissive profile */
    struct section *items;
    size_t count;
};

struct sections *sections_create(void)
{
    return calloc(1, sizeof(struct sections));
}

void sections_destroy(struct sections *sections)
{
    if (!sections)
        return;
    for (size_t i = 0; i < sections->count; i++) {
        free(sections->items[i].name);
        free(sections->items[i].profile);
        settings_fini(&sections->items[i].settings);
    }
    free(sections->items);
    settings_fini(&sections->settings);
    free(sections);
}

static struct section *find_section(const struct sections *sections, const char *name)
{
    for (size_t i = 0; i < sections->count; i++) {
        if (strcmp(sections->items[i].name, name) == 0)
            return &sections->items[i];
    }
    return NULL;
}

static int make_section(struct sections *sections, const char *name, struct section **ret_section,
                        struct failure *failure)
{
    struct section *found = find_section(sections, name);
    struct section *grown;
    char *copy;

    if (found) {
        *ret_section = found;
        return 0;
    }
    if (sections->count == SECTIONS_MAX)
        return failure_set(failure, -EINVAL, "More than %d sections for models.", SECTIONS_MAX);
    copy = strdup(name);
    grown = copy ? reallocarray(sections->items, sections->count + 1, sizeof(*grown)) : NULL;
    if (!grown) {
        free(copy);
        return failure_set_errno(failure, -ENOMEM, name);
    }
    sections->items = grown;
    grown[sections->count] = (struct section){.name = copy};
    *ret_section = &grown[sections->count++];
    return 0;
}

static int set_profile(struct section *section, const struct ini_entry *entry,
                       struct failure *failure)
{
    const char *name = entry->value;
    char *copy;

    if (entry->continued)
        return ini_file_refuse_lines(entry, failure);
    if (!models_find_profile(name, false))
        return failure_set(
            failure, -EINVAL,
            "profile: there is none called \"%.40s\". It is the name of a model that "
            "easelfs knows, or permissive.",
            name);
    copy = strdup(name);
    if (!copy)
        return failure_set_errno(failure, -ENOMEM, "profile");
    free(section->profile);
    section->profile = copy;
    return 0;
}

static bool takes_lines(enum setting setting)
{
    return setting == SETTING_REFERENCES || setting == SETTING_SYSTEM_INSTRUCTION;
}

static int set_setting(struct settings *settings, const struct ini_entry *entry,
                       struct failure *failure)
{
    enum setting setting = settings_find(entry->key, strlen(entry->key));

    if (setting == SETTING_MAX)
        return failure_set(failure, -EINVAL, "There is no setting \"%.40s\" in section [%s].",
                           entry->key, entry->section);
    if (entry->continued && !takes_lines(setting))
        return ini_file_refuse_lines(entry, failure);
    return settings_set_line(settings, setting, entry->value, strlen(entry->value),
                             &model_profile_permissive, failure);
}

/* The NAME of "model NAME"; NULL where it is another section. */
static const char *model_name(const char *section)
{
    static const char prefix[] = "model";
    size_t length = sizeof(prefix) - 1;
    size_t blanks;

    if (strncmp(section, prefix, length) != 0)
        return NULL;
    blanks = strspn(section + length, " \t");
    return blanks && section[length + blanks] ? section + length + blanks : NULL;
}

int sections_add(struct sections *sections, const struct ini_entry *entry, struct failure *failure)
{
    const char *name = model_name(entry->section);
    struct section *section = NULL;
    int error;

    if (strcmp(entry->section, "settings") == 0)
        return set_setting(&sections->settings, entry, failure);
    if (!name)
        return failure_set(failure, -EINVAL,
                           "There is no section [%s]: it is [settings] or [model NAME].",
                           entry->section);
    error = make_section(sections, name, &section, failure);
    if (error)
        return error;
    if (strcmp(entry->key, "profile") == 0)
        return set_profile(section, entry, failure);
    return set_setting(&section->settings, entry, failure);
}

/* Notes are for reading: when there are too many, the last ones are left out. */
static int add_note(struct buf *notes, const struct model *model, const struct failure *failure)
{
    int error =
        notes ? buf_printf(notes, "[settings] is not used for %s: %s\n", model->name, failure->text)
              : 0;

    return error == -EFBIG ? 0 : error;
}

/* [settings] are for the models that can have them. */
static int apply_common(const struct sections *sections, struct model *model, struct buf *notes)
{
    struct failure failure;
    int error = 0;

    for (int i = 0; i < SETTING_MAX && !error; i++) {
        const char *value = sections->settings.value[i];

        failure_init(&failure);
        if (value)
            error = settings_set(&model->settings, (enum setting)i, value, strlen(value),
                                 model->profile, &failure);
        if (error == -EINVAL)
            error = add_note(notes, model, &failure);
    }
    return error;
}

static int apply_own(const struct section *section, struct model *model, struct failure *failure)
{
    int error = 0;

    for (int i = 0; i < SETTING_MAX && !error; i++) {
        const char *value = section->settings.value[i];

        if (value)
            error = settings_set(&model->settings, (enum setting)i, value, strlen(value),
                                 model->profile, failure);
    }
    return error;
}

int sections_apply(const struct sections *sections, struct model *model, bool google,
                   struct buf *notes, struct failure *failure)
{
    const struct section *section = find_section(sections, model->name);
    char sentence[FAILURE_TEXT_SIZE];
    int error;

    if (section && section->profile)
        model->profile = models_find_profile(section->profile, google);
    error = apply_common(sections, model, notes);
    if (error)
        return failure_set_errno(failure, error, "[settings]");
    error = section ? apply_own(section, model, failure) : 0;
    if (error == -EINVAL) {
        memcpy(sentence, failure->text, sizeof(sentence));
        failure_set(failure, error, "[model %s] %s", model->name, sentence);
    }
    return error;
}

static bool is_in_list(const struct model_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->models[i].name, name) == 0)
            return true;
    }
    return false;
}

int sections_note_unused(const struct sections *sections, const struct model_list *list,
                         struct buf *notes)
{
    int error = 0;

    for (size_t i = 0; i < sections->count && !error; i++) {
        const char *name = sections->items[i].name;

        if (!is_in_list(list, name))
            error = buf_printf(notes, "[model %s] is not used: it is not in models.\n", name);
    }
    return error;
}

static int format_settings(const struct settings *settings, struct buf *buf)
{
    int error = 0;

    for (int i = 0; i < SETTING_MAX && !error; i++) {
        if (settings->value[i])
            error = ini_file_print(settings_name((enum setting)i), settings->value[i], buf);
    }
    return error;
}

static int format_section(const struct section *section, struct buf *buf)
{
    int error = buf_printf(buf, "\n[model %s]\n", section->name);

    if (!error && section->profile)
        error = ini_file_print("profile", section->profile, buf);
    return error ? error : format_settings(&section->settings, buf);
}

static bool is_empty(const struct section *section)
{
    for (int i = 0; i < SETTING_MAX; i++) {
        if (section->settings.value[i])
            return false;
    }
    return !section->profile;
}

int sections_format(const struct sections *sections, struct buf *buf)
{
    int error = buf_append_text(buf, "\n[settings]\n");

    if (!error)
        error = format_settings(&sections->settings, buf);
    for (size_t i = 0; i < sections->count && !error; i++) {
        if (!is_empty(&sections->items[i]))
            error = format_section(&sections->items[i], buf);
    }
    return error;
}
