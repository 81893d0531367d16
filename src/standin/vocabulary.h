/* SPDX-License-Identifier: MIT
 *
 * The words of the stand-in's directives: their names, kinds, limits and one line of help each.
 * The table in vocabulary.c is the reference, for readers and for `--help`; directive.c reads
 * directives by it.
 */
#ifndef STANDIN_VOCABULARY_H
#define STANDIN_VOCABULARY_H

#include <stdint.h>
#include <stdio.h>

enum directive_name {
    D_DELAY,
    D_PICTURE,
    D_PICTURE_BYTES,
    D_SIZE,
    D_LABEL,
    D_PICTURES,
    D_DUPLICATE,
    D_VARIANT,
    D_DRAFTS,
    D_DRAFTS_ONLY,
    D_NO_PICTURE,
    D_FINISH,
    D_KEEP_PICTURE,
    D_FORM,
    D_BASE64,
    D_JSON,
    D_ORDER,
    D_WRAP,
    D_MEMBERS,
    D_UNKNOWN_MEMBERS,
    D_SIGNATURE_BYTES,
    D_WORDS,
    D_WORDS_BYTES,
    D_USAGE,
    D_URL,
    D_URL_TIMES,
    D_URL_TYPE,
    D_STATUS,
    D_ERROR,
    D_MESSAGE,
    D_CODE,
    D_REASON,
    D_RETRY_INFO,
    D_RETRY_AFTER,
    D_QUOTA,
    D_REQUEST_ID,
    D_HEADER,
    D_CONTENT_TYPE,
    D_REDIRECT,
    D_FAULT,
    D_LIST,
    D_LIST_COUNT,
    D_LIST_NAMES,
    D_PER,
    D_COUNT
};

/* Words number from 1: 0 means that the directive was not given. */
enum picture_word {
    PICTURE_PNG = 1,
    PICTURE_JPEG,
    PICTURE_WEBP,
    PICTURE_GIF,
    PICTURE_TEXT,
    PICTURE_HTML,
    PICTURE_SVG,
    PICTURE_RANDOM,
    PICTURE_EMPTY,
    PICTURE_BOMB
};

enum no_picture_word {
    NO_PICTURE_WORDS_ONLY = 1,
    NO_PICTURE_SAFETY,
    NO_PICTURE_BLOCKED,
    NO_PICTURE_EMPTY_PARTS,
    NO_PICTURE_NULL_PARTS,
    NO_PICTURE_NO_CONTENT,
    NO_PICTURE_NO_CANDIDATES,
    NO_PICTURE_EMPTY_CANDIDATES,
    NO_PICTURE_CANDIDATES_NULL,
    NO_PICTURE_ERROR_IN_200,
    NO_PICTURE_EMPTY_BODY,
    NO_PICTURE_EMPTY_OBJECT,
    NO_PICTURE_EMPTY_ARRAY,
    NO_PICTURE_NULL,
    NO_PICTURE_NOT_JSON
};

enum form_word {
    FORM_INLINE = 1,
    FORM_INLINE_SNAKE,
    FORM_DATA_URI,
    FORM_URL,
    FORM_FILE_DATA,
    FORM_FILE_DATA_SNAKE,
    FORM_PART_URL,
    FORM_MARKDOWN_DATA,
    FORM_MARKDOWN_URL,
    FORM_OPENAI_B64,
    FORM_OPENAI_URL,
    FORM_OPENAI_CHAT,
    FORM_OPENAI_CHAT_URL
};

/* base64=a+b: bit N-1 of the number stands for word N. */
enum base64_word {
    BASE64_PLAIN = 1,
    BASE64_URLSAFE,
    BASE64_UNPADDED,
    BASE64_NEWLINES,
    BASE64_CRLF,
    BASE64_ESCAPED_SLASH,
    BASE64_ESCAPED_UNICODE,
    BASE64_ESCAPED_ALL,
    BASE64_BROKEN,
    BASE64_CUT
};

enum json_word { JSON_COMPACT = 1, JSON_PRETTY };
enum order_word { ORDER_USUAL = 1, ORDER_REVERSED };
enum wrap_word { WRAP_ONE = 1, WRAP_FIRST, WRAP_LAST, WRAP_CHUNKS };

/* members=a+b: bit N-1 of the number stands for word N. */
enum members_word { MEMBERS_NULL = 1, MEMBERS_EMPTY, MEMBERS_ABSENT };

enum usage_word { USAGE_FULL = 1, USAGE_NONE, USAGE_NULL };

enum url_word {
    URL_STATUS = 1,
    URL_REDIRECT,
    URL_REDIRECT_TO,
    URL_HTML,
    URL_HUGE,
    URL_SLOW,
    URL_TRUNCATE,
    URL_CLOSE,
    URL_EXTERNAL
};

enum error_word {
    ERROR_GOOGLE = 1,
    ERROR_GATEWAY,
    ERROR_ARRAY,
    ERROR_STRING,
    ERROR_SUCCESS_FALSE,
    ERROR_MSG,
    ERROR_NESTED,
    ERROR_HTML,
    ERROR_TEXT,
    ERROR_EMPTY
};

enum quota_word { QUOTA_PERMINUTE = 1, QUOTA_PERDAY, QUOTA_ZERO, QUOTA_INSUFFICIENT };

enum fault_word {
    FAULT_CLOSE_BEFORE_ANSWER = 1,
    FAULT_RESET_BEFORE_ANSWER,
    FAULT_RESET_MID_BODY_UPLOAD,
    FAULT_EARLY_ANSWER,
    FAULT_CLOSE_AFTER_HEADERS,
    FAULT_TRUNCATE,
    FAULT_TRUNCATE_CHUNKED,
    FAULT_WRONG_LENGTH,
    FAULT_RESET_AFTER,
    FAULT_OVERLONG,
    FAULT_UNTIL_CLOSE,
    FAULT_DRIP,
    FAULT_STALL,
    FAULT_STALL_MID,
    FAULT_GZIP,
    FAULT_CHUNKED,
    FAULT_HUGE_HEADERS,
    FAULT_GARBAGE,
    FAULT_HTTP100
};

enum list_word {
    LIST_GOOGLE = 1,
    LIST_BARE,
    LIST_OPENAI,
    LIST_ARRAY,
    LIST_ENDLESS,
    LIST_LOOP,
    LIST_CUT,
    LIST_HTML,
    LIST_ERROR
};
enum per_word { PER_TEXT = 1, PER_KEY };

enum value_kind {
    KIND_FLAG,    /* name, or name=0 and name=1 */
    KIND_NUMBER,  /* name=N within limits */
    KIND_SIZE,    /* name=WxH */
    KIND_TEXT,    /* name=TEXT */
    KIND_WORD,    /* name=WORD or name=WORD:ARGUMENT */
    KIND_WORDS,   /* name=WORD+WORD */
    KIND_REDIRECT /* name=CODE:URL */
};

enum argument_kind {
    ARGUMENT_NONE,
    ARGUMENT_NUMBER,  /* must be given */
    ARGUMENT_DEFAULT, /* a number; `fallback` where none is given */
    ARGUMENT_TEXT,    /* must be given */
    ARGUMENT_OPTIONAL /* text or none */
};

struct word {
    const char *name;
    enum argument_kind argument;
    int64_t fallback;
    int64_t min;      /* of a number */
    int64_t max;      /* 0 = 256 MiB, or `fallback` where that is more */
    const char *help; /* NULL where the name says it */
};

struct vocabulary {
    const char *name;
    enum value_kind kind;
    int64_t min; /* of a number */
    int64_t max;
    const struct word *words; /* from index 1 to a NULL name */
    const char *help;
};

/* One entry per enum directive_name. */
extern const struct vocabulary vocabulary[D_COUNT];

/** Print the whole list with its help, for `--help`. */
void vocabulary_print(FILE *file);

#endif
