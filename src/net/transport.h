/* SPDX-License-Identifier: MIT
 *
 * HTTP: calls to the API and pictures fetched by URL. One thread owns every connection; calls are
 * handed to it from any thread. This module knows how bytes travel and whether a failed exchange
 * may be repeated (API.md, sections 1, 4 and 5). It knows no JSON, no key, no job.
 *
 * Descriptors: a call under way takes one, and up to three more while it looks up a name and tries
 * addresses; 64 idle connections are kept. Who lets N calls run raises RLIMIT_NOFILE to 4 N + 100.
 * Memory: some 35 KiB for a call that waits, 60 KiB while its bytes move, whatever their number.
 */
#ifndef EASELFS_NET_TRANSPORT_H
#define EASELFS_NET_TRANSPORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "base/failure.h"

struct guard;
struct transport; /* owns the thread and the connections */

struct transport_options {
    int64_t connect_timeout_ms;  /* name, connection and TLS together */
    int64_t timeout_ms;          /* a whole call, with its redirects */
    uint64_t max_response_bytes; /* of a body, after decompression */
    const char *base_url;        /* API calls go to its scheme, host and port and nowhere else.
                                    The environment's proxy is used, unless it is this machine */
    const char *ca_file;         /* PEM, trusted beside the system's; NULL = none */
    const char *user_agent;      /* sent with every request */
    const struct guard *guard;   /* for pictures; must outlive the transport */
};

enum transport_kind {
    TRANSPORT_API,     /* GET or POST to the base; no redirect is followed, nothing is repeated */
    TRANSPORT_PICTURE, /* GET of a URL out of an answer, by the rules of API.md, section 5 */
};

/* How an exchange ended. Text is printable UTF-8, cut where it was too long, "" where absent. */
struct transport_result {
    int error;              /* negative errno; 0: an answer came whole, whatever its status */
    struct failure failure; /* says the same at length, where error is not 0 */
    int http_status;        /* final status; 0 where none came */
    bool connected;         /* a connection stood, so that something may have been sent */
    bool body_handed_over;  /* the read callback had delivered its last byte */
    bool refetch;           /* PICTURE only: the same GET may succeed later. It costs nothing, while
                               failure.retry, about the generation, is always false there */
    char http_version[8];   /* "1.1", "2" */
    char retry_after[128];  /* header lines as they came */
    char request_id[128];
    char location[512];
    char content_type[128];
    int64_t elapsed_ms; /* from the begin of the exchange to its end */
};

/*
 * All are called in the transport's thread, with no lock held. They may read and write files but
 * must not wait for anything else: every other call waits meanwhile.
 */
struct transport_handler {
    /**
     * The next bytes of the body. NULL where no call has a body.
     *
     * @return how many, at most @size; 0 = no more, which before body_length bytes is an error; a
     *         negative errno aborts the call.
     */
    ssize_t (*read)(void *context, char *buffer, size_t size);

    /**
     * The final status is known (1xx are skipped); called once, before the first byte of the body
     * and also where there is no body. Not called where no answer came, nor for a PICTURE whose
     * status is not 200.
     *
     * @param length  of the body as write() will get it, -1 = not known.
     * @return 0, or a negative errno, which aborts the call.
     */
    int (*begin)(void *context, int http_status, int64_t length);

    /**
     * Bytes of the answer's body, decompressed.
     *
     * @return 0, or a negative errno, which aborts. -ELOOP, -E2BIG, -EMSGSIZE and -ENAMETOOLONG
     *         mean that the answer is beyond what its reader takes (lift_feed()); any other, that
     *         it could not be stored.
     */
    int (*write)(void *context, const char *data, size_t length);

    /**
     * The end, once for each submission and after everything else. @result is valid during the
     * call. From here on the call belongs to its owner again, who may free or submit it at once.
     */
    void (*done)(void *context, const struct transport_result *result);
};

enum transport_state { TRANSPORT_IDLE, TRANSPORT_SUBMITTED, TRANSPORT_ACTIVE };

/*
 * One exchange. The caller owns it with all it points to, sets it up from zeroed memory, and keeps
 * it alive and unchanged until done() was called.
 */
struct transport_call {
    enum transport_kind kind;
    const char *url;
    const char *const *headers; /* "Name: value" lines. An API call with a body names its
                                   Content-Type. PICTURE: none */
    size_t header_count;
    bool has_body;        /* POST of body_length bytes; otherwise GET */
    uint64_t body_length; /* bytes */
    const struct transport_handler *handler;
    void *context;

    /* Progress, for any thread. The answer's bytes are counted as write() gets them. */
    _Atomic uint64_t bytes_sent, bytes_received;

    /* Private. The first three are guarded by the transport's inbox lock. */
    TAILQ_ENTRY(transport_call) link; /* in the inbox: to begin, or to stop */
    enum transport_state state;
    bool stop; /* transport_cancel() was called */
    /* The other two are the transport thread's own. */
    TAILQ_ENTRY(transport_call) active_link;
    struct exchange *exchange; /* NULL unless under way */
};

/**
 * Start the thread. @options and its strings are copied, all but the guard.
 *
 * Clear SSLKEYLOGFILE in the environment first: libcurl would write session keys to it.
 *
 * @return 0, -EINVAL (base_url or a limit makes no sense), -ENOMEM, -EMFILE or another errno of
 *         epoll_create1(2), eventfd(2), pthread_create(3); @failure has the sentence.
 */
int transport_create(const struct transport_options *options, struct transport **ret_transport,
                     struct failure *failure);

/**
 * Abort what is under way or waiting (each gets done(-ECANCELED)), join the thread, free all. NULL
 * is allowed. No other thread may use the transport any more; a done() that runs because of this
 * must not submit again.
 */
void transport_destroy(struct transport *transport);

/** Begin @call soon. Any thread, also from done(). What goes wrong, goes to done(). */
void transport_submit(struct transport *transport, struct transport_call *call);

/**
 * End @call soon: done(-ECANCELED) follows, unless it has ended by itself before; nothing happens
 * where it is idle. Any thread; @call must not be freed meanwhile.
 */
void transport_cancel(struct transport *transport, struct transport_call *call);

#endif
