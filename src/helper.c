/* SPDX-License-Identifier: MIT */
#include "helper.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "conf/options.h"
#include "mount/stale.h"

#define MOUNT_FUSE     "/sbin/mount.fuse3"
#define LIST_MAX_BYTES (64 * 1024)

/* mount(8), "EXIT STATUS". */
#define MOUNT_USAGE  1
#define MOUNT_FAILED 32

/* Wherever mount(8) was called from, what is started is not found by a path of the caller's. */
static const char safe_path[] = "/usr/sbin:/usr/bin:/sbin:/bin";

/* What mount(8) asked for. */
struct call {
    const char *source;
    const char *mountpoint;
    struct buf list;  /* of -o, without the two options */
    const char *user; /* setuid=; NULL: stay who we are */
    uid_t uid;        /* who the daemon will be */
};

int helper_status(enum exit_status status)
{
    if (status == EXIT_STATUS_OK)
        return 0;
    return status == EXIT_STATUS_USAGE ? MOUNT_USAGE : MOUNT_FAILED;
}

/* One -o: the two options are taken out of the list. As mount.fuse3 does, it cuts at each comma. */
static int take_list(struct call *call, char *list)
{
    int error = 0;

    for (char *option; !error && (option = strsep(&list, ","));) {
        if (strncmp(option, "setuid=", strlen("setuid=")) == 0)
            call->user = option + strlen("setuid=");
        else if (strcmp(option, "drop_privileges") != 0)
            error = buf_printf(&call->list, "%s%s", call->list.length ? "," : "", option);
    }
    return error;
}

/* The form that mount(8) has: SOURCE DIRECTORY [-sfnvN] [-o OPTIONS] [-t TYPE]. */
static int read_call(int argc, char *const argv[], struct call *call)
{
    int error = 0;

    for (int i = 1; i < argc && !error; i++) {
        const char *argument = argv[i];
        bool takes_next = strcmp(argument, "-N") == 0 || strcmp(argument, "-t") == 0;

        if (strcmp(argument, "-o") == 0 && i + 1 < argc)
            error = take_list(call, argv[++i]);
        else if (takes_next)
            i++;
        else if (argument[0] != '-' && !call->source)
            call->source = argument;
        else if (argument[0] != '-')
            call->mountpoint = argument;
    }
    return error;
}

/* Whether the two options are there at all, before anything is changed. */
static bool asks_for_it(int argc, char *const argv[])
{
    for (int i = 1; i + 1 < argc; i++) {
        const char *at = strcmp(argv[i], "-o") == 0 ? argv[i + 1] : "";

        for (; *at; at += *at == ',') {
            size_t length = strcspn(at, ",");

            if (strncmp(at, "setuid=", strlen("setuid=")) == 0 ||
                (length == strlen("drop_privileges") &&
                 strncmp(at, "drop_privileges", length) == 0))
                return true;
            at += length;
        }
    }
    return false;
}

/* The daemon's home and groups are that user's, not those of whoever mounts. */
static int prepare_user(struct call *call, struct failure *failure)
{
    const struct passwd *user;

    setenv("PATH", safe_path, 1);
    if (!call->user)
        return 0;
    user = getpwnam(call->user);
    if (!user)
        return failure_set(failure, -EINVAL, "setuid: there is no user \"%.60s\".", call->user);
    if (geteuid() != 0)
        return failure_set(failure, -EPERM, "setuid: only root can mount for another user.");
    if (initgroups(user->pw_name, user->pw_gid) < 0)
        return failure_set_errno(failure, -errno, "setuid");
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("XDG_DATA_HOME");
    setenv("HOME", user->pw_dir, 1);
    call->uid = user->pw_uid;
    return 0;
}

/* A comma in the source would end it, and a backslash before it keeps it. */
static int append_source(struct buf *list, const char *source)
{
    int error = buf_append_text(list, "fsname=");

    for (; *source && !error; source++) {
        if (*source == ',' || *source == '\\')
            error = buf_append_text(list, "\\");
        if (!error)
            error = buf_append(list, source, 1);
    }
    return error;
}

/* Of two that contradict each other the last one counts. */
static int complete_list(struct call *call, const char *url)
{
    int error = append_source(&call->list, url);

    if (!error)
        error = buf_append_text(&call->list, ",subtype=easelfs,allow_other,default_permissions,"
                                             "nosuid,nodev,noexec,drop_privileges");
    if (!error && call->user)
        error = buf_printf(&call->list, ",setuid=%s", call->user);
    return error;
}

/* "/usr/bin/easelfs#URL", as mount.fuse3 wants program and source. */
static int name_program(const char *source, char **ret_name, struct failure *failure)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

    if (length < 0)
        return failure_set_errno(failure, -errno, "/proc/self/exe");
    path[length] = '\0';
    if (strchr(path, '#'))
        return failure_set(failure, -EINVAL, "There is a # in the path of easelfs.");
    if (asprintf(ret_name, "%s#%s", path, source) < 0) {
        *ret_name = NULL;
        return failure_set_errno(failure, -ENOMEM, "easelfs");
    }
    return 0;
}

/* It says itself what is wrong. */
static enum exit_status wait_for(pid_t pid, const char *mountpoint)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            break;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return EXIT_STATUS_OK;
    stale_clean(mountpoint);
    return EXIT_STATUS_FAILURE;
}

static enum exit_status hand_over(const struct call *call, bool foreground, struct failure *failure)
{
    cleanup_free char *program = NULL;
    pid_t pid = 0;

    if (name_program(call->source, &program, failure))
        return EXIT_STATUS_FAILURE;
    stale_clean(call->mountpoint);
    if (!foreground)
        pid = fork();
    if (pid == 0) {
        execl(MOUNT_FUSE, MOUNT_FUSE, program, call->mountpoint, "-o", buf_text(&call->list), NULL);
        failure_set_errno(failure, -errno, MOUNT_FUSE);
        if (foreground)
            return EXIT_STATUS_FAILURE;
        fprintf(stderr, "easelfs: %s\n", failure->text);
        _exit(MOUNT_FAILED);
    }
    if (pid < 0) {
        failure_set_errno(failure, -errno, "easelfs");
        return EXIT_STATUS_FAILURE;
    }
    return wait_for(pid, call->mountpoint);
}

/* As the daemon will read them, and as its user: what is wrong is said before there is a mount. */
static enum exit_status check_options(const struct call *call, const char *program,
                                      const struct options **ret_options, struct failure *failure)
{
    const char *list = call->list.length ? buf_text(&call->list) : "rw";
    const char *arguments[] = {program, call->source, call->mountpoint, "-o", list, NULL};
    uid_t self = geteuid();
    enum exit_status status;

    if (seteuid(call->uid) < 0) {
        failure_set_errno(failure, -errno, "setuid");
        return EXIT_STATUS_FAILURE;
    }
    status = options_parse(5, (char *const *)arguments, ret_options, failure);
    if (seteuid(self) < 0) {
        failure_set_errno(failure, -errno, "setuid");
        return EXIT_STATUS_FAILURE;
    }
    return status;
}

static enum exit_status delegate(struct call *call, const char *program, struct failure *failure)
{
    cleanup_options const struct options *options = NULL;
    enum exit_status status;
    bool foreground;

    if (!call->source || !call->mountpoint) {
        failure_set(failure, -EINVAL, "setuid and drop_privileges: call it as mount(8) does.");
        return EXIT_STATUS_USAGE;
    }
    if (prepare_user(call, failure))
        return EXIT_STATUS_FAILURE;
    status = check_options(call, program, &options, failure);
    if (status != EXIT_STATUS_OK)
        return status;
    foreground = options->foreground;
    if ((call->list.length && buf_append_text(&call->list, ",")) ||
        complete_list(call, options->url)) {
        failure_set(failure, -E2BIG, "The list of mount options is too long.");
        return EXIT_STATUS_FAILURE;
    }
    return hand_over(call, foreground, failure);
}

bool helper_delegate(int argc, char *const argv[], enum exit_status *ret_status,
                     struct failure *failure)
{
    struct call call = {.list = {.max = LIST_MAX_BYTES}, .uid = geteuid()};

    if (!asks_for_it(argc, argv))
        return false;
    *ret_status = EXIT_STATUS_FAILURE;
    if (read_call(argc, argv, &call))
        failure_set(failure, -E2BIG, "The list of mount options is too long.");
    else
        *ret_status = delegate(&call, argv[0], failure);
    buf_fini(&call.list);
    return true;
}
