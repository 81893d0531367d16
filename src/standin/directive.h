/* SPDX-License-Identifier: MIT
 *
 * Directives: what makes one answer differ from the usual one. Grammar:
 *
 *     list  = step *( "|" step )            successive requests take successive steps, the last
 * stays step  = "ok" | item *( "," item ) item  = NAME [ "=" value ]            names, values and
 * their meaning: vocabulary.c value = plain text up to "," or "|", or "text with \" and \\ escaped"
 *
 * A list is written in a prompt as the token `[[standin: LIST]]`, which is not painted, or stands
 * on a line of the script (script.h). What a prompt says wins over what the script says.
 */
#ifndef STANDIN_DIRECTIVE_H
#define STANDIN_DIRECTIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "standin/vocabulary.h"

#define DIRECTIVE_MAX_STEPS   64
#define DIRECTIVE_REASON_SIZE 200

struct directive_value {
    bool given;
    int word;       /* of enum ..._word */
    int64_t number; /* also a word's argument, a set of words, and WxH as W << 16 | H */
    char *text;     /* also a word's argument; owned; NULL where there is none */
};

/* One step. All zero = the usual answer. */
struct directives {
    struct directive_value values[D_COUNT];
};

struct directive_list {
    struct directives steps[DIRECTIVE_MAX_STEPS];
    size_t count;
    char *source; /* the text it was read from; owned */
};

/**
 * Read a list of @length bytes.
 *
 * @return 0 and a list to be given to directive_list_free(); -ENOMEM; -EINVAL with a sentence in
 *         @reason, also where there are more than DIRECTIVE_MAX_STEPS steps.
 */
int directive_list_parse(const char *text, size_t length, struct directive_list **ret_list,
                         char reason[DIRECTIVE_REASON_SIZE]);

/** Free @list. Takes NULL. */
void directive_list_free(struct directive_list *list);

/** The step that the request number @index (from 0) takes. */
const struct directives *directive_list_step(const struct directive_list *list, size_t index);

/** Let all that @from gives override @into. @return 0 or -ENOMEM. */
int directives_merge(struct directives *into, const struct directives *from);

/** Free the texts of @directives and make it empty. */
void directives_fini(struct directives *directives);

/** Where a token stands in a prompt: offsets of `[[`, of the list, of `]]`, and after that. */
struct token {
    size_t start;
    size_t list;
    size_t list_end;
    size_t end;
};

/** Find the first complete token in @prompt. @return whether there is one. */
bool token_find(const char *prompt, struct token *ret_token);

bool directive_given(const struct directives *directives, enum directive_name name);

/** The number given, else @fallback. A flag is 1 or 0. */
int64_t directive_number(const struct directives *directives, enum directive_name name,
                         int64_t fallback);

/** The word given, else @fallback (0 where unset should be told apart). */
int directive_word(const struct directives *directives, enum directive_name name, int fallback);

/** The text given, else @fallback. */
const char *directive_text(const struct directives *directives, enum directive_name name,
                           const char *fallback);

#endif
