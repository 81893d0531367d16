/* SPDX-License-Identifier: MIT
 *
 * What an exchange that failed means: may it be repeated, may it have been charged, and the
 * sentence for people. The table of API.md, section 4, as far as it can be known without reading
 * an answer's body. Decided by what left this machine, not by the name of the error. Pure.
 */
#ifndef EASELFS_NET_OUTCOME_H
#define EASELFS_NET_OUTCOME_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/failure.h"
#include "net/transport.h"

/* Why this side ended an exchange. */
enum stop {
    STOP_NONE,       /* it did not: libcurl's code tells what happened */
    STOP_LOCAL,      /* it never began, for a reason that stands in the failure already */
    STOP_CANCELLED,  /* by transport_cancel() or transport_destroy() */
    STOP_READING,    /* read() failed or ended early */
    STOP_STORING,    /* begin() or write() failed */
    STOP_RESENDING,  /* libcurl wanted to send again what had partly left already */
    STOP_TOO_LARGE,  /* the body passed its maximum */
    STOP_HEAD,       /* the header lines passed theirs */
    STOP_BLOCKED,    /* every address of the host was refused by the guard */
    STOP_STATUS,     /* PICTURE: answered by something other than 200 */
    STOP_REDIRECT,   /* PICTURE: answered by a redirect that can be followed; not an end */
    STOP_REDIRECTED, /* PICTURE: one redirect too many */
};

struct outcome {
    enum transport_kind kind;
    enum stop stop;
    int stop_error;        /* negative errno of a handler */
    CURLcode code;         /* where @stop is STOP_NONE */
    int system_errno;      /* positive errno of connect(2) or socket(2); 0 = not known */
    const char *detail;    /* libcurl's own text, or "" */
    const char *label;     /* the host, for people */
    const char *address;   /* STOP_BLOCKED: the last one that was refused */
    bool post;             /* has a body, and so may cost money */
    bool connected;        /* see struct transport_result */
    bool body_handed_over; /* the same */
    int http_status;       /* the same */
    uint64_t received;     /* bytes of the body */
    int64_t expected;      /* -1 = not known */
    uint64_t max_response_bytes;
    int64_t limit_ms; /* where the time was up: the time that was given */
};

/**
 * Fill @failure, which was initialised, or with STOP_LOCAL is complete but for the charge.
 *
 * @ret_refetch  as in struct transport_result
 */
void outcome_describe(const struct outcome *outcome, struct failure *failure, bool *ret_refetch);

#endif
