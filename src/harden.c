/* SPDX-License-Identifier: MIT */
#include "harden.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "harden_internal.h"

/*
 * As root, with files of several owners: to give a file to who made it, to reach it afterwards, to
 * change its mode, and to leave its set-group-ID bit where the kernel's own check has left it.
 */
#define OWNERS_CAPABILITIES                                                                    \
    (1u << CAP_CHOWN | 1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH | 1u << CAP_FOWNER | \
     1u << CAP_FSETID)

void harden_memory(const struct options *options)
{
    const struct rlimit none = {0};

    if (options->debuggable)
        return;
    prctl(PR_SET_DUMPABLE, 0);
    setrlimit(RLIMIT_CORE, &none);
}

/* Beyond these a program could not get them back, either. */
static void drop_bounding_set(uint32_t kept)
{
    for (unsigned long i = 0; prctl(PR_CAPBSET_READ, i) >= 0; i++) {
        if (i >= 32 || !(kept & 1u << i))
            prctl(PR_CAPBSET_DROP, i); /* EPERM where there are no capabilities to drop */
    }
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0L, 0L, 0L);
}

static int drop_capabilities(uint32_t kept)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
    uint32_t had = 0;

    drop_bounding_set(kept);
    if (syscall(SYS_capget, &header, sets) < 0)
        return -errno;
    for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        had |= sets[i].permitted | sets[i].inheritable;
    if (!had) /* a service manager may have seen to that, and refuse the call as well */
        return 0;
    for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        sets[i].permitted &= i ? 0 : kept;
        sets[i].effective &= sets[i].permitted;
        sets[i].inheritable = 0;
    }
    return syscall(SYS_capset, &header, sets) < 0 ? -errno : 0;
}

static int drop_privileges(const struct harden_setup *setup)
{
    bool root = geteuid() == 0;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0)
        return -errno;
    return drop_capabilities(root && setup->gives_files_away ? OWNERS_CAPABILITIES : 0);
}

static int refuse(int error, const char *what, const char *option, struct failure *failure)
{
    failure_advise(failure, "Find out why, or mount with the option %s.", option);
    return failure_set(failure, error, "%s: %s.", what, error_text(error));
}

static int confine_files(const struct harden_setup *setup, struct failure *failure)
{
    int version = landlock_version();
    int error;

    if (!version) {
        log_info("this kernel has no Landlock: files are not confined");
        return 0;
    }
    error = landlock_confine(setup, version);
    return error ? refuse(error, "The daemon cannot be confined to its files (Landlock)",
                          "no_landlock", failure)
                 : 0;
}

static int confine_calls(struct failure *failure)
{
    int error;

    if (!seccomp_is_there()) {
        log_info("this kernel has no seccomp: system calls are not filtered");
        return 0;
    }
    error = seccomp_confine();
    return error ? refuse(error, "System calls cannot be filtered (seccomp)", "no_seccomp", failure)
                 : 0;
}

int harden_process(const struct harden_setup *setup, struct failure *failure)
{
    const struct options *options = setup->options;
    int error = 0;

    if (!options->keep_privileges) {
        error = drop_privileges(setup);
        if (error)
            refuse(error, "Privileges cannot be given up", "keep_privileges", failure);
    }
    if (!error && !options->no_landlock)
        error = confine_files(setup, failure);
    if (!error && !options->no_seccomp)
        error = confine_calls(failure);
    return error;
}

static void report(struct buf *text, const char *what, const char *state)
{
    buf_printf(text, "sandbox  %s: %s\n", what, state);
}

void harden_report(const struct options *options, struct buf *text)
{
    int version = landlock_version();

    report(text, "core dumps and debuggers",
           options->debuggable ? "allowed (debuggable)" : "refused");
    report(text, "privileges", options->keep_privileges ? "kept (keep_privileges)" : "given up");
    if (version && !options->no_landlock)
        buf_printf(text, "sandbox  files: confined (Landlock %d)\n", version);
    else
        report(text, "files",
               version ? "not confined (no_landlock)"
                       : "not confined, as this kernel has no Landlock");
    if (seccomp_is_there())
        report(text, "system calls",
               options->no_seccomp ? "not filtered (no_seccomp)" : "filtered");
    else
        report(text, "system calls", "not filtered, as this kernel has no seccomp");
}
