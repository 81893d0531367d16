/* SPDX-License-Identifier: MIT
 *
 * easelfs-completion bash|zsh|fish: print that shell's completion for easelfs.
 */
#include "completion/completion.h"

#include <stdio.h>
#include <string.h>

#include "conf/fuse_option.h"
#include "conf/models.h"

/* More than there are profiles. */
#define MODEL_WORDS_MAX 64

static bool is_models(const struct option_spec *spec)
{
    return spec->initial == models_default;
}

enum completion_value completion_value_of(const struct option_spec *spec)
{
    if (spec->kind == OPTION_WORD)
        return COMPLETION_WORDS;
    if (spec->kind == OPTION_FUSE || is_models(spec))
        return COMPLETION_LIST;
    if (spec->kind == OPTION_PATH)
        return strcmp(spec->argument, "DIR") == 0 ? COMPLETION_DIRECTORIES : COMPLETION_FILES;
    return COMPLETION_NOTHING;
}

static const char *const *model_words(void)
{
    static const char *words[MODEL_WORDS_MAX + 1] = {"auto"};

    for (size_t i = 0; i + 1 < MODEL_WORDS_MAX && models_profile_name(i); i++)
        words[i + 1] = models_profile_name(i);
    return words;
}

const char *const *completion_words(const struct option_spec *spec)
{
    if (spec->kind == OPTION_FUSE)
        return fuse_option_names();
    return is_models(spec) ? model_words() : spec->words;
}

void completion_long_name(const struct option_spec *spec, char ret_name[COMPLETION_NAME_SIZE])
{
    snprintf(ret_name, COMPLETION_NAME_SIZE, "%s", spec->name);
    for (char *at = ret_name; *at; at++)
        *at = *at == '_' ? '-' : *at;
}

void completion_print_words(const char *const *words)
{
    for (size_t i = 0; words[i]; i++)
        printf("%s%s", i ? " " : "", words[i]);
}

void completion_print_quoted(const char *text, const char *special)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\'", stdout);
        else if (strchr(special, *text))
            putchar('\\');
        putchar(*text);
    }
}

int main(int argc, char *argv[])
{
    static const struct {
        const char *name;
        void (*print)(void);
    } shells[] = {{"bash", completion_bash}, {"zsh", completion_zsh}, {"fish", completion_fish}};

    for (size_t i = 0; argc == 2 && i < sizeof(shells) / sizeof(shells[0]); i++) {
        if (strcmp(shells[i].name, argv[1]) == 0) {
            shells[i].print();
            return fflush(stdout) || ferror(stdout);
        }
    }
    fprintf(stderr, "Usage: easelfs-completion bash|zsh|fish\n");
    return 2;
}
