/* SPDX-License-Identifier: MIT */
#include "mount/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/clock.h"
#include "base/mutex.h"

/* After this long whoever asked makes the file visible in another way, of which no watcher is told:
   so it is longer than any thread of a busy machine waits for a processor. */
#define PATIENCE_MS 10000

/* One rename or removal. It belongs to who asked, or, once that gave up, to the thread. */
struct publication {
    char *from; /* below the mountpoint; NULL: @to is removed */
    char *to;   /* below the mountpoint */
    unsigned flags;
    int error;      /* valid once done */
    bool done;      /* protected by publisher->mutex, as is abandoned */
    bool abandoned; /* nobody waits for it any more */
    TAILQ_ENTRY(publication) link;
};

TAILQ_HEAD(publication_list, publication);

struct publisher {
    char staging_name[PUBLISHER_NAME_SIZE];
    const struct handed *handed; /* where it may be; NULL where that is known */
    char *mountpoint;            /* owned; NULL: not known yet. Then the thread's own */
    dev_t device;                /* of the mount, to know it again; the same */
    struct fuse_session *session;
    struct tree *tree;
    pthread_t thread;
    pid_t thread_id; /* as the kernel names it in requests; set before it is read */

    struct mutex mutex;
    struct cond changed;
    struct publication_list queue guarded_by_(mutex);
    bool running guarded_by_(mutex);
    bool stopping guarded_by_(mutex);
};

int publisher_create(struct publisher **ret_publisher)
{
    struct publisher *publisher = calloc(1, sizeof(*publisher));
    uint64_t random = 0;

    if (!publisher)
        return -ENOMEM;
    if (getrandom(&random, sizeof(random), 0) != sizeof(random))
        random = (uint64_t)clock_wall_ms();
    snprintf(publisher->staging_name, sizeof(publisher->staging_name), ".staging-%016llx",
             (unsigned long long)random);
    mutex_init(&publisher->mutex);
    cond_init(&publisher->changed);
    TAILQ_INIT(&publisher->queue);
    *ret_publisher = publisher;
    return 0;
}

static void free_publication(struct publication *publication)
{
    free(publication->from);
    free(publication->to);
    free(publication);
}

void publisher_destroy(struct publisher *publisher)
{
    if (!publisher)
        return;
    free(publisher->mountpoint);
    cond_fini(&publisher->changed);
    mutex_fini(&publisher->mutex);
    free(publisher);
}

const char *publisher_staging_name(const struct publisher *publisher)
{
    return publisher->staging_name;
}

pid_t publisher_thread(const struct publisher *publisher)
{
    return publisher->thread_id;
}

/* The device behind @fd, asked in a way that sends no request to ourselves. */
static int get_device(int fd, dev_t *ret_device)
{
    struct statx status;

    if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO, &status) < 0)
        return -errno;
    *ret_device = makedev(status.stx_dev_major, status.stx_dev_minor);
    return 0;
}

/* Whether the mount at @path is ours: no other has our staging directory. */
static bool is_ours(const struct publisher *publisher, const char *path)
{
    cleanup_close int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    cleanup_close int staging = -1;

    if (fd >= 0)
        staging = openat(fd, publisher->staging_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return staging >= 0;
}

static int note_mount(struct publisher *publisher, const char *path)
{
    cleanup_close int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int error = fd < 0 ? -errno : get_device(fd, &publisher->device);

    if (error)
        return error;
    publisher->mountpoint = strdup(path);
    return publisher->mountpoint ? 0 : -ENOMEM;
}

/* Which of the mounts that were handed over it is: it has to be served for that. */
static int find_mount(struct publisher *publisher)
{
    const struct handed *handed = publisher->handed;

    for (size_t i = 0; handed && i < handed->count; i++) {
        if (is_ours(publisher, handed->path[i]))
            return note_mount(publisher, handed->path[i]);
    }
    return -ENOTCONN;
}

/* The root of our mount. @return descriptor, or -ENOTCONN where something else is there. */
static int open_mount(struct publisher *publisher)
{
    cleanup_close int fd = -1;
    dev_t device;
    int error = publisher->mountpoint ? 0 : find_mount(publisher);

    if (error)
        return error;
    fd = open(publisher->mountpoint, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    error = get_device(fd, &device);
    if (error)
        return error;
    return device == publisher->device ? steal_fd(&fd) : -ENOTCONN;
}

static int perform(struct publisher *publisher, const struct publication *publication)
{
    cleanup_close int fd = open_mount(publisher);
    int result;

    if (fd < 0)
        return fd;
    if (publication->from)
        result = renameat2(fd, publication->from, fd, publication->to, publication->flags);
    else
        result = unlinkat(fd, publication->to, 0);
    return result < 0 ? -errno : 0;
}

/*
 * From here on this thread has no descriptor that keeps the FUSE connection alive. In the
 * background it has none of those either that whoever started us reads to their end.
 */
static void leave_descriptors(void)
{
    if (unshare(CLONE_FILES) < 0 || close_range(STDERR_FILENO + 1, UINT_MAX, 0) < 0) {
        log_warning("publishing shares the daemon's descriptors: %s", error_text(-errno));
        return;
    }
    if (!log_is_on_stderr()) {
        int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

        for (int fd = STDIN_FILENO; null_fd >= 0 && fd <= STDERR_FILENO; fd++)
            dup2(null_fd, fd);
        close(null_fd);
    }
}

static void *publish_all(void *argument)
{
    struct publisher *publisher = argument;

    leave_descriptors();
    mutex_lock(&publisher->mutex);
    publisher->thread_id = gettid();
    publisher->running = true;
    cond_broadcast(&publisher->changed);
    for (;;) {
        struct publication *publication;
        int error;

        while (TAILQ_EMPTY(&publisher->queue) && !publisher->stopping)
            cond_wait(&publisher->changed, &publisher->mutex);
        publication = TAILQ_FIRST(&publisher->queue);
        if (!publication)
            break;
        TAILQ_REMOVE(&publisher->queue, publication, link);
        error = publisher->stopping ? -ENOTCONN : 0;
        mutex_unlock(&publisher->mutex);
        if (!error)
            error = perform(publisher, publication);
        mutex_lock(&publisher->mutex);
        publication->error = error;
        publication->done = true;
        if (publication->abandoned)
            free_publication(publication);
        cond_broadcast(&publisher->changed);
    }
    mutex_unlock(&publisher->mutex);
    return NULL;
}

int publisher_start(struct publisher *publisher, struct fuse_session *session,
                    const char *mountpoint, const struct handed *handed, struct tree *tree)
{
    int error = handed ? 0 : note_mount(publisher, mountpoint);

    if (error)
        return error;
    publisher->session = session;
    publisher->tree = tree;
    publisher->handed = handed;
    error = -pthread_create(&publisher->thread, NULL, publish_all, publisher);
    if (error)
        return error;
    mutex_lock(&publisher->mutex);
    while (!publisher->running)
        cond_wait(&publisher->changed, &publisher->mutex);
    mutex_unlock(&publisher->mutex);
    return 0;
}

void publisher_stop(struct publisher *publisher)
{
    mutex_lock(&publisher->mutex);
    publisher->stopping = true;
    cond_broadcast(&publisher->changed);
    mutex_unlock(&publisher->mutex);
    pthread_join(publisher->thread, NULL);
    mutex_lock(&publisher->mutex);
    publisher->running = false;
    mutex_unlock(&publisher->mutex);
}

/* Have the thread do it, and wait for that: but not for ever. Takes @publication. */
static int ask(struct publisher *publisher, struct publication *publication)
{
    int64_t deadline_ms = clock_now_ms() + PATIENCE_MS;
    int error = -ENOTCONN;

    mutex_lock(&publisher->mutex);
    if (publisher->running && !publisher->stopping) {
        TAILQ_INSERT_TAIL(&publisher->queue, publication, link);
        cond_broadcast(&publisher->changed);
        while (!publication->done &&
               cond_wait_until(&publisher->changed, &publisher->mutex, deadline_ms))
            continue;
        error = publication->done ? publication->error : -ETIMEDOUT;
        publication->abandoned = !publication->done;
    }
    if (publication->abandoned)
        publication = NULL; /* the thread frees it */
    mutex_unlock(&publisher->mutex);
    if (publication)
        free_publication(publication);
    return error;
}

static struct publication *make_publication(void)
{
    return calloc(1, sizeof(struct publication));
}

int publisher_publish(void *context, const char *staged, const char *path, const char *name,
                      bool replace)
{
    struct publisher *publisher = context;
    struct publication *publication = make_publication();

    if (!publication)
        return -ENOMEM;
    publication->flags = replace ? 0 : RENAME_NOREPLACE;
    if (asprintf(&publication->from, "%s/%s", publisher->staging_name, staged) < 0)
        publication->from = NULL;
    if (asprintf(&publication->to, "%s/%s", path, name) < 0)
        publication->to = NULL;
    if (!publication->from || !publication->to) {
        free_publication(publication);
        return -ENOMEM;
    }
    return ask(publisher, publication);
}

int publisher_remove(void *context, const char *path, const char *name)
{
    struct publication *publication = make_publication();

    if (!publication)
        return -ENOMEM;
    if (asprintf(&publication->to, "%s/%s", path, name) < 0) {
        free(publication);
        return -ENOMEM;
    }
    return ask(context, publication);
}

static bool is_running(struct publisher *publisher)
{
    bool running;

    mutex_lock(&publisher->mutex);
    running = publisher->running && !publisher->stopping;
    mutex_unlock(&publisher->mutex);
    return running;
}

void publisher_forget_attributes(void *context, struct inode *inode)
{
    struct publisher *publisher = context;

    if (is_running(publisher))
        fuse_lowlevel_notify_inval_inode(publisher->session, (fuse_ino_t)(uintptr_t)inode, -1, 0);
}

void publisher_invalidate(void *context, struct inode *directory, const char *name)
{
    struct publisher *publisher = context;
    fuse_ino_t ino = (fuse_ino_t)(uintptr_t)directory;

    if (!is_running(publisher))
        return;
    tree_note_name(publisher->tree, directory, name);
    fuse_lowlevel_notify_inval_entry(publisher->session, ino, name, strlen(name));
    fuse_lowlevel_notify_inval_inode(publisher->session, ino, 0, 0);
}
