/* SPDX-License-Identifier: MIT
 *
 * The commit rule (DESIGN, "Prompt files"): a prompt becomes a job when a file that stands under a
 * prompt's name was changed since its last commit, is open for writing no more, and is not blank.
 * Looked at when the last writer is gone (RELEASE) and when a file is renamed to such a name.
 *
 * "Changed since the last commit" is kept twice. While the inode lives, `modified` says so. On disk
 * the xattr STORE_XATTR_COMMIT names the last commit and is removed by the first change after it,
 * so that renaming an old prompt, after any number of restarts, is no new commit, and renaming a
 * draft that was never committed is one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/io.h"
#include "base/text.h"
#include "conf/prompt.h"
#include "job/naming.h"
#include "tree/kind.h"

/* The xattr's value where the content was given up and must not be committed as it is. */
#define COMMIT_DISCARDED "-"

/* Of /proc/PID/stat: the task is on its way out (linux/sched.h). */
#define PF_EXITING 0x4ul

bool prompt_is_named(struct inode *inode)
{
    char name[NAME_MAX + 1];

    return S_ISREG(inode->type) && inode_name(inode, name) && naming_is_prompt(name);
}

int prompt_check_open(struct tree *tree, const char *name)
{
    return naming_is_prompt(name) ? jobs_accepting(tree->setup.jobs) : 0;
}

static void set_commit(const struct inode *inode, const char *value)
{
    char path[IO_FD_PATH_SIZE];

    io_fd_path(inode->fd, path);
    if (setxattr(path, STORE_XATTR_COMMIT, value, strlen(value), 0) < 0)
        log_warning("the commit of a prompt cannot be noted: %s", error_text(-errno));
}

static bool was_committed(const struct inode *inode)
{
    char path[IO_FD_PATH_SIZE];

    io_fd_path(inode->fd, path);
    return getxattr(path, STORE_XATTR_COMMIT, NULL, 0) >= 0;
}

void prompt_note_change(struct inode *inode)
{
    char path[IO_FD_PATH_SIZE];

    if (!S_ISREG(inode->type) || atomic_exchange(&inode->modified, true))
        return;
    io_fd_path(inode->fd, path);
    removexattr(path, STORE_XATTR_COMMIT); /* most files never had one */
}

int prompt_check_write(struct inode *inode, const void *bytes, size_t length, uint64_t offset)
{
    struct failure failure;
    int error;

    if (!prompt_is_named(inode))
        return 0;
    failure_init(&failure);
    error = prompt_check_chunk(bytes, length, offset, &failure);
    if (error)
        atomic_store(&inode->refused, error);
    return error;
}

int prompt_check_size(struct inode *inode, uint64_t size)
{
    return size > PROMPT_MAX_BYTES && prompt_is_named(inode) ? -EFBIG : 0;
}

/* The content; one byte above the limit where it is longer. */
static int read_text(const struct inode *inode, struct buf *text)
{
    cleanup_close int fd = io_reopen(inode->fd, O_RDONLY);
    char chunk[PROMPT_MAX_BYTES + 1];
    ssize_t length;

    if (fd < 0)
        return fd;
    length = pread(fd, chunk, sizeof(chunk), 0);
    return length < 0 ? -errno : buf_append(text, chunk, (size_t)length);
}

static int sync_file(const struct inode *inode)
{
    cleanup_close int fd = io_reopen(inode->fd, O_RDONLY);

    return fd < 0 ? fd : fsync(fd) < 0 ? -errno : 0;
}

/*
 * Whether the task that closes its descriptor was killed by a signal: the kernel closes a dying
 * task's files as if it had ended by itself, and only the signal in its exit code tells. For a task
 * of another user an unprivileged daemon sees 0 there, and takes the close for a normal one.
 */
static bool is_killed(pid_t thread)
{
    char path[64];
    char line[1024];
    unsigned long flags = 0;
    int exit_code = 0;
    const char *at;
    cleanup_fclose FILE *file = NULL;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)thread);
    file = thread ? fopen(path, "re") : NULL;
    if (!file || !fgets(line, sizeof(line), file))
        return false;
    at = strrchr(line, ')'); /* the name before it may hold anything */
    if (!at || sscanf(at, ") %*c %*d %*d %*d %*d %*d %lu", &flags) != 1 || !(flags & PF_EXITING))
        return false;
    at = strrchr(line, ' ');
    return at && sscanf(at, " %d", &exit_code) == 1 && (exit_code & 0x7f) != 0;
}

/* What was written is not meant to be sent. */
static void discard(struct tree *tree, struct inode *inode)
{
    atomic_store(&inode->modified, false);
    atomic_store(&inode->refused, 0);
    set_commit(inode, COMMIT_DISCARDED);
    if (atomic_exchange(&inode->registered, false))
        jobs_abandon(tree->setup.jobs, inode);
}

static void unregister(struct tree *tree, struct inode *inode)
{
    if (atomic_exchange(&inode->registered, false))
        jobs_abandon(tree->setup.jobs, inode);
}

static int register_text(struct tree *tree, struct inode *inode, struct inode *directory,
                         const char *name, const struct buf *text)
{
    struct failure failure;
    int error = sync_file(inode);

    failure_init(&failure);
    if (!error)
        error = jobs_register(tree->setup.jobs, inode, directory, name, buf_text(text),
                              text->length, &failure);
    if (!error)
        atomic_store(&inode->registered, true);
    return error;
}

int prompt_flush(struct tree *tree, struct handle *handle, const struct caller *caller)
{
    cleanup_buf struct buf text = {.max = PROMPT_MAX_BYTES + 1};
    struct inode *inode = handle->inode;
    struct inode *directory;
    char name[NAME_MAX + 1];
    int error = atomic_load(&inode->refused);

    if (!inode_name(inode, name) || !naming_is_prompt(name) || !atomic_load(&inode->modified))
        return 0;
    if (is_killed(caller->thread)) {
        discard(tree, inode);
        return 0;
    }
    if (error)
        return error;
    error = read_text(inode, &text);
    if (error)
        return error;
    if (text_is_blank(buf_text(&text), text.length)) {
        unregister(tree, inode);
        return 0;
    }
    directory = inode_parent(inode);
    error = directory ? register_text(tree, inode, directory, name, &text) : 0;
    inode_unref(directory);
    return error;
}

/* A prompt that cannot be sent as it is: an error file says why. */
static void refuse(struct tree *tree, struct inode *inode, struct inode *directory,
                   const char *name, const struct buf *text, const struct failure *failure)
{
    char id[RECORD_ID_SIZE];
    int error;

    unregister(tree, inode);
    error = jobs_refuse(tree->setup.jobs, directory, name, buf_text(text), text->length, failure,
                        id);
    if (error)
        log_error("%s was refused, and no error file can be written: %s", name,
                  error_text(error));
    else
        set_commit(inode, id);
}

static void describe_refusal(int error, struct failure *failure)
{
    failure_init(failure);
    if (error == -EILSEQ)
        failure_set(failure, error, "The prompt is not UTF-8 text.");
    else if (error == -EFBIG)
        failure_set(failure, error, "The prompt is longer than %d KiB.", PROMPT_MAX_BYTES / 1024);
    else
        failure_set_errno(failure, error, "The prompt could not be written");
    failure_advise(failure, "Correct the prompt and save it again.");
}

static void commit(struct tree *tree, struct inode *inode, struct inode *directory,
                   const char *name, const struct buf *text)
{
    struct failure failure;
    char id[RECORD_ID_SIZE];
    int error;

    failure_init(&failure);
    error = jobs_commit(tree->setup.jobs, inode, directory, name, buf_text(text), text->length, id,
                        &failure);
    atomic_store(&inode->registered, false);
    if (error)
        refuse(tree, inode, directory, name, text, &failure);
    else
        set_commit(inode, id);
}

void prompt_released(struct tree *tree, struct inode *inode)
{
    cleanup_buf struct buf text = {.max = PROMPT_MAX_BYTES + 1};
    struct inode *directory = inode_parent(inode);
    struct failure failure;
    char name[NAME_MAX + 1];
    int refused = atomic_load(&inode->refused);

    if (!directory || !inode_name(inode, name) || !naming_is_prompt(name)) {
        unregister(tree, inode); /* it was renamed away, or removed */
    } else if (atomic_load(&inode->modified) && read_text(inode, &text) == 0) {
        atomic_store(&inode->modified, false);
        atomic_store(&inode->refused, 0);
        if (refused) {
            describe_refusal(refused, &failure);
            refuse(tree, inode, directory, name, &text, &failure);
        } else if (text_is_blank(buf_text(&text), text.length)) {
            unregister(tree, inode);
        } else {
            commit(tree, inode, directory, name, &text);
        }
    }
    inode_unref(directory);
}

int prompt_before_rename(struct tree *tree, struct inode *inode, struct inode *directory,
                         const char *name, bool *ret_commits)
{
    cleanup_buf struct buf text = {.max = PROMPT_MAX_BYTES + 1};
    int error;

    if (!S_ISREG(inode->type) || !naming_is_prompt(name) || inode_writer_count(inode) ||
        was_committed(inode))
        return 0;
    error = read_text(inode, &text);
    if (error || text_is_blank(buf_text(&text), text.length))
        return error;
    error = jobs_accepting(tree->setup.jobs);
    if (!error)
        error = register_text(tree, inode, directory, name, &text);
    if (!error)
        *ret_commits = true;
    return error;
}

void prompt_after_rename(struct tree *tree, struct inode *inode, bool commits, int error)
{
    cleanup_buf struct buf text = {.max = PROMPT_MAX_BYTES + 1};
    struct inode *directory;
    char name[NAME_MAX + 1];

    if (commits && error)
        unregister(tree, inode);
    if (!commits || error)
        return;
    directory = inode_parent(inode);
    if (directory && inode_name(inode, name) && read_text(inode, &text) == 0) {
        atomic_store(&inode->modified, false);
        commit(tree, inode, directory, name, &text);
    }
    inode_unref(directory);
}

void prompt_removed(struct tree *tree, struct inode *inode)
{
    if (!prompt_is_named(inode))
        return;
    atomic_store(&inode->registered, false);
    jobs_cancel(tree->setup.jobs, inode);
}
