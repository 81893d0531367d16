/* SPDX-License-Identifier: MIT
 *
 * What the three shells' completions are made of: the table of options as names, values and quoted
 * words. Each shell has a file of its own, which writes the whole of its completion to standard
 * output. Runs when easelfs is built; nothing of it is in easelfs.
 */
#ifndef EASELFS_COMPLETION_COMPLETION_H
#define EASELFS_COMPLETION_COMPLETION_H

#include <stdbool.h>

#include "conf/option_table.h"

/** Room for the longest name of an option. */
#define COMPLETION_NAME_SIZE 64

/** What can stand as the value of an option. */
enum completion_value {
    COMPLETION_NOTHING,     /* it takes none, or none that could be known */
    COMPLETION_FILES,       /* a file's name */
    COMPLETION_DIRECTORIES, /* a directory's name */
    COMPLETION_WORDS,       /* one of completion_words() */
    COMPLETION_LIST,        /* some of completion_words(), with commas between them */
};

enum completion_value completion_value_of(const struct option_spec *spec);

/** The words of an option with COMPLETION_WORDS or COMPLETION_LIST; NULL at the end. Static. */
const char *const *completion_words(const struct option_spec *spec);

/** The name as the command line has it: "max-in-flight". */
void completion_long_name(const struct option_spec *spec, char ret_name[COMPLETION_NAME_SIZE]);

/** Print words with a space between them. */
void completion_print_words(const char *const *words);

/**
 * Print @text for the inside of a pair of single quotes, which every one of the shells ends and
 * begins again for a quote.
 *
 * @special  the characters that get a backslash
 */
void completion_print_quoted(const char *text, const char *special);

void completion_bash(void);
void completion_zsh(void);
void completion_fish(void);

#endif
