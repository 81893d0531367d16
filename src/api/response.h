/* SPDX-License-Identifier: MIT
 *
 * What an answer with status 200 says: its pictures, its words, and why there is no picture where
 * there is none. Reads the skeleton that lift.h left; the places where a picture can be and the
 * order of the tests are those of API.md, section 3. Pure and thread-safe.
 *
 * What it does not decide: whether the bytes of a picture are one (libmagic does), and which of
 * them are equal beyond what can be seen here (URLs and inline bytes are).
 */
#ifndef EASELFS_API_RESPONSE_H
#define EASELFS_API_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/fault.h"
#include "api/lift.h"
#include "api/markdown.h"
#include "base/failure.h"

/** Pictures, and texts, of one answer; more are ignored. */
#define RESPONSE_ITEMS_MAX 256

enum picture_source {
    PICTURE_PART,  /* the bytes are in a part that came whole */
    PICTURE_BYTES, /* so small that they were in the skeleton */
    PICTURE_URL,   /* to be fetched: http or https */
};

struct picture {
    enum picture_source source;
    unsigned part;             /* PICTURE_PART: which; otherwise LIFT_NONE */
    unsigned char *bytes;      /* PICTURE_BYTES, owned; otherwise NULL */
    size_t length;             /* of bytes */
    char *url;                 /* PICTURE_URL, owned; otherwise NULL */
    char mime[LIFT_MIME_SIZE]; /* what the answer calls it, or "": labels lie */
};

/** A text part of the answer that is no thought. */
struct answer_text {
    char *text;    /* printable UTF-8, owned; NULL: it is in a part */
    unsigned part; /* LIFT_TEXT, as it came (not checked for UTF-8 or control characters) */
};

struct answer {
    struct picture *pictures; /* results, in the order of the answer */
    size_t picture_count;
    size_t draft_count; /* pictures in parts that are thoughts: never results */

    unsigned *broken; /* parts that were to be pictures but are damaged or cut: kept, named */
    size_t broken_count;
    size_t unusable_count; /* pictures that cannot be had otherwise: bad inline data, gs:// URIs */

    struct answer_text *texts; /* the model's words, in order */
    size_t text_count;

    /* Printable UTF-8, owned; NULL where the answer does not say. */
    char *finish_reason;  /* as the API spells it; of several the first that is not STOP */
    char *finish_message; /* its sentence on that */
    char *block_reason;   /* why the prompt was refused */
    char *block_message;
    char *model_version;
    char *response_id;
    char *create_time;
    char *traffic_type;

    /* Tokens; -1 where the answer does not say. */
    int64_t prompt_tokens;
    int64_t candidates_tokens;
    int64_t thoughts_tokens;
    int64_t total_tokens;

    bool incomplete; /* the body ended early or has something else behind it: pictures may lack */
    bool scan_texts; /* no picture was found, but a text in a part may hold some as Markdown: feed
                        those to markdown.h, then response_take_markdown() */

    struct failure failure; /* error 0 where there is a picture; otherwise what to tell the user */
};

/**
 * Read an answer.
 *
 * @param result what lift_finish() gave, or the same read from a disk; not kept. The remainder
 *        may be NULL: then the sentence on what is no JSON does without its words.
 * @param context of the attempt, as for fault_from_answer(); for an error within a 200.
 * @param ret_answer the caller frees it with response_destroy().
 * @return 0 or -ENOMEM. An answer that makes no sense is no error here: see its failure.
 */
int response_parse(const struct lift_result *result, const struct fault_context *context,
                   struct answer **ret_answer);

/** Free it; NULL is fine. */
void response_destroy(struct answer *answer);

/**
 * Add the pictures that were found in the text parts, where scan_texts asked for it. Where it
 * does, there is no failure any more.
 *
 * @param found not kept.
 * @return 0 or -ENOMEM (then some may have been added).
 */
int response_take_markdown(struct answer *answer, const struct markdown_result *found);

/**
 * What to tell the user where none of the pictures turned out to be one.
 *
 * @param reason what they are instead, without a full stop ("text/html"); may be "".
 */
void response_no_picture(const struct answer *answer, const char *reason,
                         struct failure *ret_failure);

#endif
