/* SPDX-License-Identifier: MIT */
#include "conf/fuse_option.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

/* Nobody has more; what libfuse is given stays small. */
#define LIST_MAX_BYTES 4096

/* A name that ends with `=` or `-` or `.` stands for all that begin with it. */
static const char *const passed[] = {
    "allow_other",  "allow_root", "auto_unmount", "context=", "defcontext=",
    "dirsync",      "fscontext=", "max_read=",    "noatime",  "ro",
    "rootcontext=", "rw",         "sync",         NULL,
};

/* For mount(8), fstab and systemd; or what every easelfs mount is anyway, whoever asks. */
static const char *const dropped[] = {
    "X-",          "_netdev",    "async",      "atime",
    "auto",        "comment=",   "defaults",   "default_permissions",
    "dev",         "diratime",   "exec",       "fsname=",
    "group",       "helper=",    "lazytime",   "noauto",
    "nodev",       "nodiratime", "noexec",     "nofail",
    "nolazytime",  "nonempty",   "norelatime", "nostrictatime",
    "nosuid",      "nouser",     "owner",      "relatime",
    "strictatime", "subtype=",   "suid",       "uhelper=",
    "user",        "user=",      "users",      "x-",
    NULL,
};

const char *const *fuse_option_names(void)
{
    return passed;
}

static bool is_listed(const char *const *list, const char *option)
{
    for (; *list; list++) {
        size_t length = strlen(*list);
        char last = (*list)[length - 1];
        bool prefix = last == '=' || last == '-';

        if (strncmp(option, *list, length) == 0 && (prefix || option[length] == '\0'))
            return true;
    }
    return false;
}

/* no_default_permissions, default_permissions=no, and what else might be tried. */
static bool is_refused(const char *option)
{
    return strstr(option, "default_permissions") && !is_listed(dropped, option);
}

bool fuse_option_is_known(const char *option)
{
    return *option == '\0' || is_listed(passed, option) || is_listed(dropped, option) ||
           is_refused(option);
}

bool fuse_option_has(const char *options, const char *option)
{
    size_t length = strlen(option);

    for (const char *at = options; at && *at; at += strcspn(at, ",")) {
        at += *at == ',';
        if (strcspn(at, ",") == length && memcmp(at, option, length) == 0)
            return true;
    }
    return false;
}

static int append(char **options, const char *option)
{
    char *longer = NULL;

    if (asprintf(&longer, "%s%s%s", *options ? *options : "", *options ? "," : "", option) < 0)
        return -ENOMEM;
    free(*options);
    *options = longer;
    return 0;
}

static int add_one(char **options, const char *option, struct failure *failure)
{
    size_t length = *options ? strlen(*options) + strlen(",") : 0;

    if (is_refused(option))
        return failure_set(failure, -EINVAL,
                           "\"%.40s\": the kernel always checks permissions; that cannot be "
                           "switched off.",
                           option);
    if (!fuse_option_is_known(option))
        return failure_set(failure, -EINVAL, "\"%.40s\" is not a mount option.", option);
    if (!is_listed(passed, option) || fuse_option_has(*options, option))
        return 0;
    if (length + strlen(option) > LIST_MAX_BYTES)
        return failure_set(failure, -EINVAL, "The mount options are longer than %d bytes.",
                           LIST_MAX_BYTES);
    return append(options, option);
}

int fuse_option_add(char **options, const char *text, struct failure *failure)
{
    cleanup_free char *copy = strdup(text);
    char *rest = copy;
    int error = copy ? 0 : -ENOMEM;

    for (char *option; !error && (option = strsep(&rest, ", \t\n"));)
        error = add_one(options, option, failure);
    return error;
}
