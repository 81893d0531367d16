/* SPDX-License-Identifier: MIT
 *
 * What a hardened process can and cannot do, in children that are one: files, system calls,
 * capabilities, memory; and each part left out by its option.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "harden_internal.h"

struct place {
    char root[32];
    char store[48];
    char mountpoint[48];
    char outside[48]; /* a file */
    char ca_file[48];
    struct options options;
    struct harden_setup setup;
    const char *mountpoints[1];
};

static void write_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(io_write_all(fd, "x", 1), 0);
    close(fd);
}

static int make_place(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    char path[64];

    assert_non_null(place);
    snprintf(place->root, sizeof(place->root), "/tmp/easelfs-harden-XXXXXX");
    assert_non_null(mkdtemp(place->root));
    snprintf(place->store, sizeof(place->store), "%s/store", place->root);
    snprintf(place->mountpoint, sizeof(place->mountpoint), "%s/mnt", place->root);
    snprintf(place->outside, sizeof(place->outside), "%s/outside", place->root);
    snprintf(place->ca_file, sizeof(place->ca_file), "%s/ca.pem", place->root);
    assert_int_equal(mkdir(place->store, 0700), 0);
    assert_int_equal(mkdir(place->mountpoint, 0700), 0);
    snprintf(path, sizeof(path), "%s/below", place->store);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/inside", place->store);
    write_file(path);
    snprintf(path, sizeof(path), "%s/staged", place->mountpoint);
    write_file(path);
    write_file(place->outside);
    write_file(place->ca_file);
    place->options.store = place->store;
    place->options.ca_file = place->ca_file;
    place->mountpoints[0] = place->mountpoint;
    place->setup = (struct harden_setup){.options = &place->options,
                                         .mountpoints = place->mountpoints,
                                         .mountpoint_count = 1,
                                         .gives_files_away = true};
    log_set_level(LOG_LEVEL_ERROR);
    *state = place;
    return 0;
}

static int remove_place(void **state)
{
    struct place *place = *state;

    io_remove_tree(AT_FDCWD, place->root);
    free(place);
    return 0;
}

/* In a child: @return 0, or the number of the line where something is not as it should be. */
typedef int check_function(const struct place *place);

#define CHECK(condition)     \
    do {                     \
        if (!(condition))    \
            return __LINE__; \
    } while (0)
#define CHECK_ERROR(call, number) CHECK((call) < 0 && errno == (number))

static void in_child(const struct place *place, bool hardened, check_function *check)
{
    struct failure failure;
    int line = 0;
    int ends[2];
    pid_t pid;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        failure_init(&failure);
        if (hardened && harden_process(&place->setup, &failure)) {
            fprintf(stderr, "%s\n", failure.text);
            line = __LINE__;
        } else {
            line = check(place);
        }
        _exit(write(ends[1], &line, sizeof(line)) != sizeof(line));
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &line, sizeof(line)), sizeof(line));
    close(ends[0]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    if (line)
        fail_msg("line %d", line);
}

static int try_open(const char *directory, const char *name, int flags)
{
    char path[128];
    int fd;

    snprintf(path, sizeof(path), "%s%s%s", directory, name[0] ? "/" : "", name);
    fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    return fd;
}

static int check_files(const struct place *place)
{
    int store = open(place->store, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int mount = open(place->mountpoint, O_PATH | O_DIRECTORY | O_CLOEXEC);

    CHECK(store >= 0 && mount >= 0);
    CHECK_ERROR(try_open(place->outside, "", O_RDONLY), EACCES);
    CHECK_ERROR(try_open(place->outside, "", O_WRONLY), EACCES);
    CHECK_ERROR(try_open(place->root, "new", O_WRONLY | O_CREAT), EACCES);
    CHECK_ERROR(unlink(place->outside), EACCES);
    CHECK_ERROR(truncate(place->outside, 0), EACCES);
    /* All of the store but programs and devices. */
    CHECK(try_open(place->store, "new", O_RDWR | O_CREAT | O_EXCL) >= 0);
    CHECK(try_open(place->store, "inside", O_WRONLY | O_TRUNC) >= 0);
    CHECK(renameat(store, "inside", store, "below/inside") == 0);
    CHECK(linkat(store, "below/inside", store, "again", 0) == 0);
    CHECK(symlinkat("x", store, "link") == 0 && mkfifoat(store, "fifo", 0600) == 0);
    CHECK(mkdirat(store, "made", 0700) == 0 && unlinkat(store, "made", AT_REMOVEDIR) == 0);
    CHECK(mknodat(store, "device", S_IFCHR | 0600, makedev(1, 3)) < 0);
    CHECK_ERROR(renameat(store, "again", AT_FDCWD, place->outside), EACCES);
    /* Of the mount, names: results enter it, and error files leave it. */
    CHECK(renameat2(mount, "staged", mount, "0001.png", RENAME_NOREPLACE) == 0);
    CHECK_ERROR(openat(mount, "0001.png", O_RDONLY | O_CLOEXEC), EACCES);
    CHECK_ERROR(mkdirat(mount, "made", 0700), EACCES);
    CHECK(unlinkat(mount, "0001.png", 0) == 0);
    /* What libraries read, and only that. */
    CHECK(try_open(place->ca_file, "", O_RDONLY) >= 0);
    CHECK_ERROR(try_open(place->ca_file, "", O_WRONLY), EACCES);
    CHECK(try_open("/etc/passwd", "", O_RDONLY) >= 0);
    CHECK(try_open("/usr/share", "", O_RDONLY | O_DIRECTORY) >= 0);
    CHECK_ERROR(try_open("/etc", "easelfs-harden", O_WRONLY | O_CREAT), EACCES);
    CHECK(try_open("/dev/null", "", O_RDWR) >= 0);
    CHECK(try_open("/dev/urandom", "", O_RDONLY) >= 0);
    CHECK(try_open("/proc/self/stat", "", O_RDONLY) >= 0);
    return 0;
}

static void files(void **state)
{
    const struct place *place = *state;

    if (!landlock_version())
        skip();
    in_child(place, true, check_files);
}

static int open_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd < 0 ? fd : bind(fd, (const struct sockaddr *)&address, sizeof(address));
}

static int check_no_port(const struct place *place)
{
    (void)place;
    CHECK_ERROR(open_port(), EACCES);
    return 0;
}

static void no_port(void **state)
{
    if (landlock_version() < 4)
        skip();
    in_child(*state, true, check_no_port);
}

static int refuse_call(int number)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int error = filter ? seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0) : -ENOMEM;

    if (!error)
        error = seccomp_load(filter);
    seccomp_release(filter);
    return error;
}

static void *do_nothing(void *argument)
{
    return argument;
}

static int check_calls(const struct place *place)
{
    char *const arguments[] = {(char *)"true", NULL};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pthread_t thread;

    CHECK(fd >= 0);
    CHECK_ERROR(execve("/bin/true", arguments, arguments + 1), EPERM);
    CHECK_ERROR(listen(fd, 1), EPERM);
    CHECK_ERROR(accept4(fd, NULL, NULL, 0), EPERM);
    CHECK_ERROR(mount("none", place->mountpoint, "tmpfs", 0, NULL), EPERM);
    CHECK_ERROR(umount2("/nonexistent", MNT_DETACH), EPERM); /* else ENOENT */
    CHECK_ERROR(unshare(CLONE_NEWUSER), EPERM);
    CHECK_ERROR(unshare(CLONE_NEWNS | CLONE_FILES), EPERM);
    CHECK(unshare(CLONE_FILES) == 0);
    CHECK_ERROR(syscall(SYS_keyctl, 0, -3, 1, 0, 0), EPERM);
    CHECK_ERROR(syscall(SYS_add_key, NULL, NULL, NULL, 0, 0), EPERM); /* else EFAULT */
    CHECK_ERROR(syscall(SYS_bpf, 0, NULL, 0), EPERM);
    CHECK_ERROR(syscall(SYS_io_uring_setup, 1, NULL), EPERM);
    CHECK_ERROR(syscall(SYS_userfaultfd, 0), EPERM);
    CHECK_ERROR(syscall(SYS_process_vm_readv, getpid(), NULL, 0, NULL, 0, 0), EPERM);
    CHECK_ERROR(syscall(SYS_open_by_handle_at, -1, NULL, 0), EPERM);
    CHECK_ERROR(syscall(SYS_clone3, NULL, 0), ENOSYS);
    CHECK_ERROR(ioctl(fd, TIOCSTI, "x"), EPERM); /* else ENOTTY */
    CHECK(pthread_create(&thread, NULL, do_nothing, NULL) == 0 && pthread_join(thread, NULL) == 0);
    return 0;
}

static void calls(void **state)
{
    if (!seccomp_is_there())
        skip();
    in_child(*state, true, check_calls);
}

static uint64_t permitted_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

    if (syscall(SYS_capget, &header, sets) < 0 || sets[0].effective != sets[0].permitted ||
        sets[1].effective != sets[1].permitted || sets[0].inheritable || sets[1].inheritable)
        return UINT64_MAX;
    return (uint64_t)sets[1].permitted << 32 | sets[0].permitted;
}

static int check_root(const struct place *place)
{
    (void)place;
    CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L) == 1);
    CHECK(permitted_capabilities() ==
          (1u << CAP_CHOWN | 1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH | 1u << CAP_FOWNER |
           1u << CAP_FSETID));
    CHECK(prctl(PR_CAPBSET_READ, CAP_CHOWN) == 1 && prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN) == 0);
    CHECK(prctl(PR_CAPBSET_READ, CAP_SYSLOG) == 0); /* above 31 */
    return 0;
}

static int check_no_capabilities(const struct place *place)
{
    (void)place;
    CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L) == 1);
    CHECK(permitted_capabilities() == 0);
    return 0;
}

static void capabilities(void **state)
{
    struct place *place = *state;

    if (geteuid() == 0)
        in_child(place, true, check_root);
    place->setup.gives_files_away = false;
    in_child(place, true, check_no_capabilities);
}

static int check_user(const struct place *place)
{
    struct failure failure;

    CHECK(setresgid(12345, 12345, 12345) == 0 && setresuid(12345, 12345, 12345) == 0);
    failure_init(&failure);
    CHECK(harden_process(&place->setup, &failure) == 0);
    return check_no_capabilities(place);
}

static void a_user_has_none(void **state)
{
    if (geteuid() != 0)
        skip();
    in_child(*state, false, check_user);
}

static int check_memory(const struct place *place)
{
    struct rlimit limit = {1, 1};

    harden_memory(&place->options);
    CHECK(getrlimit(RLIMIT_CORE, &limit) == 0);
    if (place->options.debuggable) {
        CHECK(prctl(PR_GET_DUMPABLE) == 1 && limit.rlim_max != 0);
    } else {
        CHECK(prctl(PR_GET_DUMPABLE) == 0 && limit.rlim_cur == 0 && limit.rlim_max == 0);
    }
    return 0;
}

static void memory(void **state)
{
    struct place *place = *state;
    struct rlimit limit;

    in_child(place, false, check_memory);
    place->options.debuggable = true;
    getrlimit(RLIMIT_CORE, &limit);
    if (limit.rlim_max)
        in_child(place, false, check_memory);
}

static int check_files_are_not_confined(const struct place *place)
{
    CHECK(try_open(place->outside, "", O_RDONLY) >= 0);
    CHECK(!seccomp_is_there() || (listen(-1, 1) < 0 && errno == EPERM));
    return 0;
}

static int check_calls_are_not_filtered(const struct place *place)
{
    CHECK_ERROR(listen(-1, 1), EBADF);
    CHECK(!landlock_version() || try_open(place->outside, "", O_RDONLY) < 0);
    return 0;
}

static int check_privileges_are_kept(const struct place *place)
{
    (void)place;
    CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L) == 0);
    CHECK(permitted_capabilities() & UINT64_C(1) << CAP_SYS_ADMIN);
    CHECK(!seccomp_is_there() || (listen(-1, 1) < 0 && errno == EPERM));
    return 0;
}

static void each_part_can_be_left_out(void **state)
{
    struct place *place = *state;

    place->options.no_landlock = true;
    in_child(place, true, check_files_are_not_confined);
    place->options.no_landlock = false;
    place->options.no_seccomp = true;
    in_child(place, true, check_calls_are_not_filtered);
    place->options.no_seccomp = false;
    place->options.keep_privileges = true;
    if (geteuid() == 0)
        in_child(place, true, check_privileges_are_kept);
}

static int check_no_capset(const struct place *place)
{
    struct failure failure;

    /* As under systemd's SystemCallFilter=~@privileged. */
    failure_init(&failure);
    CHECK(setresgid(12345, 12345, 12345) == 0 && setresuid(12345, 12345, 12345) == 0);
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) == 0 && refuse_call(SYS_capset) == 0);
    CHECK_ERROR(syscall(SYS_capset, NULL, NULL), EPERM);
    CHECK(harden_process(&place->setup, &failure) == 0);
    return check_no_capabilities(place);
}

static void who_has_no_capability_need_not_drop_any(void **state)
{
    if (geteuid() != 0 || !seccomp_is_there())
        skip();
    in_child(*state, false, check_no_capset);
}

static void a_mountpoint_that_is_no_directory(void **state)
{
    struct place *place = *state;

    place->mountpoints[0] = place->outside;
    place->setup.gives_files_away = false;
    in_child(place, true, check_no_capabilities);
}

static int check_refusal(const struct place *place)
{
    struct failure failure;

    CHECK(setresgid(12345, 12345, 12345) == 0 && setresuid(12345, 12345, 12345) == 0);
    failure_init(&failure);
    CHECK(harden_process(&place->setup, &failure) == -EPERM);
    CHECK(strcmp(failure.text, "The daemon cannot be confined to its files (Landlock): Operation "
                               "not permitted.") == 0);
    CHECK(strcmp(failure.advice, "Find out why, or mount with the option no_landlock.") == 0);
    return 0;
}

static void what_cannot_be_done_is_said(void **state)
{
    struct place *place = *state;

    if (geteuid() != 0 || !landlock_version())
        skip();
    place->options.keep_privileges = true;
    in_child(place, false, check_refusal);
}

static void the_report(void **state)
{
    struct place *place = *state;
    cleanup_buf struct buf report = {.max = 4096};
    char expected[256];

    if (!landlock_version() || !seccomp_is_there())
        skip();
    harden_report(&place->options, &report);
    snprintf(expected, sizeof(expected),
             "sandbox  core dumps and debuggers: refused\n"
             "sandbox  privileges: given up\n"
             "sandbox  files: confined (Landlock %d)\n"
             "sandbox  system calls: filtered\n",
             landlock_version());
    assert_string_equal(buf_text(&report), expected);
    buf_clear(&report);
    place->options.debuggable = place->options.keep_privileges = true;
    place->options.no_landlock = place->options.no_seccomp = true;
    harden_report(&place->options, &report);
    assert_string_equal(buf_text(&report),
                        "sandbox  core dumps and debuggers: allowed (debuggable)\n"
                        "sandbox  privileges: kept (keep_privileges)\n"
                        "sandbox  files: not confined (no_landlock)\n"
                        "sandbox  system calls: not filtered (no_seccomp)\n");
}

#define each(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        each(files),
        each(no_port),
        each(calls),
        each(capabilities),
        each(a_user_has_none),
        each(memory),
        each(each_part_can_be_left_out),
        each(who_has_no_capability_need_not_drop_any),
        each(a_mountpoint_that_is_no_directory),
        each(what_cannot_be_done_is_said),
        each(the_report),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
