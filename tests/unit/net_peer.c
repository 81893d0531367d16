/* SPDX-License-Identifier: MIT */
#include "net_peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mutex.h"

/* Nothing in a test takes as long; what does, fails. */
#define LIMIT_S 60

struct peer {
    int listen_fd;
    int stop_fd;
    unsigned port;
    peer_serve *serve;
    void *context;
    pthread_t thread;
    struct mutex mutex;
    struct cond changed;
    unsigned accepted, closed, requests, bodies; /* guarded by the mutex */
};

static void must(bool good, const char *what)
{
    if (!good) {
        perror(what);
        abort();
    }
}

static void *serve_connection(void *argument)
{
    struct peer_connection *connection = argument;
    struct peer *peer = connection->peer;

    peer->serve(connection);
    if (connection->fd >= 0)
        close(connection->fd);
    free(connection->body);
    free(connection);
    mutex_lock(&peer->mutex);
    peer->closed++;
    cond_broadcast(&peer->changed);
    mutex_unlock(&peer->mutex);
    return NULL;
}

/* @return false where nothing waited. */
static bool accept_one(struct peer *peer)
{
    const struct timeval limit = {.tv_sec = LIMIT_S};
    struct peer_connection *connection;
    pthread_attr_t attributes;
    pthread_t thread;
    unsigned number;
    int fd;

    mutex_lock(&peer->mutex); /* so that who finds none waiting finds it counted */
    fd = accept4(peer->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    number = peer->accepted;
    if (fd >= 0)
        peer->accepted++;
    mutex_unlock(&peer->mutex);
    if (fd < 0)
        return false;
    must(!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), "SO_RCVTIMEO");
    must(!setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)), "SO_SNDTIMEO");
    must(!setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)), "TCP_NODELAY");
    connection = calloc(1, sizeof(*connection));
    must(connection, "calloc");
    connection->peer = peer;
    connection->context = peer->context;
    connection->fd = fd;
    connection->number = number;
    must(!pthread_attr_init(&attributes), "pthread_attr_init");
    must(!pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED), "detached");
    must(!pthread_attr_setstacksize(&attributes, 256 * 1024L), "stack");
    must(!pthread_create(&thread, &attributes, serve_connection, connection), "pthread_create");
    pthread_attr_destroy(&attributes);
    return true;
}

static void *run(void *argument)
{
    struct peer *peer = argument;
    struct pollfd waits[] = {{.fd = peer->listen_fd, .events = POLLIN},
                             {.fd = peer->stop_fd, .events = POLLIN}};

    while (poll(waits, 2, -1) >= 0 && !waits[1].revents)
        accept_one(peer);
    return NULL;
}

struct peer *peer_start(peer_serve *serve, void *context)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof(address);
    struct peer *peer = calloc(1, sizeof(*peer));

    must(peer, "calloc");
    peer->serve = serve;
    peer->context = context;
    mutex_init(&peer->mutex);
    cond_init(&peer->changed);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    peer->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    must(peer->listen_fd >= 0, "socket");
    must(!bind(peer->listen_fd, (const struct sockaddr *)&address, sizeof(address)), "bind");
    must(!listen(peer->listen_fd, 2048), "listen");
    must(!getsockname(peer->listen_fd, (struct sockaddr *)&address, &length), "getsockname");
    peer->port = ntohs(address.sin_port);
    peer->stop_fd = eventfd(0, EFD_CLOEXEC);
    must(peer->stop_fd >= 0, "eventfd");
    must(!pthread_create(&peer->thread, NULL, run, peer), "pthread_create");
    return peer;
}

static void wait_closed_locked(struct peer *peer, unsigned count)
{
    int64_t deadline_ms = clock_now_ms() + LIMIT_S * 1000;

    while (peer->closed < count) {
        if (!cond_wait_until(&peer->changed, &peer->mutex, deadline_ms)) {
            fprintf(stderr, "a connection is not closed\n");
            abort();
        }
    }
}

void peer_wait_closed(struct peer *peer, unsigned count)
{
    mutex_lock(&peer->mutex);
    wait_closed_locked(peer, count);
    mutex_unlock(&peer->mutex);
}

void peer_stop(struct peer *peer)
{
    must(write(peer->stop_fd, &(uint64_t){1}, sizeof(uint64_t)) == sizeof(uint64_t), "eventfd");
    pthread_join(peer->thread, NULL);
    mutex_lock(&peer->mutex);
    wait_closed_locked(peer, peer->accepted);
    mutex_unlock(&peer->mutex);
    close(peer->listen_fd);
    close(peer->stop_fd);
    cond_fini(&peer->changed);
    mutex_fini(&peer->mutex);
    free(peer);
}

unsigned peer_port(const struct peer *peer)
{
    return peer->port;
}

unsigned peer_connections(struct peer *peer)
{
    unsigned count;

    /* Both threads accept: what was connected before this call is counted after it. */
    while (accept_one(peer))
        ;
    mutex_lock(&peer->mutex);
    count = peer->accepted;
    mutex_unlock(&peer->mutex);
    return count;
}

unsigned peer_bodies(struct peer *peer)
{
    unsigned count;

    mutex_lock(&peer->mutex);
    count = peer->bodies;
    mutex_unlock(&peer->mutex);
    return count;
}

unsigned peer_requests(struct peer *peer)
{
    unsigned count;

    mutex_lock(&peer->mutex);
    count = peer->requests;
    mutex_unlock(&peer->mutex);
    return count;
}

/* @return bytes read, 0 where the other side is gone. A time-out fails the test. */
static size_t receive(const struct peer_connection *connection, void *data, size_t size)
{
    ssize_t length = recv(connection->fd, data, size, 0);

    must(length >= 0 || errno != EAGAIN, "nothing came");
    return length > 0 ? (size_t)length : 0;
}

bool peer_read_head(struct peer_connection *connection)
{
    size_t length = 0;

    while (length < sizeof(connection->head) - 1) {
        if (!receive(connection, connection->head + length, 1))
            return false;
        connection->head[++length] = '\0';
        if (length >= 4 && memcmp(connection->head + length - 4, "\r\n\r\n", 4) == 0) {
            connection->head_length = length;
            mutex_lock(&connection->peer->mutex);
            connection->peer->requests++;
            mutex_unlock(&connection->peer->mutex);
            return true;
        }
    }
    must(false, "the head is too long");
    return false;
}

bool peer_read_part(struct peer_connection *connection, size_t length)
{
    char buffer[16384];

    while (length > 0) {
        size_t part = length < sizeof(buffer) ? length : sizeof(buffer);
        part = receive(connection, buffer, part);
        if (part == 0)
            return false;
        length -= part;
        if (connection->body && connection->body_length + part <= PEER_BODY_KEPT)
            memcpy(connection->body + connection->body_length, buffer, part);
        connection->body_length += part;
    }
    return true;
}

bool peer_read(struct peer_connection *connection)
{
    const char *field;
    size_t length;

    if (!peer_read_head(connection))
        return false;
    field = strcasestr(connection->head, "\r\ncontent-length: ");
    length = field ? strtoul(field + 18, NULL, 10) : 0;
    free(connection->body);
    connection->body = malloc(PEER_BODY_KEPT);
    connection->body_length = 0;
    must(connection->body, "malloc");
    if (!peer_read_part(connection, length))
        return false;
    connection->requests++;
    mutex_lock(&connection->peer->mutex);
    connection->peer->bodies += length > 0;
    mutex_unlock(&connection->peer->mutex);
    return true;
}

bool peer_send_bytes(struct peer_connection *connection, const void *data, size_t length)
{
    const char *bytes = data;

    while (length > 0) {
        ssize_t part = send(connection->fd, bytes, length, MSG_NOSIGNAL);
        must(part >= 0 || errno != EAGAIN, "nothing was taken");
        if (part < 0)
            return false;
        bytes += part;
        length -= (size_t)part;
    }
    return true;
}

bool peer_send(struct peer_connection *connection, const char *text)
{
    return peer_send_bytes(connection, text, strlen(text));
}

void peer_answer(struct peer_connection *connection, const char *status, const char *fields,
                 const char *body)
{
    char head[4096];

    snprintf(head, sizeof(head), "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n", status, fields,
             strlen(body));
    peer_send(connection, head);
    peer_send(connection, body);
}

void peer_wait_end(struct peer_connection *connection)
{
    char buffer[16384];

    while (receive(connection, buffer, sizeof(buffer)))
        ;
}

void peer_reset(struct peer_connection *connection)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};

    must(!setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), "SO_LINGER");
    close(connection->fd);
    connection->fd = -1;
}
