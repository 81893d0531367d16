/* SPDX-License-Identifier: MIT
 *
 * Landlock, by its system calls: the headers of Debian 12 are older than what kernels know. A rule
 * holds for what is below a file or directory; of what has none, nothing can be opened, made,
 * renamed or removed. What is open already stays so.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "harden_internal.h"

/* Before this version nothing could be renamed from one directory to another. */
#define VERSION_NEEDED   2
#define VERSION_TRUNCATE 3
#define VERSION_NETWORK  4
#define VERSION_SCOPE    6

#define ACCESS_TRUNCATE (1ull << 14) /* LANDLOCK_ACCESS_FS_TRUNCATE */
#define ACCESS_BIND_TCP (1ull << 0)  /* LANDLOCK_ACCESS_NET_BIND_TCP */
#define SCOPE_SIGNAL    (1ull << 1)  /* LANDLOCK_SCOPE_SIGNAL */

/* struct landlock_ruleset_attr of version 6; an older kernel takes the longer one if the rest is 0.
 */
struct ruleset_attributes {
    uint64_t files;
    uint64_t network;
    uint64_t scope;
};

#define ACCESS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

/* All of version 2. */
#define ACCESS_ALL ((LANDLOCK_ACCESS_FS_REFER << 1) - 1)

/* The store has no programs and no devices; users may make anything else in it. */
#define ACCESS_STORE                                                                      \
    (ACCESS_ALL & ~(uint64_t)(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | \
                              LANDLOCK_ACCESS_FS_MAKE_BLOCK))

/* Results enter the mount by being renamed there. */
#define ACCESS_MOUNT \
    (LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REFER)

/* What is right for a file that is no directory. */
#define ACCESS_OF_FILES                                                                          \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | \
     ACCESS_TRUNCATE)

/*
 * What the C library, libcurl, OpenSSL and libmagic read while the daemon runs, also to learn what
 * users are called. /etc as a whole, because a rule is for a file and not for its name: resolv.conf
 * and the bundle of certificates are replaced while we run. The links in /etc lead to /run.
 */
static const char *const read_paths[] = {
    "/usr",
    "/lib",
    "/lib64",
    "/etc",
    "/run/systemd/resolve",
    "/run/resolvconf",
    "/run/NetworkManager",
    "/run/connman",
    "/run/nscd",
    "/run/systemd/userdb",
    "/var/lib/sss",
    "/var/lib/ca-certificates",
    "/proc",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
    "/dev/null",
    "/dev/urandom",
    "/dev/random",
    "/proc/self/exe", /* a sanitizer reads the names of functions there */
};

int landlock_version(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    return version >= VERSION_NEEDED ? (int)version : 0;
}

static int create_ruleset(int version)
{
    const struct ruleset_attributes attributes = {
        .files = ACCESS_ALL | (version >= VERSION_TRUNCATE ? ACCESS_TRUNCATE : 0),
        .network = version >= VERSION_NETWORK ? ACCESS_BIND_TCP : 0,
        .scope = version >= VERSION_SCOPE ? SCOPE_SIGNAL : 0,
    };
    long fd = syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0);

    return fd < 0 ? -errno : (int)fd;
}

static int add_rule(int ruleset, int fd, uint64_t access)
{
    const struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = fd};

    return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0
               ? -errno
               : 0;
}

/*
 * What is not there needs no rule. Whether it is a directory is left to the kernel to say: asking
 * would be a request to our own mount, which nobody serves yet.
 */
static int allow(int ruleset, const char *path, uint64_t access)
{
    cleanup_close int fd = open(path, O_PATH | O_CLOEXEC);
    int error;

    if (fd < 0)
        return 0;
    error = add_rule(ruleset, fd, access);
    if (error == -EINVAL) /* it is none: what is left of it for a file? */
        error = access & ACCESS_OF_FILES ? add_rule(ruleset, fd, access & ACCESS_OF_FILES) : 0;
    return error;
}

static int allow_all(const struct harden_setup *setup, int ruleset, int version)
{
    const struct options *options = setup->options;
    uint64_t truncate = version >= VERSION_TRUNCATE ? ACCESS_TRUNCATE : 0;
    int error = allow(ruleset, options->store, ACCESS_STORE | truncate);

    if (!error)
        error = allow(ruleset, "/dev/null", LANDLOCK_ACCESS_FS_WRITE_FILE);
    for (size_t i = 0; !error && i < setup->mountpoint_count; i++)
        error = allow(ruleset, setup->mountpoints[i], ACCESS_MOUNT);
    if (!error && options->ca_file)
        error = allow(ruleset, options->ca_file, LANDLOCK_ACCESS_FS_READ_FILE);
    for (size_t i = 0; !error && i < sizeof(read_paths) / sizeof(read_paths[0]); i++)
        error = allow(ruleset, read_paths[i], ACCESS_READ);
    return error;
}

int landlock_confine(const struct harden_setup *setup, int version)
{
    cleanup_close int ruleset = create_ruleset(version);
    int error = ruleset < 0 ? ruleset : allow_all(setup, ruleset, version);

    if (error)
        return error;
    return syscall(SYS_landlock_restrict_self, ruleset, 0) < 0 ? -errno : 0;
}
