/* SPDX-License-Identifier: MIT
 *
 * What the tests of src/net/ call with: a transport with its guard, and a call that remembers all
 * that was told to it.
 */
#ifndef EASELFS_TESTS_NET_CLIENT_H
#define EASELFS_TESTS_NET_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/mutex.h"
#include "net/transport.h"
#include "net_peer.h"

/* A transport whose base is a peer. */
struct world {
    struct peer *peer;
    struct guard *guard;
    struct transport *transport;
    char base[64]; /* "http://127.0.0.1:PORT" */
};

/** The limits of world_open(). */
#define WORLD_MAX_RESPONSE (1024 * 1024)
#define WORLD_TIMEOUT_MS   60000

void world_open(struct world *world, peer_serve *serve, void *context);

/** The same with other options; base_url and guard are set here. */
void world_open_with(struct world *world, peer_serve *serve, void *context,
                     struct transport_options options, const char *result_host);

/** Destroy the transport, then stop the peer. */
void world_close(struct world *world);

struct client {
    struct transport_call call;
    char url[512];
    const char *headers[4];
    const char *body;  /* NULL with a body: body_length times 'x' */
    uint64_t given;    /* bytes of it that read() gave */
    uint64_t read_end; /* read() says "no more" here; 0 = never */
    int read_error;    /* read() returns it at half the body */
    int begin_error;   /* begin() returns it */
    int write_error;   /* write() returns it */
    bool keep;         /* keep the answer's body; otherwise only count */
    unsigned begins;   /* calls of begin() */
    int status;        /* its arguments */
    int64_t length;
    struct buf answer;
    uint64_t answer_length;
    unsigned again; /* submit again from done() that many times */
    struct transport *transport;
    struct transport_result result;
    struct mutex mutex;
    struct cond changed;
    unsigned done; /* guarded by the mutex */
};

/** A GET of @path (or of a whole URL) from the world's base. */
void client_init(struct client *client, struct world *world, const char *path);

/** Make it a POST with @body, or with @length bytes where that is NULL. */
void client_set_body(struct client *client, const char *body, uint64_t length);

void client_fini(struct client *client);

void client_submit(struct client *client);

/** Wait until done() was called @count times since client_init(). A long wait fails the test. */
void client_wait(struct client *client, unsigned count);

/** Submit, and wait for this one. */
void client_run(struct client *client);

/** Assert how it failed: every member that the scheduler decides by, and the sentence. */
void client_assert_failure(const struct client *client, int error, enum charge charge, bool retry,
                           const char *text);

#endif
