/* SPDX-License-Identifier: MIT
 *
 * What the three files of the lift share: lift.c knows the grammar, lift_string.c unescapes
 * strings, lift_part.c decides what becomes of their bytes and talks to the sink.
 */
#ifndef EASELFS_API_LIFT_INTERNAL_H
#define EASELFS_API_LIFT_INTERNAL_H

#include "api/base64.h"
#include "api/lift.h"
#include "base/buf.h"

/* Bytes that are gathered before the sink is called. */
#define LIFT_OUT_SIZE 8192

/* What comes next, in the grammar of RFC 8259. */
enum lift_state {
    LIFT_AT_START,       /* the value that is the body; a byte order mark may stand before it */
    LIFT_AT_VALUE,       /* a value, after a colon or after a comma of an array */
    LIFT_AT_FIRST_VALUE, /* a value or the end of the array that has just begun */
    LIFT_AT_FIRST_KEY,   /* a key or the end of the object that has just begun */
    LIFT_AT_KEY,         /* a key, after a comma */
    LIFT_AT_COLON,       /* the colon after a key */
    LIFT_AFTER_VALUE,    /* a comma or the end of the array or object */
    LIFT_IN_KEY,         /* more of a key */
    LIFT_IN_STRING,      /* more of a string value */
    LIFT_IN_SCALAR,      /* more of a number or a literal */
    LIFT_AT_END,         /* nothing but white space */
};

/* Where the bytes of the string under way go. */
enum lift_target {
    LIFT_TO_PENDING, /* to be put in the skeleton, unless it gets too long */
    LIFT_TO_TEXT,    /* to the part as they are */
    LIFT_TO_BYTES,   /* to the part through the base64 decoder */
};

enum lift_escape {
    LIFT_PLAIN,     /* not in an escape */
    LIFT_BACKSLASH, /* after a backslash */
    LIFT_HEX,       /* in the digits of \uXXXX */
};

struct lift {
    struct lift_sink sink;
    size_t skeleton_max;  /* bytes, without what completes it at the end */
    uint64_t total_max;   /* bytes */
    uint64_t total_bytes; /* of the body so far */
    int error;            /* negative errno of lift_feed(), final */
    bool sink_failed;     /* the sink is not called any more */

    enum lift_state state;
    unsigned bom_length; /* bytes of a byte order mark seen at the start */
    bool in_remainder;   /* it is not JSON from some byte on; the state stays what it was there */
    unsigned depth;
    char stack[LIFT_DEPTH_MAX]; /* '{' or '[' for each array and object that is open */
    bool key_is_text;           /* the last key says that its value is text, never base64 */
    struct buf skeleton;

    /* The string or scalar under way. */
    char pending[LIFT_INLINE_MAX]; /* its bytes, as long as it may stay in the skeleton */
    size_t pending_length;
    enum lift_target target;
    bool is_marked; /* the marker of its part is in the skeleton */
    enum lift_escape escape;
    unsigned hex_digits; /* seen of \uXXXX */
    unsigned hex_code;   /* their value so far */
    unsigned high;       /* a high surrogate that waits for its other half, or 0 */

    /* The parts; the last one is open where part_is_open. */
    struct lift_part *parts;
    size_t part_count;
    size_t part_size; /* allocated */
    bool part_is_open;
    struct base64_decoder decoder;
    char out[LIFT_OUT_SIZE]; /* bytes of the open part that the sink has not got yet */
    size_t out_length;

    struct buf remainder; /* the first bytes of its part */
};

/* lift.c */

/** Append to the skeleton, all or nothing. @return 0, -ENOMEM, -EMSGSIZE. */
int lift_skeleton_append(struct lift *lift, const char *data, size_t length);

/* lift_string.c */

/** Begin a string, a key or a value; its opening quote has been taken. */
void lift_string_start(struct lift *lift, bool is_key);

/**
 * Take bytes of a string up to its closing quote, after which it is ended with lift_text_end().
 *
 * @param text moved behind what was taken.
 * @return 0, or as lift_feed().
 */
int lift_string_feed(struct lift *lift, const char **text, const char *end);

/* lift_part.c */

/** Take unescaped bytes of a string. @return 0, or as lift_feed(). */
int lift_text_write(struct lift *lift, const char *data, size_t length);

/**
 * Take as many raw bytes of a string as the base64 decoder takes at once, unescaped or not.
 *
 * @param taken set to how many: 0 where another way has to be gone. Also set on error.
 */
int lift_text_decode(struct lift *lift, const char *data, size_t length, size_t *taken);

/** The string has ended: put it in the skeleton or close its part. @return as lift_feed(). */
int lift_text_end(struct lift *lift);

/**
 * The body has ended inside of a string: its bytes become a part that is not complete.
 *
 * @return 0, or as lift_feed().
 */
int lift_text_cut(struct lift *lift);

/** Append @text to the skeleton as a JSON string. @param is_value it must not look like a marker */
int lift_skeleton_string(struct lift *lift, const char *text, size_t length, bool is_value);

/** Take bytes of the remainder; the first ones open its part. */
int lift_remainder_write(struct lift *lift, const char *data, size_t length);

/** Close the part that is open, if one is. */
int lift_part_close(struct lift *lift, bool is_complete);

#endif
