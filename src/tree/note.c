/* SPDX-License-Identifier: MIT */
#include "tree/note.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/failpoint.h"
#include "base/io.h"
#include "store/store.h"
#include "tree/kind.h"

static int change(const char *path, const char *value)
{
    int result = value ? setxattr(path, STORE_XATTR_COMMIT, value, strlen(value), 0)
                       : removexattr(path, STORE_XATTR_COMMIT);

    return result < 0 && errno != ENODATA ? -errno : 0;
}

/*
 * An xattr can be changed by who may write the file, even where who asks owns it: for a prompt that
 * its user has made read-only an unprivileged daemon has to become able to write it.
 */
static int change_read_only(const struct inode *inode, const char *path, const char *value)
{
    struct stat status;
    int error;

    if (fstat(inode->fd, &status) < 0 || chmod(path, (status.st_mode & 07777) | S_IWUSR) < 0)
        return -errno;
    error = change(path, value);
    if (chmod(path, status.st_mode & 07777) < 0 && !error)
        error = -errno;
    return error;
}

static void change_note(const struct inode *inode, const char *value)
{
    char path[IO_FD_PATH_SIZE];
    int error;

    io_fd_path(inode->fd, path);
    error = failpoint("prompt.note");
    if (!error)
        error = change(path, value);
    if (error == -EACCES)
        error = change_read_only(inode, path, value);
    if (error)
        log_warning("the commit of a prompt cannot be noted: %s", error_text(error));
}

/* That changes the file's ctime, after its writer has closed it. */
void note_set(const struct tree *tree, struct inode *inode, const char *value)
{
    change_note(inode, value);
    kind_note_changed(tree, inode);
}

void note_remove(const struct inode *inode)
{
    change_note(inode, NULL);
}

bool note_exists(const struct inode *inode)
{
    char path[IO_FD_PATH_SIZE];

    io_fd_path(inode->fd, path);
    return getxattr(path, STORE_XATTR_COMMIT, NULL, 0) >= 0;
}
