/* SPDX-License-Identifier: MIT
 *
 * The table of options as text: --help and --print-config.
 */
#include <stdio.h>
#include <string.h>

#include "conf/ini_file.h"
#include "conf/models.h"
#include "conf/option_table.h"
#include "conf/option_value.h"
#include "conf/options.h"
#include "conf/sections.h"
#include "conf/url.h"

static const char usage[] =
    "Usage: easelfs [OPTIONS] [URL] MOUNTPOINT\n"
    "       easelfs --demo MOUNTPOINT\n"
    "\n"
    "Mounts image models as directories: save a prompt file, and the picture appears beside it.\n"
    "URL is the address of the API (https://octopusx.ai if not given).\n"
    "\n"
    "To try it without a key and without cost:\n"
    "  mkdir -p ~/easel && easelfs --demo ~/easel\n"
    "  cd ~/easel/gemini-3-pro-image-preview\n"
    "  echo \"A lighthouse in a storm\" > prompt && cat .prompt.wait\n"
    "  cd && fusermount3 -u ~/easel\n"
    "\n"
    "Options, with their defaults in brackets:\n";

static const char notes[] =
    "  -o LIST                          mount options, and any option above: -o ro,max_in_flight=8\n"
    "\n"
    "An option can also stand as a line, \"max_in_flight = 8\", in /etc/easelfs/easelfs.conf or\n"
    "~/.config/easelfs/easelfs.conf. The second file overrides the first, and the command line both.\n"
    "In a LIST there are spaces or commas between the words. BYTES may end with K, M or G.\n"
    "The API key itself is no option: name its file with api_key_file, or set EASELFS_API_KEY.\n"
    "\n"
    "Exit status: 0 all went well, 1 the mount failed or something else, 2 wrong option, 3 wrong\n"
    "configuration file, 4 unusable key, 5 unusable store, 6 the stand-in API did not start.\n"
    "More in the man pages easelfs(1) and easelfs.conf(5).\n";

static const char *const headings[GROUP_MAX] = {
    [GROUP_START] = "Start",
    [GROUP_API] = "The API",
    [GROUP_JOBS] = "Jobs and limits",
    [GROUP_RUN] = "Running",
};

/* "  -f, --foreground             " */
static int print_name(const struct option_spec *spec, struct buf *buf)
{
    char name[64];
    char letter[5] = "    ";
    int length;

    if (spec->letter)
        snprintf(letter, sizeof(letter), "-%c, ", spec->letter);
    length = snprintf(name, sizeof(name), "--%s%s%s", spec->name, spec->argument ? "=" : "",
                      spec->argument ? spec->argument : "");
    for (int i = 0; i < length && name[i] != '='; i++)
        name[i] = name[i] == '_' ? '-' : name[i];
    return buf_printf(buf, "  %s%-28s ", letter, name);
}

static bool shows_default(const struct option_spec *spec)
{
    return spec->initial && spec->initial != models_default;
}

static int print_option(const struct option_spec *spec, struct buf *buf)
{
    int error = print_name(spec, buf);

    if (!error)
        error = buf_append_text(buf, spec->help);
    if (!error && shows_default(spec))
        error = buf_printf(buf, " (%s)", spec->initial);
    return error ? error : buf_append_text(buf, "\n");
}

int options_print_help(struct buf *buf)
{
    size_t count;
    const struct option_spec *spec = option_table(&count);
    int error = buf_append_text(buf, usage);

    for (size_t i = 0; i < count && !error; i++) {
        if (i == 0 || spec[i].group != spec[i - 1].group)
            error = buf_printf(buf, "\n%s:\n", headings[spec[i].group]);
        if (!error)
            error = print_option(&spec[i], buf);
    }
    return error ? error : buf_append_text(buf, notes);
}

/* NAME=PROFILE where the profile is not the one of the name. */
static int print_models(const struct options *options, struct buf *buf)
{
    const struct model_list *list = &options->models;
    int error = buf_append_text(buf, list->automatic ? "auto" : "");

    for (size_t i = 0; i < list->count && !error; i++) {
        const struct model *model = &list->models[i];
        const struct model_profile *own = models_find_profile(model->name, options->google);

        error = buf_printf(buf, "%s%s", i ? "\n" : "", model->name);
        if (!error && model->profile != (own ? own : &model_profile_permissive))
            error = buf_printf(buf, "=%s", model->profile->name);
    }
    return error;
}

static int print_value(const struct options *options, const struct option_spec *spec,
                       struct buf *buf)
{
    if (spec->kind != OPTION_TEXT)
        return option_format(options, spec, buf);
    if (spec->initial == url_default)
        return buf_append_text(buf, options->url);
    return print_models(options, buf);
}

static int print_line(const struct options *options, const struct option_spec *spec,
                      struct buf *buf)
{
    cleanup_buf struct buf value;
    int error;

    buf_init(&value, buf->max);
    error = print_value(options, spec, &value);
    return error ? error : ini_file_print(spec->name, buf_text(&value), buf);
}

int options_print_config(const struct options *options, struct buf *buf)
{
    size_t count;
    const struct option_spec *spec = option_table(&count);
    int error = 0;

    for (size_t i = 0; i < count && !error; i++) {
        if (!spec[i].action)
            error = print_line(options, &spec[i], buf);
    }
    return error ? error : sections_format(options->sections, buf);
}
