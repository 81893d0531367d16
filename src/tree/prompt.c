/* SPDX-License-Identifier: MIT
 *
 * The commit rule (DESIGN, "Prompt files"): a prompt becomes a job when a file that stands under a
 * prompt's name was changed since its last commit, is open for writing no more, and is not blank.
 * Looked at when the last writer is gone (RELEASE) and when a file is renamed to such a name.
 *
 * "Changed since the last commit" is kept twice. While the inode lives, `modified` says so. On disk
 * the xattr STORE_XATTR_COMMIT names the last commit and is removed by the first change after it,
 * so that renaming an old prompt, after any number of restarts, is no new commit, and renaming a
 * draft that was never committed is one (tree/note.c).
 *
 * RELEASE comes after close(2) has returned, in any thread, so that what a program does next may
 * overtake it:
 *
 *     echo A > prompt          OPEN(1) WRITE(1) FLUSH(1) ............... RELEASE(1)
 *     echo B > prompt                                    OPEN(2, TRUNC)             WRITE(2) ...
 *
 * So A, which FLUSH has registered, is committed by whatever would change or take away what that
 * close left: a change through another handle, a rename of the file or over it. And whoever looks
 * at a file or changes it holds it, so that no look sees half of a change.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/failpoint.h"
#include "base/io.h"
#include "base/text.h"
#include "conf/prompt.h"
#include "job/naming.h"
#include "tree/kind.h"
#include "tree/note.h"

/* A path longer than this cannot be opened anyway. */
#define PATH_BYTES_MAX (16 * 1024)

/* A prompt as it stands now: what a commit is made of. */
struct draft {
    struct inode *directory; /* held; NULL: the file has no name */
    char name[NAME_MAX + 1];
    struct buf text; /* one byte above the limit where it is longer */
};

void prompt_hold(struct tree *tree, struct inode *inode)
{
    mutex_lock(&tree->mutex);
    while (inode->held)
        cond_wait(&tree->hold_changed, &tree->mutex);
    inode->held = true;
    mutex_unlock(&tree->mutex);
}

void prompt_let_go(struct tree *tree, struct inode *inode)
{
    mutex_lock(&tree->mutex);
    inode->held = false;
    cond_broadcast(&tree->hold_changed);
    mutex_unlock(&tree->mutex);
}

/*
 * Whether a file called @name in @directory is a prompt. In hidden directories nothing is: rsync's
 * .~tmp~ and editors' .history hold files under their final names that are not meant as such.
 */
static bool is_prompt(struct inode *directory, const char *name)
{
    cleanup_buf struct buf path = {.max = PATH_BYTES_MAX};

    return naming_is_prompt(name) && inode_path(directory, &path) == 0 &&
           !strstr(buf_text(&path), "/.");
}

bool prompt_is_named(struct inode *inode)
{
    struct inode *directory;
    char name[NAME_MAX + 1];
    bool is;

    if (!S_ISREG(inode->type) || !inode_name(inode, name) || !naming_is_prompt(name))
        return false;
    directory = inode_parent(inode);
    is = directory && is_prompt(directory, name);
    inode_unref(directory);
    return is;
}

static void draft_fini(struct draft *draft)
{
    inode_unref(draft->directory);
    buf_fini(&draft->text);
}

#define cleanup_draft cleanup_(draft_fini)

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

/* @return 0, also where @inode is no prompt: then the directory is NULL. */
static int read_draft(struct inode *inode, struct draft *draft)
{
    if (!prompt_is_named(inode) || !inode_name(inode, draft->name))
        return 0;
    draft->directory = inode_parent(inode);
    return draft->directory ? read_text(inode, &draft->text) : 0;
}

static bool is_blank(const struct draft *draft)
{
    return text_is_blank(buf_text(&draft->text), draft->text.length);
}

static int sync_file(const struct inode *inode)
{
    cleanup_close int fd = io_reopen(inode->fd, O_RDONLY);
    int error = fd < 0 ? fd : failpoint("prompt.sync");

    return error ? error : fsync(fd) < 0 ? -errno : 0;
}

static void unregister(struct tree *tree, struct inode *inode)
{
    if (inode->registered)
        jobs_abandon(tree->setup.jobs, inode);
    inode->registered = false;
}

/* What was written is not meant to be sent. */
static void discard(struct tree *tree, struct inode *inode)
{
    atomic_store(&inode->modified, false);
    refusal_forget(inode);
    note_set(tree, inode, NOTE_DISCARDED);
    unregister(tree, inode);
}

/* Whose job comes of what the file, which is held, holds now. */
static void set_author(struct inode *inode, const struct owner *owner)
{
    inode->author = *owner;
    inode->has_author = true;
}

/* @draft of @inode as the jobs take it: that of whoever changed it last. */
static void hand_in(struct inode *inode, const struct draft *draft, struct jobs_prompt *ret_prompt)
{
    *ret_prompt = (struct jobs_prompt){
        .owner = inode->author,
        .file = inode,
        .workspace = draft->directory,
        .name = draft->name,
        .text = buf_text(&draft->text),
        .length = draft->text.length,
    };
}

static int register_draft(struct tree *tree, struct inode *inode, const struct draft *draft,
                          struct failure *failure)
{
    struct jobs_prompt handed;
    int error;

    if (!owner_may_read(tree, inode->fd, &inode->author)) /* the picture would show it to them */
        return failure_set(failure, -EACCES, "The prompt is not for its writer to read.");
    error = sync_file(inode);
    if (error)
        return failure_set_errno(failure, error, "The prompt could not be stored");
    hand_in(inode, draft, &handed);
    error = jobs_register(tree->setup.jobs, &handed, failure);
    if (!error)
        inode->registered = true;
    return error;
}

static void refuse(struct tree *tree, struct inode *inode, const struct draft *draft,
                   const struct failure *failure, char id[RECORD_ID_SIZE])
{
    struct jobs_prompt handed;

    hand_in(inode, draft, &handed);
    refusal_hand_in(tree, &handed, failure, id);
}

int prompt_check_open(struct tree *tree, struct inode *directory, const char *name,
                      const struct owner *owner)
{
    const struct jobs_prompt unread = {*owner, NULL, directory, name, "", 0};
    struct failure failure;
    char id[RECORD_ID_SIZE];
    int error;

    if (!is_prompt(directory, name))
        return 0;
    failure_init(&failure);
    error = jobs_accepting(tree->setup.jobs, &failure);
    if (refusal_is_explained(error))
        refusal_hand_in(tree, &unread, &failure, id);
    return error;
}

/* Until the file names the job, that cannot begin, as if the file were open: who waits for the file
   would be told of nothing by a job that has ended before. */
static void commit(struct tree *tree, struct inode *inode, const struct draft *draft)
{
    struct jobs_prompt handed;
    struct failure failure;
    char id[RECORD_ID_SIZE];

    failure_init(&failure);
    hand_in(inode, draft, &handed);
    inode_add_writer(inode);
    if (jobs_commit(tree->setup.jobs, &handed, id, &failure)) {
        unregister(tree, inode);
        refuse(tree, inode, draft, &failure, id);
    }
    inode->registered = false;
    note_set(tree, inode, id);
    inode_drop_writer(inode);
    jobs_kick(tree->setup.jobs);
}

static bool has_change(const struct inode *inode)
{
    return atomic_load(&inode->modified) || inode->refused;
}

/* The last change is over, as far as can be told. The file is held. */
static void finish_change(struct tree *tree, struct inode *inode)
{
    cleanup_draft struct draft draft = {.text.max = PROMPT_MAX_BYTES + 1};
    struct failure failure;
    int error = read_draft(inode, &draft);
    char id[RECORD_ID_SIZE];

    if (error)
        return;             /* still to be committed, at its next close */
    if (!draft.directory) { /* it was renamed away, or removed */
        unregister(tree, inode);
        return;
    }
    atomic_store(&inode->modified, false);
    if (inode->refused) {
        unregister(tree, inode);
        refusal_describe(inode, &failure);
        refusal_forget(inode);
        refuse(tree, inode, &draft, &failure, id);
        note_set(tree, inode, id);
    } else if (is_blank(&draft)) {
        unregister(tree, inode);
    } else {
        commit(tree, inode, &draft);
    }
}

/* What a close left, and what is about to be changed or taken away, is committed first. */
static void commit_closed(struct tree *tree, struct inode *inode)
{
    if (inode->registered && !atomic_load(&inode->writing))
        finish_change(tree, inode);
}

void prompt_note_change(struct inode *inode, const struct handle *handle)
{
    if (handle)
        atomic_store(&inode->writing, handle->id);
    if (!atomic_exchange(&inode->modified, true))
        note_remove(inode);
}

void prompt_begin_change(struct tree *tree, struct inode *inode, const struct handle *handle)
{
    if (!handle || inode->closed_by != handle->id)
        commit_closed(tree, inode);
    if (handle)
        set_author(inode, &handle->owner);
    else if (!atomic_load(&inode->modified))
        inode->has_author = false; /* then it is whoever closes the file */
    if (inode->refused_by_close)
        refusal_forget(inode);
    prompt_note_change(inode, handle);
}

static int check_user(struct tree *tree, uid_t uid, struct failure *failure)
{
    int error = jobs_check_user(tree->setup.jobs, uid, failure);

    return error || !space_check_entry(tree, uid) ? error : space_refuse(tree, failure);
}

/* Whether a job may come of what is written; one that is registered for that file is counted. */
static int check_author(struct tree *tree, const struct handle *handle, struct failure *failure)
{
    const struct inode *inode = handle->inode;

    if (inode->registered && inode->closed_by == handle->id)
        return 0;
    return check_user(tree, handle->owner.uid, failure);
}

/* @failure: set where it says more than the errno does */
static ssize_t write_text(struct tree *tree, const struct handle *handle, const void *bytes,
                          size_t length, uint64_t offset, struct failure *failure)
{
    struct inode *inode = handle->inode;
    struct tree_claim claim;
    ssize_t written;
    int error = check_author(tree, handle, failure);

    if (!error)
        error = prompt_check_chunk(bytes, length, offset, failure);
    if (!error && space_claim(tree, inode, offset + length, &claim))
        error = space_refuse(tree, failure);
    if (error)
        return error;
    prompt_begin_change(tree, inode, handle);
    written = pwrite(handle->fd, bytes, length, (off_t)offset);
    if (written < 0)
        written = -errno;
    space_settle(tree, inode, &claim);
    return written;
}

ssize_t prompt_write(struct tree *tree, const struct handle *handle, const void *bytes,
                     size_t length, uint64_t offset)
{
    struct inode *inode = handle->inode;
    struct failure failure;
    ssize_t written;

    failure_init(&failure);
    prompt_hold(tree, inode);
    written = write_text(tree, handle, bytes, length, offset, &failure);
    if (written < 0) { /* what the file holds is not what its writer meant */
        if (inode->closed_by != handle->id)
            commit_closed(tree, inode);
        refusal_remember(inode, (int)written,
                         written == -EDQUOT && failure.error ? &failure : NULL);
        set_author(inode, &handle->owner);
        atomic_store(&inode->writing, handle->id);
    }
    prompt_let_go(tree, inode);
    inode_touch_parent(inode);
    return written;
}

/* @handle has changed the prompt and a descriptor of it is closed: durable after 0. */
static int flush_change(struct tree *tree, struct inode *inode, const struct caller *caller)
{
    cleanup_draft struct draft draft = {.text.max = PROMPT_MAX_BYTES + 1};
    struct failure failure;
    int error = read_draft(inode, &draft);

    if (error || !draft.directory)
        return error;
    if (kind_is_killed(tree, caller->thread)) {
        discard(tree, inode);
        return 0;
    }
    if (inode->refused)
        return inode->refused;
    if (is_blank(&draft)) {
        unregister(tree, inode);
        return 0;
    }
    failure_init(&failure);
    error = register_draft(tree, inode, &draft, &failure);
    if (error) {
        refusal_remember(inode, error, &failure);
        inode->refused_by_close = true;
    }
    return error;
}

int prompt_flush(struct tree *tree, struct handle *handle, const struct caller *caller)
{
    struct inode *inode = handle->inode;
    uint64_t writing = handle->id;
    bool wrote;
    int error = 0;

    prompt_hold(tree, inode);
    wrote = atomic_compare_exchange_strong(&inode->writing, &writing, 0);
    if (wrote) {
        inode->closed_by = handle->id;
        set_author(inode, &handle->owner);
    }
    /* What an earlier close did not take is told again; what it took is not sent, where who else
       has the descriptor is killed over it: a shell's loop, of which a child wrote a line. */
    if (!wrote && inode->closed_by == handle->id && inode->registered &&
        kind_is_killed(tree, caller->thread))
        discard(tree, inode);
    else if ((wrote || (inode->closed_by == handle->id && !inode->registered)) && has_change(inode))
        error = flush_change(tree, inode, caller);
    prompt_let_go(tree, inode);
    return error;
}

/* It counts as a writer until all is done, so that no job of the directory begins meanwhile: one
   with the same text is still found waiting. */
bool prompt_release(struct tree *tree, const struct handle *handle)
{
    struct inode *inode = handle->inode;
    unsigned left;

    prompt_hold(tree, inode);
    /* Where it was opened again, the end of that decides. */
    if (inode_writer_count(inode) == 1 && has_change(inode)) {
        if (!inode->has_author)
            set_author(inode, &handle->owner);
        finish_change(tree, inode);
    }
    inode_touch_parent(inode);
    left = inode_drop_writer(inode);
    prompt_let_go(tree, inode);
    return left == 0;
}

/* Have the draft stand as @name in @directory, as it will after a rename. */
static int read_future_draft(struct inode *inode, struct inode *directory, const char *name,
                             struct draft *draft)
{
    snprintf(draft->name, sizeof(draft->name), "%s", name);
    draft->directory = inode_ref(directory);
    return read_text(inode, &draft->text);
}

static int check_draft(const struct draft *draft, struct failure *failure)
{
    return prompt_check_chunk(buf_text(&draft->text), draft->text.length, 0, failure);
}

int prompt_before_rename(struct tree *tree, struct inode *inode, struct inode *directory,
                         const char *name, const struct owner *owner, bool *ret_commits)
{
    cleanup_draft struct draft draft = {.text.max = PROMPT_MAX_BYTES + 1};
    struct failure failure;
    char id[RECORD_ID_SIZE];
    int error;

    commit_closed(tree, inode);
    if (!S_ISREG(inode->type) || !is_prompt(directory, name) || note_exists(inode))
        return 0;
    error = read_future_draft(inode, directory, name, &draft);
    if (error || is_blank(&draft))
        return error;
    failure_init(&failure);
    error = jobs_accepting(tree->setup.jobs, &failure);
    if (error && !refusal_is_explained(error))
        return error;
    set_author(inode, owner);
    if (!error && inode_writer_count(inode) && atomic_load(&inode->writing)) {
        error = check_draft(&draft, &failure); /* it is not finished: its close will commit it */
    } else if (!error) {
        error = check_user(tree, owner->uid, &failure);
        if (!error)
            error = register_draft(tree, inode, &draft, &failure);
        *ret_commits = !error;
    }
    if (error)
        refuse(tree, inode, &draft, &failure, id);
    return error;
}

void prompt_after_rename(struct tree *tree, struct inode *inode, bool commits, int error)
{
    if (commits && error)
        unregister(tree, inode);
    else if (commits)
        finish_change(tree, inode);
}

void prompt_replaced(struct tree *tree, struct inode *inode)
{
    prompt_hold(tree, inode);
    commit_closed(tree, inode);
    unregister(tree, inode);
    prompt_let_go(tree, inode);
}

void prompt_removed(struct tree *tree, struct inode *inode)
{
    prompt_hold(tree, inode);
    if (prompt_is_named(inode)) {
        inode->registered = false;
        jobs_cancel(tree->setup.jobs, inode);
    }
    prompt_let_go(tree, inode);
}
