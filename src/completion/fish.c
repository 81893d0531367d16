/* SPDX-License-Identifier: MIT
 *
 * The completion for fish.
 */
#include "completion/completion.h"

#include <stdio.h>

#include "conf/fuse_option.h"

/* In fish's single quotes a backslash escapes itself. */
#define SPECIAL "\\"

static const char tail[] = "complete -c easelfs -s o -x -d 'mount options, and any long one' \\\n"
                           "    -a '(__fish_complete_list , __easelfs_mount_options)'\n";

static void print_value(const struct option_spec *spec)
{
    switch (completion_value_of(spec)) {
    case COMPLETION_FILES:
        fputs(" -r -F", stdout);
        break;
    case COMPLETION_DIRECTORIES:
        fputs(" -x -a '(__fish_complete_directories)'", stdout);
        break;
    case COMPLETION_WORDS:
        fputs(" -x -a '", stdout);
        completion_print_words(completion_words(spec));
        putchar('\'');
        break;
    case COMPLETION_LIST:
        fputs(" -x -a '(__fish_complete_list , \"string split \\\" \\\" -- \\\"", stdout);
        completion_print_words(completion_words(spec));
        fputs("\\\"\")'", stdout);
        break;
    default:
        fputs(spec->argument ? " -x" : "", stdout);
    }
}

static void print_option(const struct option_spec *spec)
{
    char name[COMPLETION_NAME_SIZE];

    completion_long_name(spec, name);
    fputs("complete -c easelfs", stdout);
    if (spec->letter)
        printf(" -s %c", spec->letter);
    printf(" -l %s", name);
    print_value(spec);
    fputs(" -d '", stdout);
    completion_print_quoted(spec->help, SPECIAL);
    fputs("'\n", stdout);
}

/* One for each word where there are words. */
static void print_mount_option(const struct option_spec *spec)
{
    const char *const *words = spec->words;

    do {
        printf("    echo '%s%s%s'\\t'", spec->name, spec->argument ? "=" : "", words ? *words : "");
        completion_print_quoted(spec->help, SPECIAL);
        fputs("'\n", stdout);
    } while (words && *++words);
}

void completion_fish(void)
{
    size_t count;
    const struct option_spec *table = option_table(&count);
    const char *const *fuse = fuse_option_names();

    fputs("# fish completion for easelfs(1), made from its table of options.\n\n", stdout);
    fputs("function __easelfs_mount_options\n", stdout);
    for (size_t i = 0; i < count; i++) {
        if (!table[i].action && table[i].kind != OPTION_FUSE)
            print_mount_option(&table[i]);
    }
    for (; *fuse; fuse++)
        printf("    echo '%s'\\t'of FUSE'\n", *fuse);
    fputs("end\n\ncomplete -c easelfs -x -a '(__fish_complete_directories)'\n", stdout);
    for (size_t i = 0; i < count; i++)
        print_option(&table[i]);
    fputs(tail, stdout);
}
