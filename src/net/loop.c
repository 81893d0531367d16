/* SPDX-License-Identifier: MIT */
#include "net/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

/* Idle connections that are kept; each holds a descriptor until the next call looks at it. */
#define POOL_MAX 64L

#define EVENTS_MAX 64

struct loop {
    CURLM *multi;
    int epoll_fd;
    int wake_fd;         /* an eventfd in the epoll set */
    int64_t deadline_ms; /* when libcurl wants to be called by itself; -1 = not */
};

/* CURLMOPT_SOCKETFUNCTION. @known tells whether @fd is in the epoll set (curl_multi_assign). */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *known)
{
    struct loop *loop = userdata;
    struct epoll_event event = {.data.fd = fd};

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        /*
         * libcurl closes a socket that has not connected before it says so: by now the number may
         * be another thread's. The kernel finds no such file in the set then, and does nothing.
         */
        epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    event.events = ((what & CURL_POLL_IN) ? (uint32_t)EPOLLIN : 0U) |
                   ((what & CURL_POLL_OUT) ? (uint32_t)EPOLLOUT : 0U);
    if (epoll_ctl(loop->epoll_fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event)) {
        /* Out of kernel memory. The call runs into its time-out; failing here would end all. */
        log_error("epoll_ctl: %s", strerrorname_np(errno));
        return 0;
    }
    if (!known)
        curl_multi_assign(loop->multi, fd, loop);
    return 0;
}

/* CURLMOPT_TIMERFUNCTION. */
static int on_timer(CURLM *multi, long timeout_ms, void *userdata)
{
    struct loop *loop = userdata;

    (void)multi;
    loop->deadline_ms = timeout_ms < 0 ? -1 : clock_now_ms() + timeout_ms;
    return 0;
}

static void loop_cleanup(struct loop **loop)
{
    loop_destroy(*loop);
}

static int set_up(struct loop *loop)
{
    struct epoll_event event = {.events = EPOLLIN};

    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0)
        return -errno;
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake_fd < 0)
        return -errno;
    event.data.fd = loop->wake_fd;
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->wake_fd, &event))
        return -errno;
    loop->multi = curl_multi_init();
    if (!loop->multi)
        return -ENOMEM;
    if (curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, on_socket) ||
        curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop) ||
        curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, on_timer) ||
        curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop) ||
        curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS, POOL_MAX))
        return -ENOMEM;
    return 0;
}

int loop_create(struct loop **ret_loop)
{
    cleanup_(loop_cleanup) struct loop *loop = calloc(1, sizeof(*loop));
    int error;

    if (!loop)
        return -ENOMEM;
    loop->epoll_fd = -1;
    loop->wake_fd = -1;
    loop->deadline_ms = -1;
    error = set_up(loop);
    if (error)
        return error;
    *ret_loop = steal_ptr(loop);
    return 0;
}

void loop_destroy(struct loop *loop)
{
    if (!loop)
        return;
    curl_multi_cleanup(loop->multi);
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
    free(loop);
}

CURLM *loop_multi(const struct loop *loop)
{
    return loop->multi;
}

void loop_wake(struct loop *loop)
{
    /* It fails only where the counter is full, which wakes too. */
    (void)!write(loop->wake_fd, &(uint64_t){1}, sizeof(uint64_t));
}

/* Whether libcurl wants to be called now; otherwise how long to wait, at most @max_ms. */
static bool is_due(const struct loop *loop, int max_ms, int *ret_wait_ms)
{
    int64_t left = loop->deadline_ms - clock_now_ms();

    *ret_wait_ms = max_ms;
    if (loop->deadline_ms < 0)
        return false;
    if (max_ms < 0)
        max_ms = INT_MAX;
    *ret_wait_ms = left <= 0 ? 0 : left < max_ms ? (int)left : max_ms;
    return left <= 0;
}

/* Errors are found by reading: what came before a reset is still to be had. */
static int ready_bits(uint32_t events)
{
    return ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) ? CURL_CSELECT_IN : 0) |
           ((events & EPOLLOUT) ? CURL_CSELECT_OUT : 0);
}

void loop_turn(struct loop *loop, int max_ms)
{
    struct epoll_event events[EVENTS_MAX];
    uint64_t wakes;
    int wait_ms;
    int running;
    int count;

    is_due(loop, max_ms, &wait_ms);
    count = epoll_wait(loop->epoll_fd, events, EVENTS_MAX, wait_ms);
    for (int i = 0; i < count; i++) {
        if (events[i].data.fd == loop->wake_fd)
            (void)!read(loop->wake_fd, &wakes, sizeof(wakes));
        else
            curl_multi_socket_action(loop->multi, events[i].data.fd, ready_bits(events[i].events),
                                     &running);
    }
    if (is_due(loop, max_ms, &wait_ms)) {
        loop->deadline_ms = -1;
        curl_multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
}
