/* SPDX-License-Identifier: MIT */
#include "mount/session.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "base/keeper.h"
#include "base/mutex.h"
#include "mount/greeting.h"
#include "mount/handed.h"
#include "mount/publish.h"
#include "mount/stale.h"
#include "mount/waiters.h"

/* How often the serving thread is nudged until it has seen that it is to end. */
#define NUDGE_MS 20

struct session {
    struct session_setup setup;
    struct fuse_session *fuse;
    struct jobs *jobs;
    pthread_t server;  /* the thread in session_serve() */
    pthread_t signals; /* the thread that takes signals */
    struct mutex mutex;
    struct cond changed;
    bool serving guarded_by_(mutex);
    bool mounted;    /* of the thread that creates, serves and destroys, as is publishing */
    bool publishing; /* the publisher runs */
    bool is_handed;  /* the mount is not ours to undo */
    struct handed handed;
};

static void session_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
}

void session_block_signals(void)
{
    sigset_t set;

    session_signals(&set);
    sigaddset(&set, SIGPIPE); /* a closed connection is an error, not the end */
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* Its only use is to interrupt a system call. */
static void do_nothing(int signal)
{
    (void)signal;
}

static void install_nudge(void)
{
    struct sigaction action = {.sa_handler = do_nothing};

    sigemptyset(&action.sa_mask);
    sigaction(SIGUSR1, &action, NULL);
}

/*
 * End the loop. libfuse looks at its flag only when the serving thread wakes, and may look just
 * before it sleeps: so it is nudged until it is out.
 */
static void end_serving(struct session *session)
{
    fuse_session_exit(session->fuse);
    mutex_lock(&session->mutex);
    while (session->serving) {
        pthread_kill(session->server, SIGUSR1);
        cond_wait_until(&session->changed, &session->mutex, clock_now_ms() + NUDGE_MS);
    }
    mutex_unlock(&session->mutex);
}

static void *take_signals(void *argument)
{
    struct session *session = argument;
    sigset_t set;
    int signal;

    session_signals(&set);
    sigaddset(&set, SIGUSR2);
    if (sigwait(&set, &signal) == 0 && signal != SIGUSR2) {
        log_info("signal %d: unmounting, and waiting for what is in flight", signal);
        end_serving(session);
        if (sigwait(&set, &signal) == 0 && signal != SIGUSR2) {
            log_info("signal %d: not waiting any longer", signal);
            jobs_hurry(session->jobs);
        }
    }
    while (signal != SIGUSR2 && sigwait(&set, &signal) == 0)
        continue;
    return NULL;
}

/* The thread of the signals ends with SIGUSR2, which every thread has blocked. */
static int start_signals(struct session *session)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return -pthread_create(&session->signals, NULL, take_signals, session);
}

static int add_arguments(const struct session_setup *setup, struct fuse_args *arguments)
{
    cleanup_buf struct buf text = {.max = 16 * 1024};
    char *escaped = NULL;
    int error = 0;

    if (fuse_opt_add_arg(arguments, "easelfs") ||
        fuse_opt_add_opt_escaped(&escaped, setup->source)) {
        free(escaped);
        return -ENOMEM;
    }
    error = buf_printf(&text,
                       "-odefault_permissions,nosuid,nodev,noexec,subtype=easelfs,"
                       "fsname=%s",
                       escaped);
    free(escaped);
    if (!error && setup->options->fuse_options[0])
        error = buf_printf(&text, ",%s", setup->options->fuse_options);
    if (!error && fuse_opt_add_arg(arguments, buf_text(&text)))
        error = -ENOMEM;
    if (!error && setup->options->debug && fuse_opt_add_arg(arguments, "-d"))
        error = -ENOMEM;
    return error;
}

/* Somebody else has mounted: see that it may be served. */
static int take_over(struct session *session, struct failure *failure)
{
    const struct options *options = session->setup.options;
    int error = handed_find(handed_descriptor(options->mountpoint), options->shared,
                            &session->handed, failure);

    session->is_handed = !error;
    return error;
}

static int open_fuse(struct session *session, struct failure *failure)
{
    struct fuse_args arguments = FUSE_ARGS_INIT(0, NULL);
    const char *mountpoint = session->setup.options->mountpoint;
    int error = add_arguments(&session->setup, &arguments);

    if (!error) {
        session->fuse =
            fuse_session_new(&arguments, &mount_ops, sizeof(mount_ops), session->setup.mount);
        if (!session->fuse)
            error = -EINVAL;
    }
    fuse_opt_free_args(&arguments);
    if (error)
        return failure_set(failure, error, "The mount options were refused.");
    if (handed_descriptor(mountpoint) >= 0)
        error = take_over(session, failure);
    else
        stale_clean(mountpoint);
    if (error)
        return error;
    if (fuse_session_mount(session->fuse, mountpoint) < 0)
        return failure_set(failure, -EIO, "%s could not be mounted on.", mountpoint);
    session->mounted = true;
    if (greeting_extend(session->fuse))
        return failure_set(failure, -ENOMEM, "%s cannot be served.", mountpoint);
    return 0;
}

size_t session_places(const struct session *session, const char *const **ret_places)
{
    const char *const *own = (const char *const *)&session->setup.options->mountpoint;

    *ret_places = session->is_handed ? (const char *const *)session->handed.path : own;
    return session->is_handed ? session->handed.count : 1;
}

static int start_publisher(struct session *session, struct failure *failure)
{
    struct mount *mount = session->setup.mount;
    const char *mountpoint = session->setup.options->mountpoint;
    int error = publisher_start(mount->publisher, session->fuse, mountpoint,
                                session->is_handed ? &session->handed : NULL, mount->tree);

    session->publishing = !error;
    if (!error)
        error = tree_set_staging(mount->tree, publisher_staging_name(mount->publisher),
                                 publisher_thread(mount->publisher));
    tree_set_watcher(mount->tree, publisher_forget_attributes, mount->publisher);
    return error ? failure_set_errno(failure, error, mountpoint) : 0;
}

int session_create(const struct session_setup *setup, struct session **ret_session,
                   struct failure *failure)
{
    struct session *session = calloc(1, sizeof(*session));
    int error;

    if (!session)
        return failure_set_errno(failure, -ENOMEM, "easelfs");
    session->setup = *setup;
    mutex_init(&session->mutex);
    cond_init(&session->changed);
    install_nudge();
    error = open_fuse(session, failure);
    if (error) {
        session_destroy(session);
        return error;
    }
    *ret_session = session;
    return 0;
}

int session_start(struct session *session, struct jobs *jobs, struct failure *failure)
{
    struct mount *mount = session->setup.mount;
    const char *const *places;
    int error = start_publisher(session, failure);

    if (error)
        return error;
    session->jobs = jobs;
    mount->session = session->fuse;
    session_places(session, &places);
    mount->place = places[0];
    error = start_signals(session);
    if (error) {
        session->signals = 0;
        return failure_set_errno(failure, error, "easelfs");
    }
    return 0;
}

static int run_loop(struct session *session)
{
    struct fuse_loop_config *config;
    int result;

    if (session->setup.options->single_threaded)
        return fuse_session_loop(session->fuse);
    config = fuse_loop_cfg_create();
    if (!config)
        return -ENOMEM;
    result = fuse_session_loop_mt(session->fuse, config);
    fuse_loop_cfg_destroy(config);
    return result;
}

static void stop_publisher(struct session *session)
{
    if (session->publishing)
        publisher_stop(session->setup.mount->publisher);
    session->publishing = false;
}

/* Whether the kernel's side of the connection is gone: somebody has unmounted. */
static bool is_cut_off(const struct session *session)
{
    struct pollfd state = {.fd = fuse_session_fd(session->fuse)};

    return poll(&state, 1, 0) == 1 && (state.revents & POLLERR);
}

/*
 * libfuse would now unmount by itself, and may not any more. Of a connection that is cut off it
 * only closes the descriptor: so it is given one that is, the end of a pipe that nobody reads.
 */
static void hide_mount(const struct session *session)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return;
    close(ends[0]);
    dup3(ends[1], fuse_session_fd(session->fuse), O_CLOEXEC);
    close(ends[1]);
}

/*
 * Nothing is served any more: whoever waits for an answer is to be told. What was handed over stays
 * a mount until somebody who may unmounts it; but with the end of its descriptor all in it fails.
 */
static void unmount(struct session *session)
{
    if (session->is_handed) {
        handed_abort(&session->handed);
        hide_mount(session);
    } else if (!is_cut_off(session) && keeper_unmount(session->setup.keeper) == 0) {
        hide_mount(session);
    }
    fuse_session_unmount(session->fuse);
    session->mounted = false;
}

int session_serve(struct session *session)
{
    struct mount *mount = session->setup.mount;
    int result;

    session->server = pthread_self();
    mutex_lock(&session->mutex);
    session->serving = true;
    mutex_unlock(&session->mutex);
    result = run_loop(session);
    mutex_lock(&session->mutex);
    session->serving = false;
    cond_broadcast(&session->changed);
    mutex_unlock(&session->mutex);
    waiters_stop(mount->waiters);
    unmount(session);
    stop_publisher(session);
    /* ECONNABORTED: cut off from outside (umount -f, fusectl), which is an unmount, too. */
    return result < 0 && result != -ECONNABORTED ? result : 0;
}

void session_destroy(struct session *session)
{
    if (!session)
        return;
    if (session->signals) {
        pthread_kill(session->signals, SIGUSR2);
        pthread_join(session->signals, NULL);
    }
    if (session->mounted)
        unmount(session);
    stop_publisher(session);
    if (session->fuse)
        fuse_session_destroy(session->fuse);
    if (session->is_handed)
        handed_fini(&session->handed);
    cond_fini(&session->changed);
    mutex_fini(&session->mutex);
    free(session);
}
