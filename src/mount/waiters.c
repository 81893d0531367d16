/* SPDX-License-Identifier: MIT
 *
 * One thread answers every blocked read, so that a request has exactly one that replies. An
 * interrupt, which libfuse reports in whatever thread reads it, only marks the waiter.
 *
 * Life of a waiter: made in waiters_read(); from the moment it is linked it belongs to the thread.
 * libfuse calls the interrupt function with the request's own lock held; unsetting the function
 * takes that lock, so that after it no call can still be inside: only then is the waiter freed.
 */
#include "mount/waiters.h"

#include <errno.h>
#include <poll.h>
#include <sys/queue.h>

#include "base/mutex.h"
#include "mount/mount.h"

/* What .wait of a directory with a great many prompts may list. */
#define OUTCOME_MAX_BYTES (16u << 20)

struct waiter {
    struct waiters *waiters;
    fuse_req_t req;
    struct handle *handle;
    size_t size;
    off_t offset;
    bool interrupted; /* protected by waiters->mutex */
    TAILQ_ENTRY(waiter) link;
};

TAILQ_HEAD(waiter_list, waiter);

struct poller {
    const struct handle *handle;
    struct fuse_pollhandle *poll_handle;
    TAILQ_ENTRY(poller) link;
};

TAILQ_HEAD(poller_list, poller);

struct waiters {
    struct tree *tree;
    pthread_t thread;
    struct mutex mutex;
    struct cond changed;
    struct waiter_list blocked guarded_by_(mutex);
    struct poller_list polled guarded_by_(mutex);
    bool jobs_changed guarded_by_(mutex);
    bool any_interrupted guarded_by_(mutex);
    bool stopping guarded_by_(mutex);
};

static bool is_rendered(struct waiters *waiters, const struct handle *handle)
{
    bool rendered;

    mutex_lock(&waiters->mutex);
    rendered = handle->text != NULL;
    mutex_unlock(&waiters->mutex);
    return rendered;
}

/* Make what @handle gives, once: two threads may read it. @return 0 or a negative errno. */
static int render(struct waiters *waiters, struct handle *handle)
{
    cleanup_buf struct buf lines = {.max = OUTCOME_MAX_BYTES};
    bool failed = false;
    int error = tree_wait_outcome(waiters->tree, handle->inode, &lines, &failed);

    if (!error)
        error = buf_append(&lines, "", 0);
    if (error)
        return error;
    mutex_lock(&waiters->mutex);
    if (!handle->text) {
        handle->length = lines.length;
        handle->text = buf_steal(&lines);
        handle->failed = failed;
    }
    mutex_unlock(&waiters->mutex);
    return 0;
}

/* Answer a read of a handle whose text is there. */
static void reply_text(fuse_req_t req, const struct handle *handle, size_t size, off_t offset)
{
    if ((size_t)offset >= handle->length && handle->failed)
        fuse_reply_err(req, EIO);
    else
        ops_reply_text(req, handle, size, offset);
}

static void reply_outcome(struct waiters *waiters, fuse_req_t req, struct handle *handle,
                          size_t size, off_t offset)
{
    int error = is_rendered(waiters, handle) ? 0 : render(waiters, handle);

    if (error)
        fuse_reply_err(req, -error);
    else
        reply_text(req, handle, size, offset);
}

static void finish(struct waiter *waiter, int error)
{
    fuse_req_interrupt_func(waiter->req, NULL, NULL);
    if (error)
        fuse_reply_err(waiter->req, -error);
    else
        reply_outcome(waiter->waiters, waiter->req, waiter->handle, waiter->size, waiter->offset);
    free(waiter);
}

/* Answer what is interrupted or over; put the rest back. */
static void look_through(struct waiters *waiters, struct waiter_list *blocked, bool jobs_changed,
                         bool stopping)
{
    const struct inode *last = NULL; /* many wait for the same thing: ask once */
    bool last_over = false;
    struct waiter *waiter;

    while ((waiter = TAILQ_FIRST(blocked))) {
        int error = stopping ? -ESHUTDOWN : 0;

        TAILQ_REMOVE(blocked, waiter, link);
        if (jobs_changed && waiter->handle->inode != last) {
            last = waiter->handle->inode;
            last_over = tree_wait_is_over(waiters->tree, waiter->handle->inode);
        }
        mutex_lock(&waiters->mutex);
        if (waiter->interrupted && !error)
            error = -EINTR;
        if (!error && !(jobs_changed && last_over)) {
            TAILQ_INSERT_TAIL(&waiters->blocked, waiter, link);
            waiter = NULL;
        }
        mutex_unlock(&waiters->mutex);
        if (waiter)
            finish(waiter, error);
    }
}

/* Wake every poll; the kernel asks again, and what is not over is polled again. */
static void wake_polls(struct poller_list *polled)
{
    struct poller *poller;

    while ((poller = TAILQ_FIRST(polled))) {
        TAILQ_REMOVE(polled, poller, link);
        fuse_lowlevel_notify_poll(poller->poll_handle);
        fuse_pollhandle_destroy(poller->poll_handle);
        free(poller);
    }
}

static void *answer(void *argument)
{
    struct waiters *waiters = argument;
    struct waiter_list blocked = TAILQ_HEAD_INITIALIZER(blocked);
    struct poller_list polled = TAILQ_HEAD_INITIALIZER(polled);
    bool stopping = false;

    while (!stopping) {
        bool jobs_changed;

        mutex_lock(&waiters->mutex);
        while (!waiters->jobs_changed && !waiters->any_interrupted && !waiters->stopping)
            cond_wait(&waiters->changed, &waiters->mutex);
        stopping = waiters->stopping;
        jobs_changed = waiters->jobs_changed;
        waiters->jobs_changed = waiters->any_interrupted = false;
        TAILQ_CONCAT(&blocked, &waiters->blocked, link);
        if (jobs_changed || stopping)
            TAILQ_CONCAT(&polled, &waiters->polled, link);
        mutex_unlock(&waiters->mutex);
        look_through(waiters, &blocked, jobs_changed, stopping);
        wake_polls(&polled);
    }
    return NULL;
}

int waiters_create(struct waiters **ret_waiters)
{
    struct waiters *waiters = calloc(1, sizeof(*waiters));
    int error;

    if (!waiters)
        return -ENOMEM;
    mutex_init(&waiters->mutex);
    cond_init(&waiters->changed);
    TAILQ_INIT(&waiters->blocked);
    TAILQ_INIT(&waiters->polled);
    error = -pthread_create(&waiters->thread, NULL, answer, waiters);
    if (error) {
        waiters_destroy(waiters);
        return error;
    }
    *ret_waiters = waiters;
    return 0;
}

void waiters_set_tree(struct waiters *waiters, struct tree *tree)
{
    waiters->tree = tree;
}

void waiters_stop(struct waiters *waiters)
{
    mutex_lock(&waiters->mutex);
    waiters->stopping = true;
    cond_signal(&waiters->changed);
    mutex_unlock(&waiters->mutex);
    pthread_join(waiters->thread, NULL);
}

void waiters_destroy(struct waiters *waiters)
{
    if (!waiters)
        return;
    cond_fini(&waiters->changed);
    mutex_fini(&waiters->mutex);
    free(waiters);
}

void waiters_kick(void *context)
{
    struct waiters *waiters = context;

    mutex_lock(&waiters->mutex);
    waiters->jobs_changed = true;
    cond_signal(&waiters->changed);
    mutex_unlock(&waiters->mutex);
}

static void note_interrupt(fuse_req_t req, void *data)
{
    struct waiter *waiter = data;
    struct waiters *waiters = waiter->waiters;

    (void)req;
    mutex_lock(&waiters->mutex);
    waiter->interrupted = true;
    waiters->any_interrupted = true;
    cond_signal(&waiters->changed);
    mutex_unlock(&waiters->mutex);
}

static void block(struct waiters *waiters, struct waiter *waiter)
{
    bool stopping;

    fuse_req_interrupt_func(waiter->req, note_interrupt, waiter);
    mutex_lock(&waiters->mutex);
    stopping = waiters->stopping;
    if (!stopping) {
        TAILQ_INSERT_TAIL(&waiters->blocked, waiter, link);
        waiters->jobs_changed = true; /* it may have ended since we looked */
        cond_signal(&waiters->changed);
    }
    mutex_unlock(&waiters->mutex);
    if (stopping)
        finish(waiter, -ESHUTDOWN);
}

void waiters_read(struct waiters *waiters, fuse_req_t req, struct handle *handle, size_t size,
                  off_t offset, bool nonblock)
{
    struct waiter *waiter;

    if (is_rendered(waiters, handle) || tree_wait_is_over(waiters->tree, handle->inode)) {
        reply_outcome(waiters, req, handle, size, offset);
        return;
    }
    if (nonblock) {
        fuse_reply_err(req, EAGAIN);
        return;
    }
    waiter = calloc(1, sizeof(*waiter));
    if (!waiter) {
        fuse_reply_err(req, ENOMEM);
        return;
    }
    waiter->waiters = waiters;
    waiter->req = req;
    waiter->handle = handle;
    waiter->size = size;
    waiter->offset = offset;
    block(waiters, waiter);
}

/* Keep @poll_handle for @handle; an earlier one of it is replaced and returned. */
static struct poller *remember_poll(struct waiters *waiters, struct poller *poller)
{
    struct poller *old;

    mutex_lock(&waiters->mutex);
    TAILQ_FOREACH(old, &waiters->polled, link)
    {
        if (old->handle == poller->handle)
            break;
    }
    if (old)
        TAILQ_REMOVE(&waiters->polled, old, link);
    TAILQ_INSERT_TAIL(&waiters->polled, poller, link);
    mutex_unlock(&waiters->mutex);
    return old;
}

static void free_poller(struct poller *poller)
{
    if (poller)
        fuse_pollhandle_destroy(poller->poll_handle);
    free(poller);
}

void waiters_poll(struct waiters *waiters, fuse_req_t req, const struct handle *handle,
                  struct fuse_pollhandle *poll_handle)
{
    struct poller *poller = poll_handle ? calloc(1, sizeof(*poller)) : NULL;
    bool over;

    if (poller) { /* first remember, then look: an end in between is not missed */
        poller->handle = handle;
        poller->poll_handle = poll_handle;
        free_poller(remember_poll(waiters, poller));
    } else if (poll_handle) {
        fuse_pollhandle_destroy(poll_handle);
    }
    over = is_rendered(waiters, handle) || tree_wait_is_over(waiters->tree, handle->inode);
    fuse_reply_poll(req, over ? POLLIN : 0);
}

void waiters_forget(struct waiters *waiters, const struct handle *handle)
{
    struct poller *poller;

    mutex_lock(&waiters->mutex);
    TAILQ_FOREACH(poller, &waiters->polled, link)
    {
        if (poller->handle == handle)
            break;
    }
    if (poller)
        TAILQ_REMOVE(&waiters->polled, poller, link);
    mutex_unlock(&waiters->mutex);
    free_poller(poller);
}
