/* SPDX-License-Identifier: MIT */
#include "mount/handed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

#define PREFIX    "/dev/fd/"
#define PATH_SIZE 32

/* A line of mountinfo, as far as it matters: pointers into it. */
struct mount_line {
    unsigned major;
    unsigned minor;
    char *root;          /* what of the file system is seen there */
    char *path;          /* unescaped */
    char *flags;         /* of the mount */
    char *type;          /* fuse.easelfs */
    char *super_options; /* of the file system */
};

/* What a mount must have. The kernel shows the first three among its flags. */
static const char *const flags_needed[] = {"nosuid", "nodev", "noexec"};

int handed_descriptor(const char *mountpoint)
{
    char *end;
    long fd;

    if (!mountpoint || strncmp(mountpoint, PREFIX, strlen(PREFIX)) != 0 ||
        mountpoint[strlen(PREFIX)] < '0' || mountpoint[strlen(PREFIX)] > '9')
        return -1;
    errno = 0;
    fd = strtol(mountpoint + strlen(PREFIX), &end, 10);
    return errno || *end || fd > 1 << 20 ? -1 : (int)fd;
}

void handed_keep(const char *mountpoint)
{
    int fd = handed_descriptor(mountpoint);

    if (fd >= 0)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
}

void handed_fini(struct handed *handed)
{
    for (size_t i = 0; i < handed->count; i++)
        free(handed->path[i]);
    handed->count = 0;
    if (handed->abort_fd >= 0)
        close(handed->abort_fd);
    handed->abort_fd = -1;
}

static bool has_option(const char *list, const char *option)
{
    size_t length = strlen(option);

    for (const char *at = list; *at; at += strcspn(at, ",")) {
        at += *at == ',';
        if (strcspn(at, ",") == length && memcmp(at, option, length) == 0)
            return true;
    }
    return false;
}

/* Spaces and the like stand as \040 there. */
static void unescape(char *text)
{
    char *to = text;

    for (const char *from = text; *from; to++) {
        if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] >= '0' &&
            from[2] <= '7' && from[3] >= '0' && from[3] <= '7') {
            *to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = '\0';
}

/* "36 35 98:0 /root /path flags tags... - type source options" */
static bool parse_line(char *text, struct mount_line *line)
{
    char *rest = text;
    const char *device;

    text[strcspn(text, "\n")] = '\0';
    strsep(&rest, " ");
    strsep(&rest, " ");
    device = strsep(&rest, " ");
    line->root = strsep(&rest, " ");
    line->path = strsep(&rest, " ");
    line->flags = strsep(&rest, " ");
    if (!rest || sscanf(device, "%u:%u", &line->major, &line->minor) != 2)
        return false;
    while (rest && strcmp(strsep(&rest, " "), "-") != 0)
        continue;
    line->type = strsep(&rest, " ");
    strsep(&rest, " ");
    line->super_options = strsep(&rest, " ");
    if (!line->super_options)
        return false;
    unescape(line->path);
    return true;
}

/* The number of the connection, where the kernel tells it, as Linux 6.18 does; else 0. */
static unsigned read_connection(FILE *fdinfo)
{
    char line[128];
    unsigned number = 0;

    while (fdinfo && fgets(line, sizeof(line), fdinfo)) {
        if (sscanf(line, "fuse_connection: %u", &number) == 1)
            break;
    }
    return number;
}

/* The type is called as the program was, be it with its path. */
static bool is_easelfs(const char *type)
{
    const char *slash = strrchr(type, '/');

    return strcmp(slash ? slash + 1 : type + strlen("fuse."), "easelfs") == 0;
}

/* Whether it may be ours. Where its number is not known, all that this user has are looked at. */
static bool may_be_ours(const struct mount_line *line, unsigned connection, uid_t uid)
{
    char owner[32];

    if (strncmp(line->type, "fuse.", strlen("fuse.")) != 0)
        return false;
    if (connection)
        return line->major == 0 && line->minor == connection;
    snprintf(owner, sizeof(owner), "user_id=%u", uid);
    return strcmp(line->root, "/") == 0 && is_easelfs(line->type) &&
           has_option(line->super_options, owner);
}

static void name_missing(char missing[FAILURE_TEXT_SIZE], const char *option)
{
    size_t length = strlen(missing);

    snprintf(missing + length, FAILURE_TEXT_SIZE - length, "%s%s", length ? "," : "", option);
}

/* Nobody but who mounted it can give it what it lacks. */
static int check_options(const struct mount_line *line, bool shared, struct failure *failure)
{
    char missing[FAILURE_TEXT_SIZE] = "";

    for (size_t i = 0; i < sizeof(flags_needed) / sizeof(flags_needed[0]); i++) {
        if (!has_option(line->flags, flags_needed[i]))
            name_missing(missing, flags_needed[i]);
    }
    if (!has_option(line->super_options, "default_permissions"))
        name_missing(missing, "default_permissions");
    if (shared && !has_option(line->super_options, "allow_other"))
        name_missing(missing, "allow_other");
    if (!missing[0])
        return 0;
    failure_set(failure, -EPERM, "%.200s was mounted without %s.", line->path, missing);
    failure_advise(failure, "Unmount it, and add these to the options of mount.fuse3.");
    return -EPERM;
}

int handed_parse(FILE *fdinfo, FILE *mountinfo, uid_t uid, bool shared, struct handed *ret_handed,
                 struct failure *failure)
{
    unsigned connection = read_connection(fdinfo);
    struct handed handed = {.abort_fd = -1};
    cleanup_free char *text = NULL;
    size_t size = 0;
    int error = 0;

    while (!error && handed.count < HANDED_PATHS_MAX && getline(&text, &size, mountinfo) >= 0) {
        struct mount_line line;

        if (!parse_line(text, &line) || !may_be_ours(&line, connection, uid))
            continue;
        error = check_options(&line, shared, failure);
        if (!error) {
            handed.path[handed.count] = strdup(line.path);
            error = handed.path[handed.count] ? 0 : -ENOMEM;
        }
        if (!error) {
            handed.connection = line.minor;
            handed.count++;
        }
    }
    if (!error && !handed.count)
        error = failure_set(failure, -ENOENT, "The mount that was handed over is not to be seen.");
    if (error)
        handed_fini(&handed);
    else
        *ret_handed = handed;
    return error;
}

/* The kernel lets the user cut off the own mounts, where its control file system is mounted. */
static int open_abort(const struct handed *handed)
{
    char path[PATH_SIZE * 2];

    if (handed->count != 1)
        return -1;
    snprintf(path, sizeof(path), "/sys/fs/fuse/connections/%u/abort", handed->connection);
    return open(path, O_WRONLY | O_CLOEXEC);
}

int handed_find(int fd, bool shared, struct handed *ret_handed, struct failure *failure)
{
    char path[PATH_SIZE];
    cleanup_fclose FILE *fdinfo = NULL;
    cleanup_fclose FILE *mountinfo = fopen("/proc/self/mountinfo", "re");
    int error;

    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    fdinfo = fopen(path, "re");
    if (!mountinfo)
        return failure_set_errno(failure, -errno, "/proc/self/mountinfo");
    error = handed_parse(fdinfo, mountinfo, geteuid(), shared, ret_handed, failure);
    if (!error)
        ret_handed->abort_fd = open_abort(ret_handed);
    return error;
}

void handed_abort(const struct handed *handed)
{
    if (handed->abort_fd >= 0 && write(handed->abort_fd, "1", 1) != 1)
        log_debug("the mount cannot be cut off: %s", error_text(-errno));
}
