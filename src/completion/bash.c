/* SPDX-License-Identifier: MIT
 *
 * The completion for bash. It needs nothing but bash itself.
 */
#include "completion/completion.h"

#include <stdio.h>

#include "conf/fuse_option.h"

static const char head[] =
    "# bash completion for easelfs(1), made from its table of options.\n"
    "\n"
    "# _easelfs_reply PREFIX COMPGEN-OPTION... -- WORD\n"
    "_easelfs_reply()\n"
    "{\n"
    "    local prefix=$1\n"
    "    shift\n"
    "    mapfile -t COMPREPLY < <(compgen -P \"$prefix\" \"$@\")\n"
    "}\n"
    "\n"
    "# _easelfs_list PREFIX WORDS LIST: the last word of a list with commas\n"
    "_easelfs_list()\n"
    "{\n"
    "    local last=${3##*,}\n"
    "\n"
    "    _easelfs_reply \"$1${3%\"$last\"}\" -W \"$2\" -- \"$last\"\n"
    "}\n"
    "\n"
    "# _easelfs_value OPTION PREFIX VALUE: the value of a long option, or of one in a list of -o\n"
    "_easelfs_value()\n"
    "{\n"
    "    case ${1//_/-} in\n";

/* What comes after the values. */
static const char functions[] =
    "    esac\n"
    "}\n"
    "\n"
    "# _easelfs_mount_option PREFIX LIST: the last option of a list of -o\n"
    "_easelfs_mount_option()\n"
    "{\n"
    "    local last=${2##*,}\n"
    "    local before=$1${2%\"$last\"}\n"
    "\n"
    "    case $last in\n"
    "    fuse[_-]options=*) ;; # its commas would end it\n"
    "    *=*) _easelfs_value \"${last%%=*}\" \"$before${last%%=*}=\" \"${last#*=}\" ;;\n"
    "    *) _easelfs_reply \"$before\" -W \"$_easelfs_mount_options\" -- \"$last\" ;;\n"
    "    esac\n"
    "}\n"
    "\n"
    "_easelfs()\n"
    "{\n"
    "    # Readline may have cut the word at = and : , so it is taken from the line.\n"
    "    local line=${COMP_LINE:0:COMP_POINT}\n"
    "    local word=${line##*[[:space:]]}\n"
    "    local previous cut=\n"
    "    local -a words\n"
    "\n"
    "    COMPREPLY=()\n"
    "    read -ra words <<<\"${line%\"$word\"}\"\n"
    "    previous=${words[${#words[@]} - 1]}\n"
    "    if [[ $previous == -o ]]; then\n"
    "        _easelfs_mount_option '' \"$word\"\n"
    "    elif [[ \" $_easelfs_with_value \" == *\" $previous \"* ]]; then\n"
    "        _easelfs_value \"${previous#--}\" '' \"$word\"\n"
    "    elif [[ $word == --*=* ]]; then\n"
    "        cut=${word%%=*}\n"
    "        _easelfs_value \"${cut#--}\" \"$cut=\" \"${word#*=}\"\n"
    "    elif [[ $word == -o* ]]; then\n"
    "        _easelfs_mount_option -o \"${word#-o}\"\n"
    "    elif [[ $word == -* ]]; then\n"
    "        _easelfs_reply '' -W \"$_easelfs_options\" -- \"$word\"\n"
    "    else\n"
    "        compopt -o filenames 2>/dev/null\n"
    "        _easelfs_reply '' -d -- \"$word\"\n"
    "    fi\n"
    "    # More is to follow upon a name that ends with = .\n"
    "    [[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace 2>/dev/null\n"
    "    # Only what comes after the last cut is Readline's word.\n"
    "    cut=\n"
    "    [[ $COMP_WORDBREAKS != *=* ]] || cut==\n"
    "    [[ $COMP_WORDBREAKS != *:* ]] || cut+=:\n"
    "    [[ -z $cut ]] || cut=${word%\"${word##*[$cut]}\"}\n"
    "    COMPREPLY=(\"${COMPREPLY[@]#\"$cut\"}\")\n"
    "}\n"
    "\n"
    "complete -F _easelfs easelfs\n";

static void print_value(const struct option_spec *spec)
{
    char name[COMPLETION_NAME_SIZE];
    enum completion_value value = completion_value_of(spec);

    if (value == COMPLETION_NOTHING)
        return;
    completion_long_name(spec, name);
    printf("    %s) ", name);
    switch (value) {
    case COMPLETION_FILES:
    case COMPLETION_DIRECTORIES:
        printf("compopt -o filenames 2>/dev/null; _easelfs_reply \"$2\" -%c -- \"$3\"",
               value == COMPLETION_FILES ? 'f' : 'd');
        break;
    case COMPLETION_WORDS:
        fputs("_easelfs_reply \"$2\" -W '", stdout);
        completion_print_words(completion_words(spec));
        fputs("' -- \"$3\"", stdout);
        break;
    default:
        fputs("_easelfs_list \"$2\" '", stdout);
        completion_print_words(completion_words(spec));
        fputs("' \"$3\"", stdout);
    }
    fputs(" ;;\n", stdout);
}

/* Those of -o: ours with `_`, and FUSE's. */
static void print_mount_options(const struct option_spec *table, size_t count)
{
    fputs("_easelfs_mount_options='", stdout);
    for (size_t i = 0; i < count; i++) {
        if (!table[i].action && table[i].kind != OPTION_FUSE)
            printf("%s%s ", table[i].name, table[i].argument ? "=" : "");
    }
    completion_print_words(fuse_option_names());
    fputs("'\n", stdout);
}

void completion_bash(void)
{
    size_t count;
    const struct option_spec *table = option_table(&count);
    char name[COMPLETION_NAME_SIZE];

    fputs(head, stdout);
    for (size_t i = 0; i < count; i++)
        print_value(&table[i]);
    fputs(functions, stdout);
    fputs("_easelfs_options='-o", stdout);
    for (size_t i = 0; i < count; i++) {
        completion_long_name(&table[i], name);
        if (table[i].letter)
            printf(" -%c", table[i].letter);
        printf(" --%s%s", name, table[i].argument ? "=" : "");
    }
    fputs("'\n_easelfs_with_value='", stdout);
    for (size_t i = 0; i < count; i++) {
        completion_long_name(&table[i], name);
        if (table[i].argument)
            printf("%s--%s", i ? " " : "", name);
    }
    fputs("'\n", stdout);
    print_mount_options(table, count);
}
