/* SPDX-License-Identifier: MIT
 *
 * The first request of the kernel is INIT, and the first thing that is written to it is the answer,
 * by libfuse. Both pass through here on their way.
 */
#include "mount/greeting.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/sanitizer.h"
#include "mount/mount.h"

/* Look at the first request. */
static void note_offer(struct mount *mount, const void *request, size_t length)
{
    struct fuse_in_header header;
    struct fuse_init_in init;
    size_t seen = offsetof(struct fuse_init_in, flags) + sizeof(init.flags);

    if (length < sizeof(header) + seen)
        return;
    memcpy(&header, request, sizeof(header));
    memcpy(&init, (const char *)request + sizeof(header), seen);
    if (header.opcode == FUSE_INIT && (init.flags & FUSE_HANDLE_KILLPRIV_V2))
        atomic_store(&mount->greeting, GREETING_OFFERED);
}

/* Accept it in the answer to INIT. */
static void accept_offer(const struct iovec *pieces, int count)
{
    const struct fuse_out_header *header = pieces[0].iov_base;
    struct fuse_init_out *init = count == 2 ? pieces[1].iov_base : NULL;

    if (init && !header->error &&
        pieces[1].iov_len >= offsetof(struct fuse_init_out, flags) + sizeof(init->flags))
        init->flags |= FUSE_HANDLE_KILLPRIV_V2;
}

/*
 * That a request comes after what was replied to before, the kernel sees to; ThreadSanitizer does
 * not see it where splice(2) takes either of them. @userdata stands for the kernel there.
 */
static ssize_t pass_request(int fd, void *buffer, size_t size, void *userdata)
{
    struct mount *mount = userdata;
    ssize_t length = read(fd, buffer, size);

    sanitizer_acquire(mount);
    if (length > 0 && atomic_load_explicit(&mount->greeting, memory_order_relaxed) != GREETING_DONE)
        note_offer(mount, buffer, (size_t)length);
    return length;
}

static ssize_t pass_reply(int fd, struct iovec *pieces, int count, void *userdata)
{
    struct mount *mount = userdata;

    if (atomic_load_explicit(&mount->greeting, memory_order_relaxed) != GREETING_DONE &&
        atomic_exchange(&mount->greeting, GREETING_DONE) == GREETING_OFFERED)
        accept_offer(pieces, count);
    sanitizer_release(mount);
    return writev(fd, pieces, count);
}

static ssize_t pass_request_pages(int from, off_t *from_offset, int to, off_t *to_offset,
                                  size_t length, unsigned flags, void *userdata)
{
    ssize_t passed = splice(from, from_offset, to, to_offset, length, flags);

    sanitizer_acquire(userdata);
    return passed;
}

static ssize_t pass_reply_pages(int from, off_t *from_offset, int to, off_t *to_offset,
                                size_t length, unsigned flags, void *userdata)
{
    sanitizer_release(userdata);
    return splice(from, from_offset, to, to_offset, length, flags);
}

int greeting_extend(struct fuse_session *session)
{
    static const struct fuse_custom_io io = {
        .writev = pass_reply,
        .read = pass_request,
        .splice_receive = pass_request_pages,
        .splice_send = pass_reply_pages,
    };

    return fuse_session_custom_io(session, &io, fuse_session_fd(session));
}
