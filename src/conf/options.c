/* SPDX-License-Identifier: MIT */
#include "conf/options.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "conf/argv.h"
#include "conf/config_file.h"
#include "conf/fuse_option.h"
#include "conf/option_table.h"
#include "conf/option_value.h"
#include "conf/sections.h"
#include "conf/url.h"

static const char system_config[] = "/etc/easelfs/easelfs.conf";

/* It is nobody's own. */
static const char shared_store[] = "/var/lib/easelfs";

/* More notes than anyone reads. */
#define NOTES_MAX_BYTES 65536

static void options_fini(struct options *options)
{
    free(options->mountpoint);
    free(options->url);
    free(options->store);
    free(options->api_key_file);
    free(options->ca_file);
    for (size_t i = 0; i < options->result_host_count; i++)
        free(options->result_hosts[i]);
    free(options->result_hosts);
    models_fini(&options->models);
    free(options->fuse_options);
    free(options->notes);
    sections_destroy(options->sections);
}

static void draft_fini(struct draft *draft)
{
    options_fini(&draft->options);
    free(draft->url_text);
    free(draft->models_text);
    free(draft->config_file);
}

void options_destroy(const struct options *options)
{
    struct options *owned = (struct options *)options;

    if (!owned)
        return;
    options_fini(owned);
    free(owned);
}

/* Only what decides how the rest is read: --config, --help, --version. */
static int take_early(void *context, const struct option_spec *spec, const char *value,
                      struct failure *failure)
{
    struct draft *draft = context;
    size_t offset = spec->offset;
    bool early = offset == offsetof(struct draft, config_file) ||
                 offset == offsetof(struct draft, options.help) ||
                 offset == offsetof(struct draft, options.version);

    return early ? option_assign(draft, spec, value, failure) : 0;
}

static int take_option(void *context, const struct option_spec *spec, const char *value,
                       struct failure *failure)
{
    return option_assign(context, spec, value, failure);
}

/* What a value in a file may be continued for: lists. */
static bool takes_lines(const struct option_spec *spec)
{
    return spec->kind == OPTION_HOSTS || spec->kind == OPTION_FUSE ||
           spec->offset == offsetof(struct draft, models_text);
}

static int take_entry(void *context, const struct ini_entry *entry, struct failure *failure)
{
    struct draft *draft = context;
    const struct option_spec *spec;
    const char *nearest;
    char sentence[FAILURE_TEXT_SIZE];
    int error;

    if (entry->section[0])
        return sections_add(draft->options.sections, entry, failure);
    spec = option_find(entry->key, strlen(entry->key));
    if (spec && spec->action)
        return failure_set(failure, -EINVAL, "%s is for the command line only.", spec->name);
    if (!spec) {
        nearest = option_nearest(entry->key, strlen(entry->key));
        return failure_set(failure, -EINVAL, "There is no option \"%.40s\"%s%s%s", entry->key,
                           nearest ? "; did you mean " : ".", nearest ? nearest : "",
                           nearest ? "?" : "");
    }
    if (entry->continued && !takes_lines(spec))
        return ini_file_refuse_lines(entry, failure);
    error = option_assign(draft, spec, entry->value, failure);
    if (error != -EINVAL)
        return error;
    memcpy(sentence, failure->text, sizeof(sentence));
    return failure_set(failure, error, "%s: %s", spec->name, sentence);
}

/* An XDG directory is one only where it is absolute: the specification has others ignored.
 * @ret_path is NULL where neither the variable nor $HOME says. */
static int xdg_path(const char *variable, const char *below_home, const char *name, char **ret_path)
{
    const char *base = getenv(variable);
    const char *home = getenv("HOME");
    bool direct = base && base[0] == '/';
    char *path;
    int length;

    *ret_path = NULL;
    if (!direct && (!home || home[0] != '/'))
        return 0;
    length = direct ? asprintf(&path, "%s/%s", base, name)
                    : asprintf(&path, "%s/%s/%s", home, below_home, name);
    if (length < 0)
        return -ENOMEM;
    *ret_path = path;
    return 0;
}

/*
 * mount.fuse3 leaves $HOME as it is when it becomes another user: what is in a home that cannot
 * even be entered is not for this one.
 */
static bool has_foreign_home(void)
{
    const char *home = getenv("HOME");

    return home && access(home, X_OK) < 0 && errno == EACCES;
}

static int read_files(struct draft *draft, struct failure *failure)
{
    cleanup_free char *user_config = NULL;
    int error;

    if (draft->config_file)
        return config_file_read(draft->config_file, false, take_entry, draft, failure);
    error = config_file_read(system_config, true, take_entry, draft, failure);
    if (!error)
        error = xdg_path("XDG_CONFIG_HOME", ".config", "easelfs/easelfs.conf", &user_config);
    if (!error && user_config && !has_foreign_home())
        error = config_file_read(user_config, true, take_entry, draft, failure);
    return error;
}

static int assign_mountpoint(struct options *options, const char *text, struct failure *failure)
{
    char base[PATH_MAX];

    if (!*text)
        return failure_set(failure, -EINVAL, "MOUNTPOINT is empty.");
    if (text[0] == '/') {
        options->mountpoint = strdup(text);
        return options->mountpoint ? 0 : -ENOMEM;
    }
    if (!getcwd(base, sizeof(base)))
        return failure_set_errno(failure, -EINVAL, "The current directory");
    if (asprintf(&options->mountpoint, "%s/%s", base, text) < 0) {
        options->mountpoint = NULL;
        return -ENOMEM;
    }
    return 0;
}

static bool is_url(const char *text)
{
    return strstr(text, "://") != NULL;
}

/* The arguments are [URL] MOUNTPOINT. */
static int take_arguments(struct draft *draft, const struct argv_result *arguments,
                          struct failure *failure)
{
    const struct options *options = &draft->options;
    bool needs_mountpoint = !options->check && !options->print_config;
    size_t count = arguments->positional_count;
    const char *const *positional = arguments->positional;
    bool has_url = count == 2 || (count == 1 && is_url(positional[0]));
    bool has_mountpoint = count == 2 || (count == 1 && !has_url);
    int error = 0;

    if (needs_mountpoint && !has_mountpoint)
        return failure_set(failure, -EINVAL,
                           "MOUNTPOINT is missing: easelfs [OPTIONS] [URL] MOUNTPOINT. Try easelfs "
                           "--help.");
    if (has_url && strcmp(positional[0], "none") != 0) {
        if (options->demo)
            return failure_set(failure, -EINVAL, "demo mounts a stand-in API: leave the URL out.");
        error = option_assign(draft, option_find("url", strlen("url")), positional[0], failure);
    }
    if (error)
        return error;
    return has_mountpoint ? assign_mountpoint(&draft->options, positional[count - 1], failure) : 0;
}

static int finish_url(struct draft *draft, struct failure *failure)
{
    struct options *options = &draft->options;
    int error = url_normalise(draft->url_text, options->allow_http, &options->url, failure);

    if (error)
        return error;
    options->google = !options->demo && url_is_google(options->url);
    if (!draft->auth_is_set)
        options->auth = options->google ? AUTH_GOOG : AUTH_BEARER;
    return 0;
}

static int finish_models(struct draft *draft, struct failure *failure)
{
    struct options *options = &draft->options;
    char sentence[FAILURE_TEXT_SIZE];
    cleanup_buf struct buf notes;
    int error = models_parse(draft->models_text, options->google, &options->models, failure);

    buf_init(&notes, NOTES_MAX_BYTES);
    if (error == -ENOMEM)
        return error;
    if (error) {
        memcpy(sentence, failure->text, sizeof(sentence));
        return failure_set(failure, error, "models: %s", sentence);
    }
    for (size_t i = 0; i < options->models.count && !error; i++)
        error = sections_apply(options->sections, &options->models.models[i], options->google,
                               &notes, failure);
    if (!error && !options->models.automatic)
        error = sections_note_unused(options->sections, &options->models, &notes);
    if (error && error != -EFBIG)
        return error;
    options->notes = notes.data ? buf_steal(&notes) : strdup("");
    return options->notes ? 0 : -ENOMEM;
}

/* As --print-config gives it back. */
static bool is_demo_store(const char *path)
{
    static const char suffix[] = "-demo";
    size_t length = strlen(path);

    return length >= strlen(suffix) && strcmp(path + length - strlen(suffix), suffix) == 0;
}

/* Demo pictures stay apart from those that were paid for, and both can be mounted at once. */
static int finish_store(struct draft *draft, struct failure *failure)
{
    struct options *options = &draft->options;
    cleanup_free char *configured = NULL;
    char *path;
    int error = 0;

    if (!options->store && options->shared) {
        options->store = strdup(shared_store);
        error = options->store ? 0 : -ENOMEM;
    }
    if (!options->store && !error)
        error = xdg_path("XDG_DATA_HOME", ".local/share", "easelfs", &options->store);
    if (error)
        return error;
    if (!options->store)
        return failure_set(failure, -EINVAL,
                           "store: there is no $HOME to keep things in. Name a directory.");
    if (!options->demo || draft->store_on_command_line || is_demo_store(options->store))
        return 0;
    configured = steal_ptr(options->store);
    if (asprintf(&path, "%s-demo", configured) < 0)
        return -ENOMEM;
    options->store = path;
    return 0;
}

/* All may enter; what each may do the kernel checks, as always. */
static int finish_shared(struct options *options, struct failure *failure)
{
    if (!options->shared)
        return 0;
    if (fuse_option_has(options->fuse_options, "allow_root"))
        return failure_set(failure, -EINVAL, "shared is for all users: leave allow_root out.");
    return fuse_option_add(&options->fuse_options, "allow_other", failure);
}

static int finish_rest(struct draft *draft, struct failure *failure)
{
    struct options *options = &draft->options;
    int error = finish_shared(options, failure);

    if (error)
        return error;
    if (options->debug) {
        options->foreground = true;
        options->log_level = LOG_LEVEL_DEBUG;
    }
    if (!options->fuse_options)
        options->fuse_options = strdup("");
    return options->fuse_options ? finish_store(draft, failure) : -ENOMEM;
}

/* @return EXIT_STATUS_OK, or the status for @error, which has its sentence but for -ENOMEM. */
static enum exit_status status_of(int error, bool command_line, struct failure *failure)
{
    if (error == -ENOMEM) {
        failure_set_errno(failure, error, "easelfs");
        return EXIT_STATUS_FAILURE;
    }
    if (error)
        return command_line ? EXIT_STATUS_USAGE : EXIT_STATUS_CONFIG;
    return EXIT_STATUS_OK;
}

static enum exit_status build(int argc, char *const argv[], struct draft *draft,
                              struct failure *failure)
{
    struct argv_result arguments;
    int error;

    draft->command_line = true;
    error = argv_parse(argc, argv, take_early, draft, &arguments, failure);
    if (error || draft->options.help || draft->options.version)
        return status_of(error, true, failure);
    draft->command_line = false;
    error = option_assign_defaults(draft, failure);
    if (!error)
        error = read_files(draft, failure);
    if (error)
        return status_of(error, false, failure);
    draft->command_line = true;
    error = argv_parse(argc, argv, take_option, draft, &arguments, failure);
    if (!error)
        error = take_arguments(draft, &arguments, failure);
    if (error)
        return status_of(error, true, failure);
    error = finish_url(draft, failure);
    if (error)
        return status_of(error, draft->url_on_command_line, failure);
    error = finish_models(draft, failure);
    if (error)
        return status_of(error, draft->models_on_command_line, failure);
    return status_of(finish_rest(draft, failure), false, failure);
}

enum exit_status options_parse(int argc, char *const argv[], const struct options **ret_options,
                               struct failure *failure)
{
    struct draft draft = {0};
    struct options *options = calloc(1, sizeof(*options));
    enum exit_status status;

    draft.options.sections = sections_create();
    status = options && draft.options.sections ? build(argc, argv, &draft, failure)
                                               : status_of(-ENOMEM, false, failure);
    if (status == EXIT_STATUS_OK) {
        *options = draft.options;
        *ret_options = steal_ptr(options);
        draft.options = (struct options){0};
    }
    draft_fini(&draft);
    free(options);
    return status;
}

int options_make_models(const struct options *options, const char *const names[], size_t count,
                        struct model_list *ret_list)
{
    cleanup_models struct model_list list = {0};
    struct failure failure;

    for (size_t i = 0; i < count; i++) {
        int error;

        failure_init(&failure);
        error = models_add(&list, names[i], strlen(names[i]), NULL, options->google, &failure);
        if (!error)
            error = sections_apply(options->sections, &list.models[list.count - 1], options->google,
                                   NULL, &failure);
        if (error == -ENOMEM)
            return error;
        if (error) /* of what came from a list, the rest can be used */
            log_warning("%s", failure.text);
    }
    *ret_list = list;
    list = (struct model_list){0};
    return 0;
}
