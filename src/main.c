/* SPDX-License-Identifier: MIT
 *
 * easelfs: image models as directories. This file builds everything from the bottom up, serves, and
 * takes it down again. The map:
 *
 *   base/     ownership, buffers, text, durable files, clocks, log, mutex, pool of threads
 *   conf/     options, the API key, models, settings, the text of a prompt
 *   store/    the store on disk, inodes of its tree, job records, the spool, kinds of pictures
 *   api/      the API's JSON: request bodies, answers, errors. Pure
 *   net/      HTTP: one thread with every connection; which addresses may be reached
 *   job/      from a committed prompt to pictures: schedule, freeze, send, harvest, deliver
 *   tree/     what each name in the mount is and does; the commit rule
 *   mount/    FUSE: operations, session, results entering the mount, blocked reads
 *   standin/  easelfs-standin, the API of --demo and of the tests: a program of its own
 *   models, models_ask        the models of `models = auto`: the API's list, and the one kept
 *   background, demo, check   going into the background; the stand-in as a child; --check
 *   harden                    what the daemon gives up once it has mounted
 *   notify                    what a service manager is told
 *   helper                    what is different when mount(8) calls
 *   completion/               the shells' completions, made by a program of the build
 *
 * Threads: FUSE's workers (mount/ops), signals (mount/session), blocked reads (mount/waiters), the
 * publisher (mount/publish), the scheduler (job/scheduler), the transport (net/transport), and the
 * pool for whatever waits for the disk (base/pool). src/README.md has the details.
 */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "background.h"
#include "base/clock.h"
#include "base/keeper.h"
#include "base/pool.h"
#include "base/text.h"
#include "check.h"
#include "conf/exit.h"
#include "conf/key.h"
#include "conf/options.h"
#include "demo.h"
#include "harden.h"
#include "helper.h"
#include "job/jobs.h"
#include "models.h"
#include "mount/handed.h"
#include "mount/publish.h"
#include "mount/session.h"
#include "mount/stale.h"
#include "mount/waiters.h"
#include "net/guard.h"
#include "net/transport.h"
#include "notify.h"
#include "store/imagetype.h"
#include "store/store.h"
#include "tree/tree.h"

#define POOL_THREAD_COUNT 4
#define TEXT_MAX_BYTES    (256 * 1024)
/* What is left to be done when the drain is over: error files, records. */
#define DRAIN_MARGIN_MS 30000
#define TEXT_MAX_STATUS 256
#define USER_AGENT      "easelfs/" EASELFS_VERSION

/* Everything there is, in the order in which it is built. NULL: not yet. */
struct daemon {
    const struct options *options;
    struct key *key;
    int ready_fd; /* background: whom to tell; -1: nobody */
    struct keeper *keeper;
    struct demo demo;
    const char *base_url;
    struct store *store;
    const struct model_list *models; /* what is mounted: the options', or listed */
    struct model_list listed;        /* by the API, with `models = auto` */
    struct imagetype *imagetype;
    struct inode_table *inodes;
    struct pool *pool;
    struct guard *guard;
    struct transport *transport;
    struct publisher *publisher;
    struct waiters *waiters;
    struct jobs *jobs;
    struct tree *tree;
    struct mount mount;
    struct session *session;
    bool served; /* the session has had its end */
};

static enum exit_status complain(enum exit_status status, const struct failure *failure)
{
    fprintf(stderr, "easelfs: %s\n", failure->text);
    if (failure->advice[0])
        fprintf(stderr, "easelfs: %s\n", failure->advice);
    return status;
}

static enum exit_status print(int (*format)(struct buf *text))
{
    cleanup_buf struct buf text = {.max = TEXT_MAX_BYTES};

    if (format(&text))
        return EXIT_STATUS_FAILURE;
    fputs(buf_text(&text), stdout);
    return EXIT_STATUS_OK;
}

static int format_version(struct buf *text)
{
    return buf_append_text(text, "easelfs " EASELFS_VERSION "\n");
}

static enum exit_status print_config(const struct options *options)
{
    cleanup_buf struct buf text = {.max = TEXT_MAX_BYTES};

    if (options_print_config(options, &text))
        return EXIT_STATUS_FAILURE;
    fputs(buf_text(&text), stdout);
    return EXIT_STATUS_OK;
}

static enum exit_status load_key(struct daemon *daemon)
{
    struct failure failure;
    int error;

    failure_init(&failure);
    error = key_load(daemon->options->api_key_file, &daemon->key, &failure);
    if (error && error != -ENOKEY && !daemon->options->demo)
        return complain(EXIT_STATUS_KEY, &failure);
    if (error == -ENOKEY && !daemon->options->demo)
        complain(EXIT_STATUS_KEY, &failure); /* mounted all the same: pictures can be looked at */
    if (daemon->options->demo) {
        key_destroy(daemon->key); /* nobody's key goes to the stand-in */
        daemon->key = NULL;
    }
    return EXIT_STATUS_OK;
}

/* Each inode that the kernel knows takes a descriptor. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void report_ready(void *context)
{
    struct daemon *daemon = context;

    char status[TEXT_MAX_STATUS];

    snprintf(status, sizeof(status), "mounted on %s", daemon->mount.place);
    text_make_printable(status, '?');
    log_info("%s", status);
    notify_ready(status);
    if (daemon->ready_fd >= 0)
        background_ready(steal_fd(&daemon->ready_fd));
}

static enum exit_status start_demo(struct daemon *daemon)
{
    struct failure failure;

    failure_init(&failure);
    daemon->base_url = daemon->options->url;
    if (!daemon->options->demo)
        return EXIT_STATUS_OK;
    if (demo_start(&daemon->demo, &failure))
        return complain(EXIT_STATUS_STANDIN, &failure);
    daemon->base_url = daemon->demo.url;
    return EXIT_STATUS_OK;
}

static enum exit_status open_store(struct daemon *daemon)
{
    struct failure failure;

    failure_init(&failure);
    if (store_open(daemon->options->store, &daemon->store, &failure))
        return complain(EXIT_STATUS_STORE, &failure);
    return EXIT_STATUS_OK;
}

static enum exit_status load_models(struct daemon *daemon)
{
    const struct options *options = daemon->options;
    struct failure failure;
    enum exit_status status = EXIT_STATUS_OK;

    failure_init(&failure);
    daemon->models = options->models.automatic ? &daemon->listed : &options->models;
    if (options->models.automatic)
        status = models_load(options, daemon->base_url, daemon->key, daemon->store, &daemon->listed,
                             &failure);
    return status == EXIT_STATUS_OK ? status : complain(status, &failure);
}

static int build_net(struct daemon *daemon, struct failure *failure)
{
    const struct options *options = daemon->options;
    struct transport_options transport = {
        .connect_timeout_ms = (int64_t)options->connect_timeout_s * 1000,
        .timeout_ms = (int64_t)options->timeout_s * 1000,
        .max_response_bytes = options->max_response_bytes,
        .base_url = daemon->base_url,
        .ca_file = options->ca_file,
        .user_agent = USER_AGENT,
    };
    int error = guard_create(daemon->base_url, (const char *const *)options->result_hosts,
                             options->result_host_count, &daemon->guard, failure);

    transport.guard = daemon->guard;
    return error ? error : transport_create(&transport, &daemon->transport, failure);
}

static int build_jobs(struct daemon *daemon)
{
    const struct jobs_setup setup = {
        .options = daemon->options,
        .models = daemon->models,
        .key = daemon->key,
        .store = daemon->store,
        .imagetype = daemon->imagetype,
        .pool = daemon->pool,
        .transport = daemon->transport,
        .base_url = daemon->base_url,
        .publisher =
            {
                .context = daemon->publisher,
                .publish = publisher_publish,
                .remove = publisher_remove,
                .invalidate = publisher_invalidate,
                .ended = waiters_kick,
                .ended_context = daemon->waiters,
            },
    };

    return jobs_create(&setup, &daemon->jobs);
}

static int build_tree(struct daemon *daemon)
{
    const struct tree_setup setup = {
        .options = daemon->options,
        .models = daemon->models,
        .base_url = daemon->base_url,
        .store = daemon->store,
        .jobs = daemon->jobs,
        .inodes = daemon->inodes,
        .keeper = daemon->keeper,
    };
    int error = tree_create(&setup, &daemon->tree);

    if (!error)
        waiters_set_tree(daemon->waiters, daemon->tree);
    return error;
}

/* Everything but the store and the session, which say more of what is wrong with them. */
static int build_parts(struct daemon *daemon, struct failure *failure)
{
    int error = imagetype_create(&daemon->imagetype);

    if (!error)
        error = inode_table_create(&daemon->inodes);
    if (!error)
        error = pool_create(POOL_THREAD_COUNT, &daemon->pool);
    if (!error)
        error = build_net(daemon, failure);
    if (!error)
        error = publisher_create(&daemon->publisher);
    if (!error)
        error = waiters_create(&daemon->waiters);
    if (!error)
        error = build_jobs(daemon);
    if (!error)
        error = build_tree(daemon);
    if (error && !failure->text[0])
        failure_set_errno(failure, error, "easelfs cannot start");
    return error;
}

static enum exit_status start_keeper(struct daemon *daemon)
{
    const struct keeper_setup setup = {
        .mountpoint = daemon->options->mountpoint,
        .unmount = stale_unmount,
    };
    struct failure failure;
    int error = keeper_start(&setup, &daemon->keeper);

    failure_init(&failure);
    if (!error)
        return EXIT_STATUS_OK;
    failure_set_errno(&failure, error, "easelfs cannot start");
    return complain(EXIT_STATUS_FAILURE, &failure);
}

/* Mount, and then give up what was needed for that. No thread runs yet. */
static int mount_and_harden(struct daemon *daemon, struct failure *failure)
{
    const struct session_setup session = {
        .options = daemon->options,
        .source = daemon->base_url,
        .keeper = daemon->keeper,
        .mount = &daemon->mount,
    };
    struct harden_setup harden = {
        .options = daemon->options,
        .gives_files_away = !daemon->options->shared, /* there, owners are on record */
    };
    int error = session_create(&session, &daemon->session, failure);

    if (error)
        return error;
    harden.mountpoint_count = session_places(daemon->session, &harden.mountpoints);
    return harden_process(&harden, failure);
}

static int start_session(struct daemon *daemon, struct failure *failure)
{
    daemon->mount = (struct mount){
        .tree = daemon->tree,
        .publisher = daemon->publisher,
        .waiters = daemon->waiters,
        .ready = report_ready,
        .ready_context = daemon,
    };
    return session_start(daemon->session, daemon->jobs, failure);
}

static struct inode *resolve_path(void *context, const char *path)
{
    return tree_resolve(context, path);
}

static struct inode *resolve_top(void *context, const char *model, const struct owner *owner)
{
    return tree_resolve_top(context, model, owner);
}

/* From the mount to the last answer. */
static enum exit_status serve(struct daemon *daemon)
{
    int64_t drain_ms = (int64_t)daemon->options->drain_s * 1000;
    const struct jobs_places places = {daemon->tree, resolve_path, resolve_top};
    int error = jobs_start(daemon->jobs, &places);

    if (!error)
        error = tree_start_count(daemon->tree);
    if (!error) {
        daemon->served = true;
        error = session_serve(daemon->session);
    }
    notify_stopping("Waiting for the answers to what was sent", drain_ms + DRAIN_MARGIN_MS);
    jobs_drain(daemon->jobs, clock_now_ms() + drain_ms);
    jobs_close(daemon->jobs);
    pool_wait_idle(daemon->pool);
    return error ? EXIT_STATUS_FAILURE : EXIT_STATUS_OK;
}

static enum exit_status build_and_serve(struct daemon *daemon)
{
    struct failure failure;
    enum exit_status status = start_keeper(daemon);

    failure_init(&failure);
    if (status == EXIT_STATUS_OK)
        status = start_demo(daemon);
    if (status == EXIT_STATUS_OK)
        status = open_store(daemon);
    if (status == EXIT_STATUS_OK)
        status = load_models(daemon);
    if (status != EXIT_STATUS_OK)
        return status;
    if (mount_and_harden(daemon, &failure) || build_parts(daemon, &failure) ||
        start_session(daemon, &failure))
        return complain(EXIT_STATUS_FAILURE, &failure);
    return serve(daemon);
}

/* In the reverse order, whatever of it was built. */
static void take_down(struct daemon *daemon)
{
    transport_destroy(daemon->transport); /* what is in flight still ends in the pool */
    if (daemon->pool)
        pool_wait_idle(daemon->pool);
    if (daemon->waiters && !daemon->served)
        waiters_stop(daemon->waiters);
    session_destroy(daemon->session);
    jobs_destroy(daemon->jobs);
    tree_destroy(daemon->tree);
    waiters_destroy(daemon->waiters);
    publisher_destroy(daemon->publisher);
    guard_destroy(daemon->guard);
    pool_destroy(daemon->pool);
    inode_table_destroy(daemon->inodes);
    imagetype_destroy(daemon->imagetype);
    models_fini(&daemon->listed);
    store_close(daemon->store);
    demo_stop(&daemon->demo);
    keeper_stop(daemon->keeper);
    log_hide(NULL);
    key_destroy(daemon->key);
    if (daemon->ready_fd >= 0)
        close(daemon->ready_fd);
}

static enum exit_status check(const struct daemon *daemon)
{
    cleanup_buf struct buf report = {.max = TEXT_MAX_BYTES};
    enum exit_status status = check_all(daemon->options, daemon->key, &report);

    fputs(buf_text(&report), stdout);
    return status;
}

static enum exit_status run(const struct options *options)
{
    struct daemon daemon = {.options = options, .ready_fd = -1, .demo = {.stdin_fd = -1}};
    struct failure failure;
    enum exit_status status;

    failure_init(&failure);
    harden_memory(options);
    status = load_key(&daemon);
    if (status != EXIT_STATUS_OK)
        return status;
    if (options->check) {
        status = check(&daemon);
        key_destroy(daemon.key);
        return status;
    }
    if (!options->foreground) {
        if (background_start(&daemon.ready_fd, &failure)) {
            key_destroy(daemon.key);
            return complain(EXIT_STATUS_FAILURE, &failure);
        }
        log_to_syslog();
    }
    log_set_level((enum log_level)options->log_level);
    if (daemon.key) {
        key_settle(daemon.key);
        log_hide(key_text(daemon.key));
    }
    status = build_and_serve(&daemon);
    take_down(&daemon);
    return status;
}

static void log_notes(const char *notes)
{
    while (*notes) {
        size_t length = strcspn(notes, "\n");

        log_warning("%.*s", (int)length, notes);
        notes += length + (notes[length] == '\n');
    }
}

static enum exit_status begin(int argc, char *argv[])
{
    cleanup_options const struct options *options = NULL;
    struct failure failure;
    enum exit_status status;

    failure_init(&failure);
    if (argc > 0 && options_is_mount_helper(argv[0]) &&
        helper_delegate(argc, argv, &status, &failure))
        return failure.text[0] ? complain(status, &failure) : status;
    status = options_parse(argc, argv, &options, &failure);
    if (status != EXIT_STATUS_OK)
        return complain(status, &failure);
    if (options->help)
        return print(options_print_help);
    if (options->version)
        return print(format_version);
    if (options->print_config)
        return print_config(options);
    log_notes(options->notes);
    umask(0);                  /* users' masks have been applied by the kernel */
    unsetenv("SSLKEYLOGFILE"); /* libcurl would write session keys to it */
    handed_keep(options->mountpoint);
    setlocale(LC_CTYPE, "C.UTF-8"); /* libcurl has names of hosts in it */
    notify_open();
    session_block_signals();
    raise_descriptor_limit();
    return run(options);
}

int main(int argc, char *argv[])
{
    enum exit_status status = begin(argc, argv);

    return argc > 0 && options_is_mount_helper(argv[0]) ? helper_status(status) : (int)status;
}
