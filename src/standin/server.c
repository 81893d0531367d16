/* SPDX-License-Identifier: MIT */
#include "standin/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "standin/exchange.h"
#include "standin/lettering.h"
#include "standin/noise.h"
#include "standin/receive.h"
#include "standin/work.h"

#define CONNECTION_LIMIT  16384u
#define CONNECTION_MEMORY ((size_t)128 << 10) /* headers, and pieces of the body */
#define BACKLOG           4096
#define READ_BLOCK        ((size_t)64 << 10) /* of answers that MHD reads by callback */

/* What is known of a connection: kept from its first request to its last. */
struct peer {
    uint64_t number;
    uint64_t requests;
};

/* What a response's callbacks need; lives as long as MHD needs it. */
struct outgoing {
    struct body body;
    uint64_t length; /* the body and the noise after it */
};

static void destroy_outgoing(void *argument)
{
    struct outgoing *outgoing = argument;

    body_fini(&outgoing->body);
    free(outgoing);
}

static ssize_t read_outgoing(void *argument, uint64_t position, char *buffer, size_t max)
{
    const struct outgoing *outgoing = argument;

    if (position >= outgoing->length)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (position < outgoing->body.length)
        return (ssize_t)body_read(&outgoing->body, (size_t)position, buffer, max);
    if (max > outgoing->length - position)
        max = (size_t)(outgoing->length - position);
    noise_fill(buffer, max, position);
    return (ssize_t)max;
}

/* A response without a copy: MHD writes from the shared blobs. */
static struct MHD_Response *respond_shared(struct outgoing *outgoing)
{
    const struct body *body = &outgoing->body;
    struct MHD_IoVec *vectors = reallocarray(NULL, body->count + 1, sizeof(*vectors));
    struct MHD_Response *response;

    if (!vectors)
        return NULL;
    for (size_t i = 0; i < body->count; i++)
        vectors[i] = (struct MHD_IoVec){body->segments[i].data, body->segments[i].length};
    response =
        MHD_create_response_from_iovec(vectors, (unsigned)body->count, destroy_outgoing, outgoing);
    free(vectors);
    return response;
}

static struct MHD_Response *respond(struct exchange *exchange)
{
    struct outgoing *outgoing = malloc(sizeof(*outgoing));
    struct MHD_Response *response;

    if (!outgoing)
        return NULL;
    outgoing->body = exchange->answer.body;
    outgoing->length = outgoing->body.length + (uint64_t)exchange->answer.noise_bytes;
    body_init(&exchange->answer.body);
    if (exchange->chunked || exchange->answer.noise_bytes)
        response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, READ_BLOCK, read_outgoing,
                                                     outgoing, destroy_outgoing);
    else
        response = respond_shared(outgoing);
    if (!response)
        destroy_outgoing(outgoing);
    return response;
}

static enum MHD_Result send_answer(struct exchange *exchange)
{
    const struct answer *answer = &exchange->answer;
    struct MHD_Response *response = respond(exchange);
    enum MHD_Result result = MHD_YES;

    if (!response)
        return MHD_NO;
    for (size_t i = 0; i < answer->header_count && result == MHD_YES; i++)
        result =
            MHD_add_response_header(response, answer->headers[i].name, answer->headers[i].value);
    if (result == MHD_YES)
        result = MHD_queue_response(exchange->connection, answer->status, response);
    MHD_destroy_response(response);
    exchange->stage = STAGE_ANSWERED;
    return result;
}

/* Take the connection from MHD and the request to the pool. */
static void hand_over(struct exchange *exchange)
{
    exchange->received_ms = wire_now_ms();
    exchange->stage = STAGE_WORKING;
    exchange->pool_task.run = work_run;
    MHD_suspend_connection(exchange->connection);
    if (pool_submit(exchange->server->pool, &exchange->pool_task))
        return;
    exchange->stage = STAGE_CLOSING;
    MHD_resume_connection(exchange->connection);
}

static void log_incomplete(struct exchange *exchange)
{
    journal_write(exchange->server->journal, exchange, 0, &exchange->number);
    exchange->stage = STAGE_CLOSING;
}

/* A piece of the body. The faults that come before its end count bytes exactly. */
static enum MHD_Result take_body(struct exchange *exchange, const char *data, size_t length)
{
    size_t due = 0;
    int fault;

    if (receive_body(exchange, data, length))
        return MHD_NO;
    if (exchange->route.kind != ROUTE_GENERATE)
        return MHD_YES;
    fault = receive_early_fault(exchange, &due);
    if (!fault || exchange->body_bytes < due)
        return MHD_YES;
    if (exchange->body_bytes - due < length)
        exchange->body_bytes = due; /* the rest of this piece counts as not read */
    if (fault == FAULT_EARLY_ANSWER) {
        hand_over(exchange);
        return MHD_YES;
    }
    log_incomplete(exchange);
    wire_reset(exchange->fd);
    return MHD_NO;
}

static void start(struct exchange *exchange, const char *method, const char *version)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct peer *peer = info ? info->socket_context : NULL;

    receive_headers(exchange, method, version);
    if (!peer)
        return;
    exchange->connection_number = peer->number;
    exchange->connection_request = ++peer->requests;
}

static enum MHD_Result on_request(void *argument, struct MHD_Connection *connection,
                                  const char *url, const char *method, const char *version,
                                  const char *upload, size_t *upload_size, void **context)
{
    const struct server *server = argument;
    struct exchange *exchange = *context;
    size_t length = *upload_size;

    (void)connection;
    (void)url;
    if (!exchange || atomic_load(&server->stopping))
        return MHD_NO;
    if (exchange->stage == STAGE_CLOSING)
        return MHD_NO;
    if (exchange->stage == STAGE_ANSWERING)
        return send_answer(exchange);
    if (!exchange->started) {
        start(exchange, method, version);
        return MHD_YES;
    }
    if (length) {
        *upload_size = 0;
        return take_body(exchange, upload, length);
    }
    exchange->complete = true;
    hand_over(exchange);
    return MHD_YES;
}

static void *on_target(void *argument, const char *target, struct MHD_Connection *connection)
{
    return receive_create(argument, connection, target);
}

static void on_completed(void *argument, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code)
{
    struct exchange *exchange = *context;

    (void)argument;
    (void)connection;
    (void)code;
    if (!exchange)
        return;
    if (exchange->started && exchange->stage == STAGE_READING)
        log_incomplete(exchange);
    receive_destroy(exchange);
    *context = NULL;
}

static void on_connection(void *argument, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct server *server = argument;
    struct peer *peer;

    (void)connection;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        free(*context);
        *context = NULL;
        return;
    }
    peer = calloc(1, sizeof(*peer));
    if (peer)
        peer->number = ++server->connections;
    *context = peer;
}

/* Bind and listen ourselves: so the port is known before the first request can come, and a failure
 * has its errno. @return the socket or a negative errno. */
static int open_socket(struct server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(server->options->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error;

    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (!bind(fd, (struct sockaddr *)&address, length) && !listen(fd, BACKLOG) &&
        !getsockname(fd, (struct sockaddr *)&address, &length)) {
        server->port = ntohs(address.sin_port);
        return fd;
    }
    error = -errno;
    close(fd);
    return error;
}

static int listen_on(struct server *server)
{
    int fd = open_socket(server);

    if (fd < 0)
        return fd;
    /* Not epoll: MHD 0.9.75 asks it for edges, and misses a client's end that comes with its last
     * bytes. Suspended connections, however many, are in no set either way. */
    server->daemon = MHD_start_daemon(
        MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, server,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, on_target, server,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, server, MHD_OPTION_CONNECTION_LIMIT, CONNECTION_LIMIT,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, MHD_OPTION_END);
    if (server->daemon)
        return 0;
    close(fd);
    return -ENOMEM;
}

static unsigned pool_threads(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    return processors < 2 ? 2 : processors > 16 ? 16 : (unsigned)processors;
}

int server_start(const struct options *options, struct script *script, struct server **ret_server)
{
    struct server *server = calloc(1, sizeof(*server));
    int error;

    if (!server)
        return -ENOMEM;
    server->options = options;
    server->script = script;
    error = lettering_begin() ? journal_open(options->log, &server->journal) : -ENOMEM;
    if (!error)
        error = tally_create(&server->tally);
    if (!error)
        error = picture_cache_create(&server->cache);
    if (!error)
        error = gallery_create(&server->gallery);
    if (!error)
        error = wire_create(&server->wire);
    if (!error)
        error = pool_create(pool_threads(), &server->pool);
    if (!error)
        error = listen_on(server);
    if (error)
        server_stop(server);
    else
        *ret_server = server;
    return error;
}

uint16_t server_port(const struct server *server)
{
    return server->port;
}

void server_hurry(struct server *server)
{
    wire_hurry(server->wire);
}

/* The pool hands on to the wire and both give back to MHD, so they end in that order: MHD then has
 * no suspended connection left. Its thread may ask the pool for more until it ends itself. */
void server_stop(struct server *server)
{
    if (!server)
        return;
    atomic_store(&server->stopping, true);
    if (server->pool)
        pool_stop(server->pool);
    wire_destroy(server->wire);
    if (server->daemon)
        MHD_stop_daemon(server->daemon);
    pool_destroy(server->pool);
    lettering_end();
    gallery_destroy(server->gallery);
    picture_cache_destroy(server->cache);
    tally_destroy(server->tally);
    journal_close(server->journal);
    free(server);
}
