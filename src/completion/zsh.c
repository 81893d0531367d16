/* SPDX-License-Identifier: MIT
 *
 * The completion for zsh: an autoloaded function of its completion system.
 */
#include "completion/completion.h"

#include <stdio.h>
#include <string.h>

#include "conf/fuse_option.h"

/* In the brackets of a description. */
#define SPECIAL "[]\\:"

static const char head[] = "#compdef easelfs mount.easelfs mount.fuse.easelfs\n"
                           "# zsh completion for easelfs(1), made from its table of options.\n"
                           "\n"
                           "local curcontext=$curcontext state line\n"
                           "local -a mount_options\n"
                           "\n";

static const char tail[] = "    '*-o+[mount options, and any long one]:mount option:->mount' \\\n"
                           "    '1:URL or mount point:_directories' \\\n"
                           "    '2:mount point:_directories' && return\n"
                           "\n"
                           "case $state in\n"
                           "mount) _values -s , 'mount option' $mount_options ;;\n"
                           "esac\n";

/* Without the `=` that some of FUSE's end with: it would begin a pattern. */
static void print_list(const char *const *words)
{
    for (; *words; words++)
        printf(" %.*s", (int)strcspn(*words, "="), *words);
}

/* ":WORD:(bearer goog)" */
static void print_value(const struct option_spec *spec, bool in_list)
{
    if (!spec->argument)
        return;
    printf(":%s:", spec->argument);
    switch (completion_value_of(spec)) {
    case COMPLETION_FILES:
        fputs("_files", stdout);
        break;
    case COMPLETION_DIRECTORIES:
        fputs("_directories", stdout);
        break;
    case COMPLETION_WORDS:
        putchar('(');
        completion_print_words(completion_words(spec));
        putchar(')');
        break;
    case COMPLETION_LIST: /* in a list of -o its commas would end it */
        fputs(in_list ? "(" : "_values -s , word", stdout);
        print_list(completion_words(spec));
        fputs(in_list ? ")" : "", stdout);
        break;
    default:
        putchar(' ');
    }
}

static void print_option(const struct option_spec *spec)
{
    char name[COMPLETION_NAME_SIZE];

    completion_long_name(spec, name);
    if (spec->letter)
        printf("    '(-%c --%s)'{-%c,--%s}'[", spec->letter, name, spec->letter, name);
    else
        printf("    '--%s%s[", name, spec->argument ? "=" : "");
    completion_print_quoted(spec->help, SPECIAL);
    putchar(']');
    print_value(spec, false);
    fputs("' \\\n", stdout);
}

static void print_mount_option(const struct option_spec *spec)
{
    printf("    '%s[", spec->name);
    completion_print_quoted(spec->help, SPECIAL);
    putchar(']');
    print_value(spec, true);
    fputs("'\n", stdout);
}

/* FUSE's, of which some end with `=` and then a value. */
static void print_fuse_option(const char *name)
{
    fputs("    '", stdout);
    for (; *name && *name != '='; name++)
        putchar(*name);
    printf("[of FUSE]%s'\n", *name ? ":value: " : "");
}

void completion_zsh(void)
{
    size_t count;
    const struct option_spec *table = option_table(&count);
    const char *const *fuse = fuse_option_names();

    fputs(head, stdout);
    fputs("mount_options=(\n", stdout);
    for (size_t i = 0; i < count; i++) {
        if (!table[i].action && table[i].kind != OPTION_FUSE)
            print_mount_option(&table[i]);
    }
    for (; *fuse; fuse++)
        print_fuse_option(*fuse);
    fputs(")\n\n_arguments -C -s -S : \\\n", stdout);
    for (size_t i = 0; i < count; i++)
        print_option(&table[i]);
    fputs(tail, stdout);
}
