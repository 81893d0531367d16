/* SPDX-License-Identifier: MIT
 *
 * What each kind of node does: one table of functions per kind. Private to tree/.
 *
 * NULL means: not for this kind. An operation that changes the directory (create, mkdir, unlink,
 * rename...) asks check_name first and then works on the backing directory, the same for all.
 */
#ifndef EASELFS_TREE_KIND_H
#define EASELFS_TREE_KIND_H

#include "tree/listing.h"
#include "tree/space.h"
#include "tree/tree.h"

struct node_kind {
    /** What stands as @name in @directory, with a reference. */
    int (*lookup)(struct tree *tree, struct inode *directory, const char *name,
                  const struct caller *caller, struct inode **ret_inode);
    /** Everything in @directory but "." and "..". */
    int (*list)(struct tree *tree, struct inode *directory, struct listing *listing);
    /** Whether @name in @directory may be made, removed or renamed: 0, or the errno. */
    int (*check_name)(struct tree *tree, struct inode *directory, const char *name);
    int (*getattr)(struct tree *tree, struct inode *inode, const struct caller *caller,
                   struct stat *ret_status);
    int (*open)(struct tree *tree, struct inode *inode, int flags, struct handle *handle);
    double timeout_s; /* how long the kernel may cache entry and attributes */
};

extern const struct node_kind kind_root;      /* tree/root.c */
extern const struct node_kind kind_staging;   /* tree/root.c */
extern const struct node_kind kind_homes;     /* tree/homes.c: a model's, where it is shared */
extern const struct node_kind kind_me;        /* tree/homes.c: the link to one's own there */
extern const struct node_kind kind_model;     /* tree/workspace.c: a top workspace */
extern const struct node_kind kind_workspace; /* tree/workspace.c: any below */
extern const struct node_kind kind_file;      /* tree/file.c: real, and no directory */
extern const struct node_kind kind_settings;  /* tree/settings.c: the directory settings/ */
extern const struct node_kind kind_setting;   /* tree/settings.c: a value in it */
extern const struct node_kind kind_readme;    /* tree/virtual.c */
extern const struct node_kind kind_status;    /* tree/virtual.c */
extern const struct node_kind kind_wait;      /* tree/wait.c */

/* Real files change only through the mount (or with a notification): the kernel may keep them. */
#define KIND_REAL_TIMEOUT_S 3600.0

struct tree {
    struct tree_setup setup;
    struct inode *root; /* held */
    struct timespec started;
    uid_t uid;
    gid_t gid;
    struct homes *homes; /* NULL where it is not shared */

    struct space *space; /* NULL: there is no limit (tree/space.h) */

    _Atomic uint64_t last_handle_id;

    /* Set once by tree_set_staging(), before the first request. */
    char *staging_name;
    pid_t staging_thread;

    /* Set once by tree_set_watcher(), before the first request; NULL: nobody. */
    void (*changed)(void *context, struct inode *inode);
    void *changed_context;

    struct mutex mutex;       /* guards inode->held, too */
    struct cond hold_changed; /* a file was let go */
    LIST_HEAD(, handle) handles guarded_by_(mutex);
};

#define NAME_README "README.txt"
#define NAME_STATUS "status.txt"
#define NAME_WAIT   ".wait"

/** Whether @inode is a directory of the store, and not staging. */
bool kind_is_directory(const struct inode *inode);

/** Attributes of @inode have changed behind the kernel's back: tree_set_watcher(). */
void kind_note_changed(const struct tree *tree, struct inode *inode);

/** The inode of the real @name in the real @directory. */
int kind_get_real(struct tree *tree, struct inode *directory, const char *name,
                  struct inode **ret_inode);

/** Fill @status for a virtual node. */
void kind_fill_virtual(const struct tree *tree, const struct inode *inode, mode_t permissions,
                       off_t size, struct stat *status);

/** Make @fd, which is taken, what @handle reads and writes; @flags as of open(2). */
int file_attach(struct tree *tree, struct inode *inode, int fd, int flags, struct handle *handle);

/** A new handle of @inode for @caller; free with kind_free_handle(). @return NULL without memory.
 */
struct handle *kind_make_handle(struct tree *tree, struct inode *inode,
                                const struct caller *caller);
void kind_free_handle(struct tree *tree, struct handle *handle);

/* Whose real files are (tree/owner.c). All give 0 or a negative errno. */

/** Whether owner and mode are recorded, and the store's own say nothing. */
bool owner_is_recorded(const struct tree *tree);

/** The mode with which a file of @mode, type and permissions, is made in the store. */
mode_t owner_store_mode(const struct tree *tree, mode_t mode);

/** fstat(2) of the real file, with the owner and the mode that users see. */
int owner_stat(const struct tree *tree, struct inode *inode, struct stat *ret_status);

/** The same for the file behind @fd, which is in the directory behind @directory_fd. */
int owner_stat_in(const struct tree *tree, int directory_fd, int fd, struct stat *ret_status);

/**
 * @name was made in @directory with @mode: it belongs to @caller, where the daemon may give it
 * away. Where owners are recorded a directory is on disk, with its owner, after 0.
 */
int owner_adopt(const struct tree *tree, struct inode *directory, const char *name,
                const struct caller *caller, mode_t mode);

/** The file behind @fd, of the daemon's making, belongs to the owner of @directory, with @mode. */
int owner_hand_down(const struct tree *tree, struct inode *directory, int fd, mode_t mode);

/**
 * Whether @caller may make a symbolic link in @to or, unless @from is NULL, move one there: -EPERM
 * where that would make it somebody else's.
 */
int owner_check_link(const struct tree *tree, struct inode *from, struct inode *to,
                     const struct caller *caller);

/** Whether @reader may read the real file behind @fd: what is told of it, or sent, is as if read.
 */
bool owner_may_read(const struct tree *tree, int fd, const struct owner *reader);

/** chmod(2), and chown(2) with -1 for what stays: -EPERM where @caller may not give it away. */
int owner_set_mode(const struct tree *tree, struct inode *inode, mode_t mode);
int owner_set(const struct tree *tree, struct inode *inode, uid_t uid, gid_t gid,
              const struct caller *caller);

/**
 * Take the set-user-ID and set-group-ID bits from a file that open(2) has emptied: the one change
 * of the content for which the kernel does not.
 */
int owner_drop_set_id(const struct tree *tree, struct inode *inode);

/* The directories of users (tree/homes.c), in a mount for several users. */

/** Make the directory of @caller in that of a model, if it is not there yet. */
int homes_welcome(struct tree *tree, struct inode *model, const struct caller *caller);

/** The directory of @caller in that of a model, made where it is missing. */
int homes_get(struct tree *tree, struct inode *model, const struct caller *caller,
              struct inode **ret_inode);

/** The target of the link `me` for @caller. */
int homes_read_me(struct tree *tree, struct inode *me, const struct caller *caller, char *target,
                  size_t size);

/** What a crash may have left half-made in the directory of a model. */
void homes_sweep(int model_fd);

struct homes;
int homes_create(struct homes **ret_homes);
void homes_destroy(struct homes *homes);

/**
 * Whether @caller is the thread that made @directory and may be about to make something in there:
 * it finds nothing virtual (tree/maker.c).
 */
bool kind_is_maker(const struct tree *tree, const struct inode *directory,
                   const struct caller *caller);

/** Whether the task @thread, which closes a file, was killed by a signal (tree/killed.c). */
bool kind_is_killed(const struct tree *tree, pid_t thread);

/** Whether a status.txt stands as @name in @directory where no file does (tree/workspace.c). */
bool workspace_shows_status(const struct inode *directory, const char *name);

/** Until the next job in there begins, none does any more. @return whether one did. */
bool workspace_hide_status(struct inode *directory, const char *name);

/** @handle of a status.txt is about to be read at @offset: perhaps make its text anew. */
void virtual_before_read(struct tree *tree, struct handle *handle, uint64_t offset);

/* settings/ (tree/settings.c). */

/** The directory settings/ of @workspace, made where it is not there yet. */
int settings_get_directory(struct tree *tree, struct inode *workspace, const struct caller *caller,
                           struct inode **ret_inode);

/** Whether @name in @directory is a setting. */
bool settings_is_value(const struct inode *directory, const char *name);

/** The setting @name was created by the maker of @directory. */
void settings_note_made(struct inode *directory, const char *name);

/** Write to an open setting. @return as tree_write_checked(). */
ssize_t settings_write(struct tree *tree, struct handle *handle, const void *bytes, size_t length,
                       uint64_t offset);

/** Truncate a setting; @handle is NULL where it is not open. */
int settings_truncate(struct tree *tree, struct inode *inode, struct handle *handle, off_t size);

/** @handle of a setting is closed: one that was only emptied is reset, if it got no value since. */
void settings_released(struct tree *tree, struct handle *handle);

/** Reset the setting @name. */
int settings_unlink(struct inode *directory, const char *name);

/** Before the setting @name is renamed to another name: have a file there, set or not. */
int settings_before_rename(struct tree *tree, struct inode *directory, const char *name);

/** @file is renamed onto the setting @name: check and keep what it holds. */
int settings_rename_onto(struct tree *tree, struct inode *file, struct inode *directory,
                         const char *name);

/* The commit rule (tree/prompt.c). */

/** Write to a prompt. @return as tree_write_checked(). */
ssize_t prompt_write(struct tree *tree, const struct handle *handle, const void *bytes,
                     size_t length, uint64_t offset);

/** Whether the file stands under the name of a prompt now. */
bool prompt_is_named(struct inode *inode);

/**
 * Whether @name in @directory may be opened for writing by @owner: 0; for prompts also the errno of
 * jobs_accepting(), which an error file explains where it is that of a key or of a limit.
 */
int prompt_check_open(struct tree *tree, struct inode *directory, const char *name,
                      const struct owner *owner);

/**
 * Have @inode for oneself: nobody else looks whether it is to be committed, or changes a prompt or
 * a setting.
 */
void prompt_hold(struct tree *tree, struct inode *inode);
void prompt_let_go(struct tree *tree, struct inode *inode);

/** The content of @inode is about to change through that handle (NULL: through none). */
void prompt_note_change(struct inode *inode, const struct handle *handle);

/** The same for what may be a prompt, which the caller holds. */
void prompt_begin_change(struct tree *tree, struct inode *inode, const struct handle *handle);

int prompt_flush(struct tree *tree, struct handle *handle, const struct caller *caller);

/**
 * @handle, which could write its file, is gone.
 *
 * @return whether it was the last one that could
 */
bool prompt_release(struct tree *tree, const struct handle *handle);

/**
 * @inode, which the caller holds, is about to be renamed by @owner to @name in @directory: register
 * it where that is a commit.
 *
 * @return 0 with @ret_commits, or the errno that refuses the rename.
 */
int prompt_before_rename(struct tree *tree, struct inode *inode, struct inode *directory,
                         const char *name, const struct owner *owner, bool *ret_commits);
void prompt_after_rename(struct tree *tree, struct inode *inode, bool commits, int error);

/** Another file is about to be renamed over it: that is a save, and cancels nothing. */
void prompt_replaced(struct tree *tree, struct inode *inode);

/** The file was removed, and still has its name. */
void prompt_removed(struct tree *tree, struct inode *inode);

/* Prompts that are not taken (tree/refusal.c). The file is held by the caller. */

/**
 * Somebody was told @error, and @failure where there is more to say (NULL: there is not): the text
 * as it is now is not sent later, when there may be room again, as its user will have saved it
 * once more.
 */
void refusal_remember(struct inode *inode, int error, const struct failure *failure);

/** What was refused does not count any more. */
void refusal_forget(struct inode *inode);

/** What was refused, as a sentence for the error file. */
void refusal_describe(const struct inode *inode, struct failure *failure);

/**
 * Whether an error file is to say why no prompt is taken now. A full disk explains itself, and has
 * no room for it; and at the end of the daemon it is too late.
 */
bool refusal_is_explained(int error);

/** Have an error file say why @prompt is not sent. @id: what the commit is noted as. */
void refusal_hand_in(struct tree *tree, const struct jobs_prompt *prompt,
                     const struct failure *failure, char id[RECORD_ID_SIZE]);

#endif
