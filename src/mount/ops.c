/* SPDX-License-Identifier: MIT
 *
 * The operations of FUSE: unpack, one call of the tree, exactly one reply. Those on names and
 * directories are in ops_names.c.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "base/io.h"
#include "mount/mount.h"
#include "mount/request_limit.h"
#include "mount/waiters.h"

/*
 * The most that one WRITE brings: with the room that libfuse adds for the rest of the request, what
 * a pipe holds that anybody may make. In a larger one it would not be spliced, but copied once
 * more.
 */
#define WRITE_MAX_BYTES ((1u << 20) - 4096)

static_assert(TREE_SET_MODE == FUSE_SET_ATTR_MODE && TREE_SET_UID == FUSE_SET_ATTR_UID &&
                  TREE_SET_GID == FUSE_SET_ATTR_GID && TREE_SET_SIZE == FUSE_SET_ATTR_SIZE &&
                  TREE_SET_ATIME == FUSE_SET_ATTR_ATIME && TREE_SET_MTIME == FUSE_SET_ATTR_MTIME &&
                  TREE_SET_ATIME_NOW == FUSE_SET_ATTR_ATIME_NOW &&
                  TREE_SET_MTIME_NOW == FUSE_SET_ATTR_MTIME_NOW,
              "tree_setattr() takes FUSE's mask");

struct mount *ops_mount(fuse_req_t req)
{
    return fuse_req_userdata(req);
}

struct tree *ops_tree(fuse_req_t req)
{
    return ops_mount(req)->tree;
}

struct inode *ops_inode(fuse_req_t req, fuse_ino_t ino)
{
    return ino == FUSE_ROOT_ID ? tree_root(ops_tree(req)) : (struct inode *)(uintptr_t)ino;
}

struct handle *ops_handle(const struct fuse_file_info *info)
{
    return (struct handle *)(uintptr_t)info->fh;
}

struct caller ops_caller(fuse_req_t req)
{
    const struct fuse_ctx *context = fuse_req_ctx(req);

    return (struct caller){context->uid, context->gid, context->pid};
}

void ops_reply(fuse_req_t req, int error)
{
    fuse_reply_err(req, -error);
}

void ops_reply_text(fuse_req_t req, struct handle *handle, size_t size, off_t offset)
{
    cleanup_free char *piece = malloc(size);

    if (!piece)
        ops_reply(req, -ENOMEM);
    else
        fuse_reply_buf(req, piece,
                       tree_read_text(ops_tree(req), handle, piece, size, (uint64_t)offset));
}

void ops_fill_entry(const struct mount *mount, const struct tree_entry *entry,
                    struct fuse_entry_param *param)
{
    *param = (struct fuse_entry_param){
        .ino = entry->inode == tree_root(mount->tree) ? FUSE_ROOT_ID
                                                      : (fuse_ino_t)(uintptr_t)entry->inode,
        .attr = entry->status,
        .attr_timeout = entry->timeout_s,
        .entry_timeout = entry->timeout_s,
    };
}

/*
 * What the kernel leaves to us (mount/greeting.h): before somebody's change of the content, take
 * the bits that would have the new content run with another's rights.
 *
 * The kernel then has a mode in mind that is not right any more; it forgets it before it hears that
 * the change is done. Notifying from a handler is safe here: this one waits for no page.
 */
static int drop_set_id(fuse_req_t req, fuse_ino_t ino, bool also_for_root)
{
    struct mount *mount = ops_mount(req);
    bool dropped = false;
    int error = 0;

    if (also_for_root || fuse_req_ctx(req)->uid != 0)
        error = tree_drop_set_id(mount->tree, ops_inode(req, ino), &dropped);
    if (dropped)
        fuse_lowlevel_notify_inval_inode(mount->session, ino, -1, 0);
    return error;
}

/* Reads of wait files are the only requests that may take long. */
static void heed_request_limit(const struct mount *mount)
{
    int64_t limit_ms = request_limit_ms(REQUEST_LIMIT_DIRECTORY);

    if (!limit_ms)
        return;
    waiters_set_patience(mount->waiters, request_patience_ms(limit_ms));
    log_info("the kernel ends mounts that leave a request unanswered for %lld s: reads of wait "
             "files are interrupted before",
             (long long)limit_ms / 1000);
}

static void op_init(void *userdata, struct fuse_conn_info *connection)
{
    struct mount *mount = userdata;

    connection->max_write = WRITE_MAX_BYTES;
    connection->want &= ~(unsigned)(FUSE_CAP_WRITEBACK_CACHE | /* delays errors to close() */
                                    FUSE_CAP_HANDLE_KILLPRIV); /* see mount/greeting.h */
    connection->want |=
        connection->capable & (FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE |
                               FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_PARALLEL_DIROPS);
    heed_request_limit(mount);
    mount->ready(mount->ready_context);
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
    if (ino != FUSE_ROOT_ID)
        inode_forget(ops_inode(req, ino), count);
    fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
    for (size_t i = 0; i < count; i++) {
        if (forgets[i].ino != FUSE_ROOT_ID)
            inode_forget(ops_inode(req, forgets[i].ino), forgets[i].nlookup);
    }
    fuse_reply_none(req);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
    const struct caller caller = ops_caller(req);
    struct stat status;
    double timeout_s;
    int error = tree_getattr(ops_tree(req), ops_inode(req, ino), &caller, &status, &timeout_s);

    (void)info;
    if (error)
        ops_reply(req, error);
    else
        fuse_reply_attr(req, &status, timeout_s);
}

static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *wanted, int what,
                       struct fuse_file_info *info)
{
    const struct caller caller = ops_caller(req);
    struct stat status;
    double timeout_s;
    int error = 0;

    if (what & (TREE_SET_UID | TREE_SET_GID) ||
        !(what & TREE_SET_ALL)) /* the latter: chown to -1 */
        error = drop_set_id(req, ino, true);
    else if (what & TREE_SET_SIZE)
        error = drop_set_id(req, ino, false);
    if (!error)
        error = tree_setattr(ops_tree(req), ops_inode(req, ino), info ? ops_handle(info) : NULL,
                             &caller, wanted, what, &status, &timeout_s);
    if (error)
        ops_reply(req, error);
    else
        fuse_reply_attr(req, &status, timeout_s);
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
    const struct caller caller = ops_caller(req);
    char target[PATH_MAX + 1];
    int error = tree_readlink(ops_tree(req), ops_inode(req, ino), &caller, target, sizeof(target));

    if (error)
        ops_reply(req, error);
    else
        fuse_reply_readlink(req, target);
}

/* How the kernel treats the open file. */
static void fill_info(const struct handle *handle, struct fuse_file_info *info)
{
    info->fh = (uint64_t)(uintptr_t)handle;
    info->direct_io = handle->fd < 0;   /* virtual: fresh at each open */
    info->keep_cache = handle->fd >= 0; /* real: changes only through the mount */
    info->noflush = !handle->writer;
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
    struct tree *tree = ops_tree(req);
    const struct caller caller = ops_caller(req);
    struct handle *handle;
    int error = tree_open(tree, ops_inode(req, ino), info->flags, &caller, &handle);

    if (error) {
        ops_reply(req, error);
        return;
    }
    fill_info(handle, info);
    if (fuse_reply_open(req, info)) /* the opener was interrupted */
        tree_release(tree, handle);
}

static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
                      struct fuse_file_info *info)
{
    struct mount *mount = ops_mount(req);
    const struct caller caller = ops_caller(req);
    struct fuse_entry_param param;
    struct tree_entry entry;
    struct handle *handle;
    int error = tree_create_file(mount->tree, ops_inode(req, parent), name, &caller, mode,
                                 info->flags, &entry, &handle);

    if (error) {
        ops_reply(req, error);
        return;
    }
    fill_info(handle, info);
    ops_fill_entry(mount, &entry, &param);
    inode_count_lookup(entry.inode);
    if (fuse_reply_create(req, &param, info)) {
        tree_release(mount->tree, handle);
        inode_forget(entry.inode, 1);
    }
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                    struct fuse_file_info *info)
{
    struct handle *handle = ops_handle(info);

    (void)ino;
    if (handle->fd >= 0) {
        struct fuse_bufvec content = FUSE_BUFVEC_INIT(size);
        content.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
        content.buf[0].fd = handle->fd;
        content.buf[0].pos = offset;
        fuse_reply_data(req, &content, FUSE_BUF_SPLICE_MOVE);
    } else if (handle->waits) {
        waiters_read(ops_mount(req)->waiters, req, handle, size, offset, info->flags & O_NONBLOCK);
    } else {
        ops_reply_text(req, handle, size, offset);
    }
}

/* A prompt or a setting is looked at before any of it is written; it is small, or refused. */
static ssize_t write_checked(struct tree *tree, struct handle *handle, struct fuse_bufvec *content,
                             off_t offset)
{
    size_t size = fuse_buf_size(content);
    struct fuse_bufvec copy = FUSE_BUFVEC_INIT(size);
    cleanup_free char *bytes = malloc(size);
    ssize_t length;

    if (!bytes)
        return -ENOMEM;
    copy.buf[0].mem = bytes;
    length = fuse_buf_copy(&copy, content, 0);
    if (length < 0)
        return length;
    return tree_write_checked(tree, handle, bytes, (size_t)length, (uint64_t)offset);
}

static ssize_t write_plain(struct tree *tree, const struct handle *handle,
                           struct fuse_bufvec *content, off_t offset)
{
    struct fuse_bufvec target = FUSE_BUFVEC_INIT(fuse_buf_size(content));
    struct tree_claim claim;
    ssize_t written;
    int error;

    target.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
    target.buf[0].fd = handle->fd;
    target.buf[0].pos = offset;
    error = tree_begin_write(tree, handle, (uint64_t)offset, fuse_buf_size(content), &claim);
    if (error)
        return error;
    written = fuse_buf_copy(&target, content, 0);
    tree_end_write(tree, handle, &claim);
    return written;
}

static void op_write_buf(fuse_req_t req, fuse_ino_t ino, struct fuse_bufvec *content, off_t offset,
                         struct fuse_file_info *info)
{
    struct handle *handle = ops_handle(info);
    ssize_t written = handle->writer ? drop_set_id(req, ino, false) : -EBADF;

    if (!written)
        written = tree_checks_writes(handle) ? write_checked(ops_tree(req), handle, content, offset)
                                             : write_plain(ops_tree(req), handle, content, offset);
    if (written < 0)
        ops_reply(req, (int)written);
    else
        fuse_reply_write(req, (size_t)written);
}

static void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
    const struct caller caller = ops_caller(req);

    (void)ino;
    ops_reply(req, tree_flush(ops_tree(req), ops_handle(info), &caller));
}

static void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
    struct mount *mount = ops_mount(req);
    struct handle *handle = ops_handle(info);

    (void)ino;
    if (handle->waits)
        waiters_forget(mount->waiters, handle);
    tree_release(mount->tree, handle);
    ops_reply(req, 0);
}

static void op_fsync(fuse_req_t req, fuse_ino_t ino, int data_only, struct fuse_file_info *info)
{
    (void)ino;
    ops_reply(req, tree_fsync(ops_handle(info), data_only != 0));
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
    struct statvfs status;
    int error = tree_statfs(ops_tree(req), &status);

    (void)ino;
    if (error)
        ops_reply(req, error);
    else
        fuse_reply_statfs(req, &status);
}

static void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
                        size_t size, int flags)
{
    ops_reply(req, tree_setxattr(ops_tree(req), ops_inode(req, ino), name, value, size, flags));
}

static void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
    cleanup_free char *value = size ? malloc(size) : NULL;
    int length = -ENOMEM;

    if (!size || value)
        length = tree_getxattr(ops_inode(req, ino), name, value, size);
    if (length < 0)
        ops_reply(req, length);
    else if (size)
        fuse_reply_buf(req, value, (size_t)length);
    else
        fuse_reply_xattr(req, (size_t)length);
}

static void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
    cleanup_free char *list = size ? malloc(size) : NULL;
    int length = -ENOMEM;

    if (!size || list)
        length = tree_listxattr(ops_inode(req, ino), list, size);
    if (length < 0)
        ops_reply(req, length);
    else if (size)
        fuse_reply_buf(req, list, (size_t)length);
    else
        fuse_reply_xattr(req, (size_t)length);
}

static void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
    ops_reply(req, tree_removexattr(ops_tree(req), ops_inode(req, ino), name));
}

static void op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info,
                    struct fuse_pollhandle *poll_handle)
{
    struct handle *handle = ops_handle(info);

    (void)ino;
    if (handle->waits) {
        waiters_poll(ops_mount(req)->waiters, req, handle, poll_handle);
        return;
    }
    if (poll_handle)
        fuse_pollhandle_destroy(poll_handle);
    fuse_reply_poll(req, POLLIN | POLLOUT);
}

static void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
                         struct fuse_file_info *info)
{
    int error = drop_set_id(req, ino, false);

    if (!error)
        error = tree_fallocate(ops_tree(req), ops_handle(info), mode, offset, length);
    ops_reply(req, error);
}

static void op_copy_file_range(fuse_req_t req, fuse_ino_t from_ino, off_t from_offset,
                               struct fuse_file_info *from_info, fuse_ino_t to_ino, off_t to_offset,
                               struct fuse_file_info *to_info, size_t length, int flags)
{
    int64_t copied = drop_set_id(req, to_ino, false);

    (void)from_ino;
    if (!copied)
        copied = tree_copy_range(ops_tree(req), ops_handle(from_info), from_offset,
                                 ops_handle(to_info), to_offset, length, flags);
    if (copied < 0)
        ops_reply(req, (int)copied);
    else
        fuse_reply_write(req, (size_t)copied);
}

static void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence,
                     struct fuse_file_info *info)
{
    const struct handle *handle = ops_handle(info);
    off_t found = handle->fd < 0 ? -1 : lseek(handle->fd, offset, whence);

    (void)ino;
    if (handle->fd < 0)
        ops_reply(req, -EINVAL);
    else if (found < 0)
        ops_reply(req, -errno);
    else
        fuse_reply_lseek(req, found);
}

const struct fuse_lowlevel_ops mount_ops = {
    .init = op_init,
    .lookup = ops_lookup,
    .forget = op_forget,
    .forget_multi = op_forget_multi,
    .getattr = op_getattr,
    .setattr = op_setattr,
    .readlink = op_readlink,
    .mknod = ops_mknod,
    .mkdir = ops_mkdir,
    .symlink = ops_symlink,
    .link = ops_link,
    .unlink = ops_unlink,
    .rmdir = ops_rmdir,
    .rename = ops_rename,
    .open = op_open,
    .create = op_create,
    .read = op_read,
    .write_buf = op_write_buf,
    .flush = op_flush,
    .release = op_release,
    .fsync = op_fsync,
    .opendir = ops_opendir,
    .readdir = ops_readdir,
    .readdirplus = ops_readdirplus,
    .releasedir = op_release,
    .fsyncdir = op_fsync,
    .statfs = op_statfs,
    .setxattr = op_setxattr,
    .getxattr = op_getxattr,
    .listxattr = op_listxattr,
    .removexattr = op_removexattr,
    .poll = op_poll,
    .fallocate = op_fallocate,
    .copy_file_range = op_copy_file_range,
    .lseek = op_lseek,
};
