/* SPDX-License-Identifier: MIT */
#include "job/naming.h"

#include <stdio.h>
#include <string.h>

#define PROMPT_SUFFIX ".prompt"
#define WAIT_SUFFIX   ".wait"
/* What a stem may grow by: "-4294967295", ".error.txt" and the like. */
#define STEM_RESERVE 32
/* Bytes of a UTF-8 character behind its first. A name may be no UTF-8, and nothing else either. */
#define UTF8_MORE_MAX     3
#define NUMBER_DIGITS_MIN 4
#define NUMBER_DIGITS_MAX 9

static bool ends_with(const char *text, const char *suffix)
{
    size_t length = strlen(text);
    size_t suffix_length = strlen(suffix);

    return length >= suffix_length && strcmp(text + length - suffix_length, suffix) == 0;
}

bool naming_is_numbered(const char *prompt_name)
{
    return strcmp(prompt_name, "prompt") == 0 || strcmp(prompt_name, "prompt.txt") == 0;
}

bool naming_is_prompt(const char *name)
{
    return name[0] != '.' && (naming_is_numbered(name) || ends_with(name, PROMPT_SUFFIX));
}

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* "NAME" of "NAME.prompt", cut so that suffixes fit, at a whole UTF-8 character. */
static int base_length(const char *prompt_name)
{
    size_t length = strlen(prompt_name);

    if (naming_is_numbered(prompt_name))
        length = strlen("prompt");
    else if (ends_with(prompt_name, PROMPT_SUFFIX))
        length -= strlen(PROMPT_SUFFIX);

    if (length > NAME_MAX - STEM_RESERVE) {
        length = NAME_MAX - STEM_RESERVE;
        for (int i = 0; i < UTF8_MORE_MAX && is_continuation(prompt_name[length]); i++)
            length--;
    }
    return (int)length;
}

void naming_stem(const char *prompt_name, unsigned index, char stem[NAME_MAX + 1])
{
    int length = base_length(prompt_name);

    if (index <= 1)
        snprintf(stem, NAME_MAX + 1, "%.*s", length, prompt_name);
    else
        snprintf(stem, NAME_MAX + 1, "%.*s-%u", length, prompt_name, index);
}

void naming_number_stem(unsigned number, char stem[NAME_MAX + 1])
{
    snprintf(stem, NAME_MAX + 1, "%0*u", NUMBER_DIGITS_MIN, number);
}

unsigned naming_number_of(const char *name)
{
    size_t digits = strspn(name, "0123456789");
    unsigned number = 0;

    if (digits < NUMBER_DIGITS_MIN || digits > NUMBER_DIGITS_MAX || name[digits] != '.')
        return 0;
    for (size_t i = 0; i < digits; i++)
        number = number * 10 + (unsigned)(name[i] - '0');
    return number;
}

void naming_error_file(const char *prompt_name, char name[NAME_MAX + 1])
{
    snprintf(name, NAME_MAX + 1, "%.*s.error.txt", base_length(prompt_name), prompt_name);
}

bool naming_waited_prompt(const char *name, char prompt_name[NAME_MAX + 1])
{
    size_t length = strlen(name);

    if (name[0] != '.' || !ends_with(name, WAIT_SUFFIX) || length > NAME_MAX ||
        length < 1 + strlen(WAIT_SUFFIX))
        return false;
    snprintf(prompt_name, NAME_MAX + 1, "%.*s", (int)(length - 1 - strlen(WAIT_SUFFIX)), name + 1);
    return naming_is_prompt(prompt_name);
}
