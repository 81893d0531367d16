/* SPDX-License-Identifier: MIT */
#include "standin/wire.h"

#include <errno.h>
#include <linux/sockios.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS      64
#define VECTORS     16
#define WRITE_BYTES ((size_t)1 << 20) /* at a time, so that many writers share the thread */
#define TICK_MS     20                /* of writing slowly */
#define LINGER_MS   10000
#define ARRIVAL_MS  2000 /* how long an RST waits for what was sent before it */
#define FIRST_TASKS 64

struct alarm {
    int64_t due_ms;
    struct wire_task *task;
};

struct wire {
    int epoll;
    int event; /* readable when the inbox has something, or the end has come */
    pthread_t thread;

    pthread_mutex_t mutex; /* guards these */
    struct wire_task *inbox;
    int64_t hurry_ms; /* what came by then has waited enough */
    bool stopping;

    /* The thread's own. */
    struct wire_task all; /* ring of all tasks, by previous and following */
    struct alarm *heap;   /* a binary heap of those that wait for a time, the earliest first */
    size_t heap_count;
    size_t heap_size;
    int64_t hurried_ms; /* hurry_ms, as far as the thread has seen it */
};

int64_t wire_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* connect() to nowhere: Linux answers it on a live connection with an RST, which close() with
 * SO_LINGER would send only when the last descriptor goes. */
void wire_reset(int fd)
{
    const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};

    (void)connect(fd, &nowhere, sizeof(nowhere)); /* where it fails there is nothing to reset */
}

static void heap_swap(struct wire *wire, size_t a, size_t b)
{
    struct alarm alarm = wire->heap[a];

    wire->heap[a] = wire->heap[b];
    wire->heap[b] = alarm;
}

static void finish(struct wire *wire, struct wire_task *task, bool cancelled);

static void heap_raise(struct wire *wire, size_t i)
{
    for (; i && wire->heap[i].due_ms < wire->heap[(i - 1) / 2].due_ms; i = (i - 1) / 2)
        heap_swap(wire, i, (i - 1) / 2);
}

/* Without memory for one more alarm the task ends at once: better early than never. */
static void sleep_until(struct wire *wire, struct wire_task *task, int64_t due_ms)
{
    size_t i = wire->heap_count;

    task->due_ms = due_ms;
    if (i == wire->heap_size) {
        size_t size = wire->heap_size ? wire->heap_size * 2 : FIRST_TASKS;
        struct alarm *heap = reallocarray(wire->heap, size, sizeof(*heap));

        if (!heap) {
            finish(wire, task, true);
            return;
        }
        wire->heap = heap;
        wire->heap_size = size;
    }
    wire->heap_count++;
    wire->heap[i] = (struct alarm){due_ms, task};
    heap_raise(wire, i);
}

static struct wire_task *heap_pop(struct wire *wire)
{
    struct wire_task *task = wire->heap[0].task;
    size_t i = 0;

    wire->heap[0] = wire->heap[--wire->heap_count];
    for (;;) {
        size_t least = i;

        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < wire->heap_count; child++)
            if (wire->heap[child].due_ms < wire->heap[least].due_ms)
                least = child;
        if (least == i)
            return task;
        heap_swap(wire, i, least);
        i = least;
    }
}

/* Wait for the socket; EPOLLONESHOT keeps it silent while the task waits for a time. */
static void poll_for(struct wire *wire, struct wire_task *task, uint32_t events)
{
    struct epoll_event event = {.events = events | EPOLLONESHOT, .data.ptr = task};
    int operation = task->polled ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

    if (epoll_ctl(wire->epoll, operation, task->fd, &event))
        finish(wire, task, true);
    else
        task->polled = true;
}

static void finish(struct wire *wire, struct wire_task *task, bool cancelled)
{
    if (task->polled)
        epoll_ctl(wire->epoll, EPOLL_CTL_DEL, task->fd, NULL);
    task->previous->following = task->following;
    task->following->previous = task->previous;
    task->done(task, cancelled);
}

/* Whether all that was written has been acknowledged, or will not be. */
static bool has_arrived(const struct wire_task *task, int64_t now_ms)
{
    int left = 0;

    return now_ms >= task->deadline_ms || ioctl(task->fd, SIOCOUTQ, &left) || !left;
}

/* Read what still comes, so that closing does not destroy the answer under way to the peer. */
static void linger(struct wire *wire, struct wire_task *task, int64_t now_ms)
{
    char buffer[65536];
    ssize_t length;

    do
        length = recv(task->fd, buffer, sizeof(buffer), MSG_DONTWAIT);
    while (length > 0);
    if (length == 0 || (errno != EAGAIN && errno != EINTR) || now_ms >= task->deadline_ms)
        finish(wire, task, false);
    else
        sleep_until(wire, task, now_ms + TICK_MS);
}

/* All is written: end as the plan says. Called again after each sleep. */
static void end(struct wire *wire, struct wire_task *task, int64_t now_ms)
{
    bool first = !task->finishing;

    task->finishing = true;
    switch (task->plan->end) {
    case PLAN_CLOSE:
        shutdown(task->fd, SHUT_WR);
        finish(wire, task, false);
        break;
    case PLAN_RESET:
        if (first)
            task->deadline_ms = now_ms + ARRIVAL_MS;
        if (!has_arrived(task, now_ms)) {
            sleep_until(wire, task, now_ms + 1);
            break;
        }
        wire_reset(task->fd);
        finish(wire, task, false);
        break;
    case PLAN_LINGER:
        if (first) {
            shutdown(task->fd, SHUT_WR);
            task->deadline_ms = now_ms + LINGER_MS;
        }
        linger(wire, task, now_ms);
        break;
    }
}

/* How many bytes may go now: up to the pause, and no more than the rate gives for a tick. */
static size_t allowance(const struct wire_task *task)
{
    const struct plan *plan = task->plan;
    size_t allowed = WRITE_BYTES;
    size_t tick = (size_t)plan->rate * TICK_MS / 1000;

    if (plan->rate && allowed > tick)
        allowed = tick ? tick : 1;
    if (plan->pause_ms && !task->paused && allowed > plan->pause_at - task->position)
        allowed = plan->pause_at - task->position;
    return allowed;
}

/* Write once. @return the bytes written, or a negative errno. */
static ssize_t write_some(struct wire_task *task)
{
    struct iovec vectors[VECTORS];
    struct msghdr message = {.msg_iov = vectors};
    ssize_t length;

    message.msg_iovlen =
        (size_t)body_vectors(&task->plan->bytes, task->position, allowance(task), vectors, VECTORS);
    length = sendmsg(task->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    return length < 0 ? -errno : length;
}

/* Do as much as can be done now. */
static void step(struct wire *wire, struct wire_task *task)
{
    int64_t now_ms = wire_now_ms();
    const struct plan *plan = task->plan;
    ssize_t length;

    if (task->due_ms > now_ms && task->since_ms > wire->hurried_ms) {
        sleep_until(wire, task, task->due_ms);
    } else if (task->fd < 0) {
        finish(wire, task, false);
    } else if (plan->pause_ms && !task->paused && task->position >= plan->pause_at) {
        task->paused = true;
        sleep_until(wire, task, now_ms + plan->pause_ms + 1);
    } else if (task->position >= plan->bytes.length) {
        end(wire, task, now_ms);
    } else {
        length = write_some(task);
        if (length >= 0)
            task->position += (size_t)length;
        if (length >= 0 && plan->rate)
            sleep_until(wire, task, now_ms + (length * 1000 + plan->rate - 1) / plan->rate);
        else if (length >= 0 || length == -EAGAIN || length == -EINTR)
            poll_for(wire, task, EPOLLOUT);
        else
            finish(wire, task, false);
    }
}

/* Those above one that is raised have had their turn, so none is missed. */
static void hurry(struct wire *wire)
{
    for (size_t i = 0; i < wire->heap_count; i++) {
        if (wire->heap[i].task->position || wire->heap[i].task->since_ms > wire->hurried_ms)
            continue;
        wire->heap[i].due_ms = 0;
        heap_raise(wire, i);
    }
}

static void open_inbox(struct wire *wire)
{
    struct wire_task *task;
    int64_t hurry_ms;

    pthread_mutex_lock(&wire->mutex);
    task = wire->inbox;
    wire->inbox = NULL;
    hurry_ms = wire->hurry_ms;
    pthread_mutex_unlock(&wire->mutex);
    if (hurry_ms != wire->hurried_ms) {
        wire->hurried_ms = hurry_ms;
        hurry(wire);
    }
    while (task) {
        struct wire_task *next = task->next;

        task->following = &wire->all;
        task->previous = wire->all.previous;
        task->previous->following = task;
        wire->all.previous = task;
        step(wire, task);
        task = next;
    }
}

static bool is_stopping(struct wire *wire)
{
    bool stopping;

    pthread_mutex_lock(&wire->mutex);
    stopping = wire->stopping;
    pthread_mutex_unlock(&wire->mutex);
    return stopping;
}

static int until_next(const struct wire *wire)
{
    int64_t left;

    if (!wire->heap_count)
        return -1;
    left = wire->heap[0].due_ms - wire_now_ms();
    return left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

static void *run(void *argument)
{
    struct wire *wire = argument;
    struct epoll_event events[EVENTS];
    uint64_t count;

    while (!is_stopping(wire)) {
        int ready = epoll_wait(wire->epoll, events, EVENTS, until_next(wire));

        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr)
                step(wire, events[i].data.ptr);
            else if (read(wire->event, &count, sizeof(count)) > 0)
                open_inbox(wire);
        }
        while (wire->heap_count && wire->heap[0].due_ms <= wire_now_ms())
            step(wire, heap_pop(wire));
    }
    return NULL;
}

static void wake(const struct wire *wire)
{
    const uint64_t one = 1;

    while (write(wire->event, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

int wire_create(struct wire **ret_wire)
{
    struct wire *wire = calloc(1, sizeof(*wire));
    struct epoll_event event = {.events = EPOLLIN};
    int error = 0;

    if (!wire)
        return -ENOMEM;
    wire->all.previous = wire->all.following = &wire->all;
    pthread_mutex_init(&wire->mutex, NULL);
    wire->epoll = epoll_create1(EPOLL_CLOEXEC);
    wire->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wire->epoll < 0 || wire->event < 0 ||
        epoll_ctl(wire->epoll, EPOLL_CTL_ADD, wire->event, &event))
        error = errno;
    if (!error)
        error = pthread_create(&wire->thread, NULL, run, wire);
    if (!error) {
        *ret_wire = wire;
        return 0;
    }
    if (wire->epoll >= 0)
        close(wire->epoll);
    if (wire->event >= 0)
        close(wire->event);
    free(wire);
    return -error;
}

bool wire_submit(struct wire *wire, struct wire_task *task)
{
    bool accepted;

    task->position = 0;
    task->paused = task->polled = task->finishing = false;
    pthread_mutex_lock(&wire->mutex);
    accepted = !wire->stopping;
    if (accepted) {
        task->next = wire->inbox;
        wire->inbox = task;
    }
    pthread_mutex_unlock(&wire->mutex);
    if (accepted)
        wake(wire);
    return accepted;
}

void wire_hurry(struct wire *wire)
{
    pthread_mutex_lock(&wire->mutex);
    wire->hurry_ms = wire_now_ms();
    pthread_mutex_unlock(&wire->mutex);
    wake(wire);
}

void wire_destroy(struct wire *wire)
{
    if (!wire)
        return;
    pthread_mutex_lock(&wire->mutex);
    wire->stopping = true;
    pthread_mutex_unlock(&wire->mutex);
    wake(wire);
    pthread_join(wire->thread, NULL);
    while (wire->inbox) {
        struct wire_task *task = wire->inbox;

        wire->inbox = task->next;
        task->done(task, true);
    }
    while (wire->all.following != &wire->all)
        finish(wire, wire->all.following, true);
    free(wire->heap);
    close(wire->epoll);
    close(wire->event);
    pthread_mutex_destroy(&wire->mutex);
    free(wire);
}
