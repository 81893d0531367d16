/* SPDX-License-Identifier: MIT
 *
 * A server on loopback that does exactly what a test tells it, byte by byte, also what no server
 * should. It counts what arrived: connections, and request bodies that it read whole.
 */
#ifndef EASELFS_TESTS_NET_PEER_H
#define EASELFS_TESTS_NET_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peer;

/* One connection, served in a thread of its own. */
struct peer_connection {
    struct peer *peer;
    void *context;     /* as given to peer_start() */
    unsigned number;   /* of the connection, from 0 */
    unsigned requests; /* read whole so far */
    int fd;
    char head[8192]; /* of the last request, with its empty line, NUL-terminated */
    size_t head_length;
    char *body;           /* of the last request; owned */
    uint64_t body_length; /* bytes read of it; not kept where above PEER_BODY_KEPT */
};

#define PEER_BODY_KEPT (1024 * 1024)

/** Serve one connection; it is closed when this returns, unless it was already. */
typedef void peer_serve(struct peer_connection *connection);

/** Listen on a free port of 127.0.0.1. */
struct peer *peer_start(peer_serve *serve, void *context);

/** Stop listening, wait for the connections, which the other side must have closed, free. */
void peer_stop(struct peer *peer);

unsigned peer_port(const struct peer *peer);

/** Connections made so far, those that wait to be accepted included. */
unsigned peer_connections(struct peer *peer);

/** Request bodies read whole so far; empty ones do not count. */
unsigned peer_bodies(struct peer *peer);

/** Requests of which the head was read so far. */
unsigned peer_requests(struct peer *peer);

/** Connections whose peer_serve has returned. */
void peer_wait_closed(struct peer *peer, unsigned count);

/** Read a request with its body. @return false where the other side closed first. */
bool peer_read(struct peer_connection *connection);

/** Read the head of a request only. */
bool peer_read_head(struct peer_connection *connection);

/** Read @length bytes of the body (not counted as whole). */
bool peer_read_part(struct peer_connection *connection, size_t length);

/** Send; what the other side no longer takes is dropped. @return false then. */
bool peer_send(struct peer_connection *connection, const char *text);
bool peer_send_bytes(struct peer_connection *connection, const void *data, size_t length);

/** Answer whole with a Content-Length. @fields: further header lines, each with its CRLF. */
void peer_answer(struct peer_connection *connection, const char *status, const char *fields,
                 const char *body);

/** Wait until the other side has closed. */
void peer_wait_end(struct peer_connection *connection);

/** Close with RST. */
void peer_reset(struct peer_connection *connection);

#endif
