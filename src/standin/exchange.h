/* SPDX-License-Identifier: MIT
 *
 * One request and its answer on their way through the program:
 *
 *     server.c (MHD's thread)   reads headers and body, suspends the connection
 *     work.c   (a pool thread)  understands, decides, logs, paints
 *     wire.c   (its thread)     waits for the delay to pass; for faults, writes
 *     server.c (MHD's thread)   sends the answer, or closes
 *
 * An exchange belongs to one of them at a time, so it has no lock: handing it on orders memory.
 */
#ifndef STANDIN_EXCHANGE_H
#define STANDIN_EXCHANGE_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "standin/answer.h"
#include "standin/directive.h"
#include "standin/gallery.h"
#include "standin/journal.h"
#include "standin/options.h"
#include "standin/picture.h"
#include "standin/pool.h"
#include "standin/request.h"
#include "standin/route.h"
#include "standin/script.h"
#include "standin/tally.h"
#include "standin/wire.h"

#define EXCHANGE_MAX_HEADERS 128
#define EXCHANGE_ORIGIN_SIZE 300

/* What the whole program shares. Its parts lock themselves. */
struct server {
    const struct options *options;
    struct MHD_Daemon *daemon;
    struct pool *pool;
    struct wire *wire;
    struct script *script; /* MHD's thread */
    struct tally *tally;
    struct journal *journal;
    struct picture_cache *cache;
    struct gallery *gallery;
    uint16_t port;
    uint64_t connections; /* seen so far; MHD's thread */
    atomic_bool stopping;
};

enum stage {
    STAGE_READING,
    STAGE_WORKING,   /* suspended: not MHD's */
    STAGE_ANSWERING, /* resumed: MHD shall send the answer */
    STAGE_ANSWERED,
    STAGE_CLOSING /* resumed: MHD shall close the connection */
};

/* Which credentials came. */
enum key_scheme { KEY_NONE, KEY_BEARER, KEY_GOOG, KEY_BOTH };

struct exchange {
    struct server *server;
    struct MHD_Connection *connection;
    int fd;
    enum stage stage;

    /* How far it has come. */
    bool started;  /* the first call of MHD's handler has been seen */
    bool complete; /* the whole body has been read */
    bool decided;  /* `directives` is what holds */
    bool chunked;  /* how MHD shall send the answer */
    bool key_ok;
    enum key_scheme key_scheme;

    /* The request line and headers. */
    char *target; /* raw; owned */
    char method[16];
    char version[16];
    struct route route;
    struct header headers[EXCHANGE_MAX_HEADERS]; /* owned texts; further ones are dropped */
    size_t header_count;
    char origin[EXCHANGE_ORIGIN_SIZE]; /* as the client sees us: "http://127.0.0.1:8080" */
    uint64_t connection_number;
    uint64_t connection_request; /* which one on its connection, from 1 */

    /* The body. */
    char *data; /* owned */
    size_t length;
    size_t size;
    size_t body_bytes;   /* read, also where they were too many to keep */
    size_t searched;     /* how much of it was looked through for early faults */
    int64_t received_ms; /* when it was complete; wire_now_ms() */

    /* What is made of it. */
    const struct directive_list *script_line; /* the script's; NULL for none */
    struct directives directives;
    char *text; /* the prompt without its token; owned */
    char *used; /* the source of the directives, for the log; owned */
    size_t variant;
    struct request request;
    struct refusal refusal;
    uint64_t number; /* the log's */
    struct answer answer;
    struct plan plan;

    struct pool_task pool_task;
    struct wire_task wire_task;
};

/** The value of the request's header @name, or NULL. */
const char *exchange_header(const struct exchange *exchange, const char *name);

#endif
