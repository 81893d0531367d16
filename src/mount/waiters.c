/* SPDX-License-Identifier: MIT
 *
 * One thread answers every blocked read, so that a request has exactly one that replies. An
 * interrupt, which libfuse reports in whatever thread reads it, only moves the waiter to those who
 * are to be answered.
 *
 * Life of a waiter: made in waiters_read(); from the moment it is in the table it belongs to the
 * thread. libfuse calls the interrupt function with the request's own lock held; unsetting the
 * function takes that lock, so that after it no call can still be inside: only then is the waiter
 * freed.
 *
 * Who came before the thread looked is answered by that look, and nobody else:
 *
 *   reader                            thread
 *   write prompt, close               number of the newest waiter := N
 *   (its job is registered)           is it over? yes: nothing was registered yet
 *   read .wait: not over
 *   enters as N + 1                   take who has N or less
 *   (marks the watch)                 look again
 */
#include "mount/waiters.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "base/mutex.h"
#include "mount/mount.h"
#include "mount/watch.h"

/* What .wait of a directory with a great many prompts may list. */
#define OUTCOME_MAX_BYTES (16u << 20)

struct waiters {
    struct tree *tree;
    pthread_t thread;
    struct mutex mutex;
    struct cond changed;
    struct watch_table watches guarded_by_(mutex);
    struct waiter_list leaving guarded_by_(mutex); /* interrupted */
    int64_t patience_ms guarded_by_(mutex);        /* that a read may block; 0: for ever */
    bool jobs_changed guarded_by_(mutex);
    bool any_marked guarded_by_(mutex); /* of the watches */
    bool stopping guarded_by_(mutex);
};

/* What a wait file gives once it is over. */
struct outcome {
    int error;
    struct buf lines;
    bool failed;
};

static bool is_rendered(struct waiters *waiters, const struct handle *handle)
{
    bool rendered;

    mutex_lock(&waiters->mutex);
    rendered = handle->text != NULL;
    mutex_unlock(&waiters->mutex);
    return rendered;
}

static void outcome_make(struct waiters *waiters, const struct handle *handle,
                         struct outcome *outcome)
{
    *outcome = (struct outcome){.lines = {.max = OUTCOME_MAX_BYTES}};
    outcome->error = tree_wait_outcome(waiters->tree, handle->inode, &handle->owner,
                                       &outcome->lines, &outcome->failed);
}

static void outcome_fini(struct outcome *outcome)
{
    buf_fini(&outcome->lines);
}

#define cleanup_outcome cleanup_(outcome_fini)

/* Have @handle give @outcome, unless it has one: two threads may read it. @return 0 or -ENOMEM. */
static int give(struct waiters *waiters, struct handle *handle, const struct outcome *outcome)
{
    cleanup_free char *text = strdup(buf_text(&outcome->lines));

    if (!text)
        return -ENOMEM;
    mutex_lock(&waiters->mutex);
    if (!handle->text) {
        handle->length = outcome->lines.length;
        handle->text = steal_ptr(text);
        handle->failed = outcome->failed;
    }
    mutex_unlock(&waiters->mutex);
    return 0;
}

/* Answer a read of a handle whose text is there. */
static void reply_text(fuse_req_t req, struct handle *handle, size_t size, off_t offset)
{
    if ((size_t)offset >= handle->length && handle->failed)
        fuse_reply_err(req, EIO);
    else
        ops_reply_text(req, handle, size, offset);
}

static void reply_outcome(struct waiters *waiters, fuse_req_t req, struct handle *handle,
                          size_t size, off_t offset, const struct outcome *outcome)
{
    int error = outcome->error ? outcome->error : give(waiters, handle, outcome);

    if (error)
        fuse_reply_err(req, -error);
    else
        reply_text(req, handle, size, offset);
}

/* Answer @waiter with @outcome, or @error where that is NULL, and free it. */
static void finish(struct waiter *waiter, const struct outcome *outcome, int error)
{
    fuse_req_interrupt_func(waiter->req, NULL, NULL);
    if (outcome)
        reply_outcome(waiter->waiters, waiter->req, waiter->handle, waiter->size, waiter->offset,
                      outcome);
    else
        fuse_reply_err(waiter->req, -error);
    free(waiter);
}

static void finish_all(struct waiter_list *list, int error)
{
    struct waiter *waiter;

    while ((waiter = TAILQ_FIRST(list))) {
        TAILQ_REMOVE(list, waiter, link);
        finish(waiter, NULL, error);
    }
}

/* Answer the first of @list, and whoever else of them is the same user. */
static void finish_reader(struct waiters *waiters, struct waiter_list *list)
{
    struct waiter *waiter = TAILQ_FIRST(list);
    struct owner reader = waiter->handle->owner;
    struct waiter_list others = TAILQ_HEAD_INITIALIZER(others);
    cleanup_outcome struct outcome outcome;

    outcome_make(waiters, waiter->handle, &outcome);
    while ((waiter = TAILQ_FIRST(list))) {
        TAILQ_REMOVE(list, waiter, link);
        if (waiter->handle->owner.uid == reader.uid && waiter->handle->owner.gid == reader.gid)
            finish(waiter, &outcome, 0);
        else
            TAILQ_INSERT_TAIL(&others, waiter, link);
    }
    TAILQ_CONCAT(list, &others, link);
}

static void free_poller(struct poller *poller)
{
    if (poller)
        fuse_pollhandle_destroy(poller->poll_handle);
    free(poller);
}

/* Wake polls: the kernel asks again. */
static void wake(struct poller_list *pollers)
{
    struct poller *poller;

    while ((poller = TAILQ_FIRST(pollers))) {
        TAILQ_REMOVE(pollers, poller, link);
        fuse_lowlevel_notify_poll(poller->poll_handle);
        free_poller(poller);
    }
}

/* Answer who waits for @watch if that is over; who has more than @last_number is not meant. */
static void look(struct waiters *waiters, struct watch *watch, uint64_t last_number, bool stopping)
{
    bool over = stopping || tree_wait_is_over(waiters->tree, watch->inode);
    struct waiter_list taken = TAILQ_HEAD_INITIALIZER(taken);
    struct poller_list pollers = TAILQ_HEAD_INITIALIZER(pollers);
    bool retired;

    mutex_lock(&waiters->mutex);
    if (over) {
        watch_take(&waiters->watches, watch, last_number, &taken);
        TAILQ_CONCAT(&pollers, &watch->pollers, link);
    }
    retired = watch_retire(watch);
    mutex_unlock(&waiters->mutex);
    wake(&pollers);
    if (stopping)
        finish_all(&taken, -ESHUTDOWN);
    while (!TAILQ_EMPTY(&taken))
        finish_reader(waiters, &taken);
    if (retired)
        watch_destroy(watch);
}

/* Until there is something to do. */
static void sleep_locked(struct waiters *waiters) requires_(waiters->mutex)
{
    while (!waiters->jobs_changed && !waiters->any_marked && !waiters->stopping) {
        const struct waiter *oldest = TAILQ_FIRST(&waiters->watches.by_age);

        if (!oldest || !oldest->deadline_ms)
            cond_wait(&waiters->changed, &waiters->mutex);
        else if (!cond_wait_until(&waiters->changed, &waiters->mutex, oldest->deadline_ms))
            break;
    }
}

/* Look once at whatever may have changed. @return false when it was the last time. */
static bool work(struct waiters *waiters)
{
    struct waiter_list leaving = TAILQ_HEAD_INITIALIZER(leaving);
    struct watch_list due;
    struct watch *watch;
    uint64_t last_number;
    bool stopping;

    mutex_lock(&waiters->mutex);
    sleep_locked(waiters);
    stopping = waiters->stopping;
    TAILQ_CONCAT(&leaving, &waiters->leaving, link);
    watch_take_expired(&waiters->watches, clock_now_ms(), &leaving);
    watch_list_due(&waiters->watches, waiters->jobs_changed || stopping, &due);
    last_number = waiters->watches.last_number;
    waiters->jobs_changed = waiters->any_marked = false;
    mutex_unlock(&waiters->mutex);
    finish_all(&leaving, stopping ? -ESHUTDOWN : -EINTR);
    while ((watch = TAILQ_FIRST(&due))) {
        TAILQ_REMOVE(&due, watch, due_link);
        look(waiters, watch, last_number, stopping);
    }
    return !stopping;
}

static void *answer(void *argument)
{
    while (work(argument))
        continue;
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
    watch_table_init(&waiters->watches);
    TAILQ_INIT(&waiters->leaving);
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

void waiters_set_patience(struct waiters *waiters, int64_t patience_ms)
{
    mutex_lock(&waiters->mutex);
    waiters->patience_ms = patience_ms;
    mutex_unlock(&waiters->mutex);
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

/* Have the thread look at @watch, were it only to see that nobody waits for it any more. */
static void mark(struct waiters *waiters, struct watch *watch) requires_(waiters->mutex)
{
    watch->marked = true;
    waiters->any_marked = true;
    cond_signal(&waiters->changed);
}

/* @waiter is to be answered because it was interrupted. */
static void leave(struct waiters *waiters, struct waiter *waiter) requires_(waiters->mutex)
{
    mark(waiters, waiter->watch);
    watch_remove(&waiters->watches, waiter);
    TAILQ_INSERT_TAIL(&waiters->leaving, waiter, link);
}

static void note_interrupt(fuse_req_t req, void *data)
{
    struct waiter *waiter = data;
    struct waiters *waiters = waiter->waiters;

    (void)req;
    mutex_lock(&waiters->mutex);
    waiter->interrupted = true;
    if (waiter->watch)
        leave(waiters, waiter);
    mutex_unlock(&waiters->mutex);
}

/* From here on @waiter may be answered. @return 0, or why it cannot wait. */
static int enter(struct waiters *waiters, struct waiter *waiter) requires_(waiters->mutex)
{
    struct watch *watch;

    if (waiters->stopping)
        return -ESHUTDOWN;
    if (waiters->watches.waiter_count == WAITERS_MAX)
        return -EUSERS;
    watch = watch_get(&waiters->watches, waiter->handle->inode);
    if (!watch)
        return -ENOMEM;
    if (waiters->patience_ms)
        waiter->deadline_ms = clock_now_ms() + waiters->patience_ms;
    watch_add(&waiters->watches, watch, waiter);
    mark(waiters, watch); /* it may have ended since we looked */
    if (waiter->interrupted)
        leave(waiters, waiter);
    return 0;
}

/* Takes @waiter. */
static void block(struct waiters *waiters, struct waiter *waiter)
{
    int error;

    fuse_req_interrupt_func(waiter->req, note_interrupt, waiter);
    mutex_lock(&waiters->mutex);
    error = enter(waiters, waiter);
    mutex_unlock(&waiters->mutex);
    if (error)
        finish(waiter, NULL, error);
}

void waiters_read(struct waiters *waiters, fuse_req_t req, struct handle *handle, size_t size,
                  off_t offset, bool nonblock)
{
    struct waiter *waiter;

    if (is_rendered(waiters, handle)) {
        reply_text(req, handle, size, offset);
        return;
    }
    if (tree_wait_is_over(waiters->tree, handle->inode)) {
        cleanup_outcome struct outcome outcome;

        outcome_make(waiters, handle, &outcome);
        reply_outcome(waiters, req, handle, size, offset, &outcome);
        return;
    }
    waiter = nonblock ? NULL : calloc(1, sizeof(*waiter));
    if (!waiter) {
        fuse_reply_err(req, nonblock ? EAGAIN : ENOMEM);
        return;
    }
    waiter->waiters = waiters;
    waiter->req = req;
    waiter->handle = handle;
    waiter->size = size;
    waiter->offset = offset;
    block(waiters, waiter);
}

/* Keep @poll_handle for @handle, which is taken. Without memory, or at the end, nobody is woken. */
static void remember_poll(struct waiters *waiters, const struct handle *handle,
                          struct fuse_pollhandle *poll_handle)
{
    struct poller *poller = calloc(1, sizeof(*poller));
    struct watch *watch = NULL;

    if (!poller) {
        fuse_pollhandle_destroy(poll_handle);
        return;
    }
    *poller = (struct poller){.handle = handle, .poll_handle = poll_handle};
    mutex_lock(&waiters->mutex);
    if (!waiters->stopping)
        watch = watch_get(&waiters->watches, handle->inode);
    if (watch)
        poller = watch_add_poller(watch, poller);
    mutex_unlock(&waiters->mutex);
    free_poller(poller);
}

void waiters_poll(struct waiters *waiters, fuse_req_t req, const struct handle *handle,
                  struct fuse_pollhandle *poll_handle)
{
    bool over;

    if (poll_handle) /* first remember, then look: an end in between is not missed */
        remember_poll(waiters, handle, poll_handle);
    over = is_rendered(waiters, handle) || tree_wait_is_over(waiters->tree, handle->inode);
    fuse_reply_poll(req, over ? POLLIN : 0);
}

void waiters_forget(struct waiters *waiters, const struct handle *handle)
{
    struct poller *poller = NULL;
    struct watch *watch;

    mutex_lock(&waiters->mutex);
    watch = watch_find(&waiters->watches, handle->inode);
    if (watch)
        poller = watch_remove_poller(watch, handle);
    if (poller)
        mark(waiters, watch);
    mutex_unlock(&waiters->mutex);
    free_poller(poller);
}
