/* SPDX-License-Identifier: MIT */
#include "store/ownership.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/failpoint.h"
#include "base/io.h"

/* Numbers of a fixed width: to change what is recorded takes no room on a full disk. */
#define FORMAT "%010u:%010u:%04o"
#define LENGTH 26

#define MODE_BITS      07777
#define DIRECTORY_MODE 0700
#define FILE_MODE      0600

mode_t ownership_store_mode(mode_t type)
{
    return S_ISDIR(type) ? DIRECTORY_MODE : FILE_MODE;
}

void ownership_inherit(const struct ownership *parent, const struct ownership *maker, mode_t type,
                       gid_t daemon_gid, struct ownership *ret_ownership)
{
    struct ownership own = *maker;

    if (parent->mode & S_ISGID)
        own.gid = parent->gid;
    else if (S_ISDIR(type))
        own.gid = daemon_gid;
    if (S_ISDIR(type)) {
        own.mode |= parent->mode & S_ISGID;
        if (own.gid == daemon_gid)
            own.mode |= S_IRWXG;
    }
    *ret_ownership = own;
}

int ownership_get(int fd, struct ownership *ret_ownership)
{
    char path[IO_FD_PATH_SIZE];
    char text[LENGTH + 2] = "";
    unsigned uid;
    unsigned gid;
    unsigned mode;
    ssize_t length;
    int end = 0;

    io_fd_path(fd, path);
    length = getxattr(path, OWNERSHIP_XATTR, text, sizeof(text) - 1);
    if (length < 0)
        return errno == ERANGE ? -EBADMSG : -errno;
    if (length != LENGTH || sscanf(text, "%10u:%10u:%4o%n", &uid, &gid, &mode, &end) != 3 ||
        end != LENGTH || mode > MODE_BITS)
        return -EBADMSG;
    *ret_ownership = (struct ownership){uid, gid, mode};
    return 0;
}

int ownership_set(int fd, const struct ownership *ownership)
{
    char path[IO_FD_PATH_SIZE];
    char text[LENGTH + 1];
    int error = failpoint("ownership.set");

    if (error)
        return error;
    io_fd_path(fd, path);
    snprintf(text, sizeof(text), FORMAT, ownership->uid, ownership->gid,
             ownership->mode & MODE_BITS);
    return setxattr(path, OWNERSHIP_XATTR, text, LENGTH, 0) < 0 ? -errno : 0;
}

bool ownership_lets_read(const struct ownership *own, const struct owner *reader)
{
    if (reader->uid == 0)
        return true;
    if (reader->uid == own->uid)
        return own->mode & S_IRUSR;
    return own->mode & (reader->gid == own->gid ? S_IRGRP : S_IROTH);
}

bool ownership_may_read(int fd, const struct owner *reader)
{
    const struct ownership none = {0, 0, 0};
    struct ownership own;

    return ownership_lets_read(ownership_get(fd, &own) ? &none : &own, reader);
}

void ownership_show(int fd, struct stat *status)
{
    struct ownership own;

    if (ownership_get(fd, &own))
        return;
    status->st_uid = own.uid;
    status->st_gid = own.gid;
    status->st_mode = (status->st_mode & S_IFMT) | own.mode;
}
