/* SPDX-License-Identifier: MIT */
#include "conf/config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/io.h"

static int check_status(const char *path, const struct stat *status, struct failure *failure)
{
    if (!S_ISREG(status->st_mode))
        return failure_set(failure, -EINVAL, "%s is not a regular file.", path);
    if (status->st_uid != geteuid() && status->st_uid != 0)
        return failure_set(failure, -EPERM,
                           "%s belongs to another user, who could have your key sent anywhere.",
                           path);
    if (status->st_mode & (S_IWGRP | S_IWOTH)) {
        failure_advise(failure, "chmod go-w %s", path);
        return failure_set(failure, -EPERM,
                           "%s can be written by others (mode %04o), who could have your key sent "
                           "anywhere.",
                           path, (unsigned int)(status->st_mode & 07777));
    }
    return 0;
}

int config_file_read(const char *path, bool optional, ini_file_handler *handler, void *context,
                     struct failure *failure)
{
    cleanup_close int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    cleanup_buf struct buf text;
    struct stat status;
    int error;

    buf_init(&text, INI_FILE_MAX_BYTES + 1);
    if (fd < 0 && optional && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    if (fd < 0 || fstat(fd, &status) < 0)
        return failure_set_errno(failure, -errno, path);
    if (S_ISCHR(status.st_mode))
        return 0;
    error = check_status(path, &status, failure);
    if (error)
        return error;
    error = io_read_all(fd, &text);
    if (error && error != -EFBIG)
        return failure_set_errno(failure, error, path);
    return ini_file_parse(path, buf_text(&text),
                          error ? (size_t)INI_FILE_MAX_BYTES + 1 : text.length, handler, context,
                          failure);
}
