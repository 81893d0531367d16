/* SPDX-License-Identifier: MIT
 *
 * Lifts the pictures out of a JSON answer while it arrives. Each string value longer than
 * LIFT_INLINE_MAX leaves for a numbered part behind a sink, unescaped and, where it is base64,
 * decoded on the way; what remains is the skeleton: a small, valid JSON text in which a marker
 * stands for each part, fit for a parser that wants everything in memory. Memory stays flat
 * whatever the answer holds, and nothing that arrived is thrown away: it was paid for.
 *
 * What is a string, and where, is decided here; what it means is decided in response.h. Pure: the
 * sink does the I/O. Not thread-safe: one owner at a time.
 *
 * How base64 is told from text: a value is base64 where its first LIFT_INLINE_MAX bytes are all of
 * the base64 alphabets or white space and its key is not one that holds text ("text", "content",
 * "message"), or where it begins with `data:[MIME][;PARAMETERS];base64,` under any key.
 *
 * In strings, an invalid escape, a lone surrogate and U+0000 become U+FFFD; a raw control character
 * is taken as it is; bytes that are not UTF-8 pass unchanged. Scalars that JSON does not know
 * (NaN, None) stand in the skeleton as strings.
 */
#ifndef EASELFS_API_LIFT_H
#define EASELFS_API_LIFT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIFT_INLINE_MAX     4096       /* unescaped bytes of a string that stays in the skeleton */
#define LIFT_KEY_MAX        1024       /* unescaped bytes of an object's key */
#define LIFT_SCALAR_MAX     1024       /* bytes of a number or a literal */
#define LIFT_DEPTH_MAX      64         /* arrays and objects in one another */
#define LIFT_PARTS_MAX      256        /* parts of one answer */
#define LIFT_SKELETON_MAX   (1u << 20) /* bytes of the skeleton, by default */
#define LIFT_COMPLETION_MAX 8192 /* bytes that closing what is open at the end may add to that */
#define LIFT_REMAINDER_MAX  4096 /* bytes of what is not JSON that are kept in memory, too */
#define LIFT_MIME_SIZE      64
#define LIFT_NONE           UINT_MAX /* no part */

enum lift_encoding {
    LIFT_TEXT,      /* the string, unescaped */
    LIFT_BYTES,     /* base64 that was decoded */
    LIFT_REST,      /* of a string whose base64 is damaged: its characters from the damage on */
    LIFT_REMAINDER, /* what came after the point where the body stopped being JSON, as it came */
};

/** What is known of a part. */
struct lift_part {
    enum lift_encoding encoding;
    uint64_t bytes;            /* handed to the sink */
    bool complete;             /* false: the body ended inside */
    bool damaged;              /* LIFT_BYTES: an illegal character came. What was decoded before it
                                  is this part; the unfinished group before it, it, and all after
                                  it are part `rest`, undecoded */
    uint64_t damaged_offset;   /* of that character in the base64 text (without a data: prefix) */
    unsigned rest;             /* the LIFT_REST part, or LIFT_NONE */
    char mime[LIFT_MIME_SIZE]; /* of a data: URI, or "" */
};

/**
 * Where parts go. Parts are numbered from 0 in the order of their arrival; one is open at a time.
 * Each function returns 0 or a negative errno, which lift_feed() then returns.
 */
struct lift_sink {
    void *ctx;
    int (*open)(void *ctx, unsigned part, enum lift_encoding encoding);
    int (*write)(void *ctx, unsigned part, const void *data, size_t length);
    /* Called once for each part opened, unless the lift is destroyed unfinished or failed. */
    int (*close)(void *ctx, unsigned part, const struct lift_part *info);
};

struct lift_limits {
    size_t skeleton_bytes; /* 0 = LIFT_SKELETON_MAX */
    uint64_t total_bytes;  /* of the body; 0 = no limit */
};

enum lift_verdict {
    LIFT_WHOLE,    /* one JSON value and white space */
    LIFT_CUT,      /* the beginning of one: the body ended early */
    LIFT_TRAILING, /* one JSON value, and then something else (a LIFT_REMAINDER part) */
    LIFT_NOT_JSON, /* not JSON from some byte on (a LIFT_REMAINDER part), or empty */
};

/** What came of a body. All pointers belong to the lift. */
struct lift_result {
    enum lift_verdict verdict;
    uint64_t total_bytes; /* of the body; about, where lift_feed() failed */

    /* Valid JSON whatever the verdict: what was open at the end is closed, so that all that came
       whole before it can be used. "null" where there was no value. NUL-terminated. */
    const char *skeleton;
    size_t skeleton_length;

    const struct lift_part *parts;
    size_t part_count;

    /* The first bytes of the LIFT_REMAINDER part, at most LIFT_REMAINDER_MAX. NUL-terminated. */
    const char *remainder;
    size_t remainder_length;
};

struct lift;

/**
 * Begin a body.
 *
 * @param sink copied; its ctx must outlive the lift.
 * @param limits NULL for the defaults.
 * @return 0 or -ENOMEM.
 */
int lift_create(const struct lift_sink *sink, const struct lift_limits *limits,
                struct lift **ret_lift);

/** Free it; NULL is fine. A part that is open is not closed. */
void lift_destroy(struct lift *lift);

/**
 * Take the next bytes of the body, however it was cut into pieces.
 *
 * Errors are final, each later call gives the same one; lift_finish() still works. Not being JSON
 * is no error here, since that, too, was paid for.
 *
 * @return 0; -ENOMEM; -EFBIG above limits.total_bytes; -EMSGSIZE above limits.skeleton_bytes;
 *         -ELOOP above LIFT_DEPTH_MAX; -E2BIG above LIFT_PARTS_MAX; -ENAMETOOLONG above
 *         LIFT_KEY_MAX or LIFT_SCALAR_MAX; or what the sink returned.
 */
int lift_feed(struct lift *lift, const void *data, size_t length);

/**
 * End the body: judge it, close the open part and complete the skeleton. Once per lift.
 *
 * @param ret_result valid until lift_destroy(). Where lift_feed() failed the verdict is LIFT_CUT.
 * @return 0, -ENOMEM, or what the sink returned.
 */
int lift_finish(struct lift *lift, struct lift_result *ret_result);

/**
 * Whether @string, a string value of a skeleton, stands for a part. It cannot be forged: a string
 * of the body that looks like a marker is changed (lift_string() undoes that).
 *
 * @param ret_part its number; not checked against the number of parts.
 */
bool lift_is_marker(const char *string, unsigned *ret_part);

/** The text of @string, a string value of a skeleton that is no marker: points into it. */
const char *lift_string(const char *string);

#endif
