/* SPDX-License-Identifier: MIT
 *
 * Which files are prompts, and what the files are called that come of them (DESIGN: "Results").
 * Pure.
 */
#ifndef EASELFS_JOB_NAMING_H
#define EASELFS_JOB_NAMING_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/** Whether completing a write to a file of this name makes pictures. */
bool naming_is_prompt(const char *name);

/** `prompt` and `prompt.txt` make numbered results, `NAME.prompt` makes results called NAME. */
bool naming_is_numbered(const char *prompt_name);

/** The stem of the results of `NAME.prompt`: "NAME", "NAME-2", "NAME-3"... @index from 1 on. */
void naming_stem(const char *prompt_name, unsigned index, char stem[NAME_MAX + 1]);

/** The stem of numbered results: "0001". */
void naming_number_stem(unsigned number, char stem[NAME_MAX + 1]);

/** The number of a file called `0001.png`, `0001.txt`..., or 0. */
unsigned naming_number_of(const char *name);

/** The error file of a prompt: `prompt.error.txt`, `NAME.error.txt`. */
void naming_error_file(const char *prompt_name, char name[NAME_MAX + 1]);

/** The prompt file that `.prompt.wait` or `.NAME.prompt.wait` waits for; false: no such name. */
bool naming_waited_prompt(const char *name, char prompt_name[NAME_MAX + 1]);

#endif
