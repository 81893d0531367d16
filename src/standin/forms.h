/* SPDX-License-Identifier: MIT
 *
 * Where in an answer's JSON its pictures and words stand: Google's parts in all their spellings,
 * URLs, Markdown, OpenAI's forms, in one piece or several. What there is to say is generate.c's;
 * how it is written is here.
 */
#ifndef STANDIN_FORMS_H
#define STANDIN_FORMS_H

#include "standin/document.h"
#include "standin/generate.h"

/* The contents of an answer while they are collected. */
struct contents {
    const struct order *order;
    const char *finish_reason;
    const char *finish_message; /* NULL: none */
    struct document document;
    cJSON *parts;    /* an array; owned */
    cJSON *pictures; /* an array, of the forms that list pictures apart from words; owned */
    char *words;     /* of those forms; owned; NULL where there are none */
    size_t picture_count;
};

/** @return 0 or -ENOMEM. */
int contents_create(const struct order *order, struct contents **ret_contents);

/** Takes NULL. */
void contents_destroy(struct contents *contents);

/**
 * Add a text part.
 *
 * @param blob  more text, already escaped, or NULL
 * @return whether there was memory.
 */
bool contents_add_words(struct contents *contents, const char *words, struct blob *blob,
                        bool thought);

/** Add a picture where the order wants it. @return 0, -ENOMEM or -ENAMETOOLONG. */
int contents_add_picture(struct contents *contents, const struct picture *picture, bool thought);

/** Write the whole body; for wrap=chunks, its elements with commas between. @return 0 or -ENOMEM.
 */
int contents_write(struct contents *contents, struct answer *answer);

#endif
