/* SPDX-License-Identifier: MIT
 *
 * The tree as users see it: models, workspaces, real files over the store, and the virtual files
 * among them. This is what mount/ calls for each operation of the kernel; it knows no FUSE. Each
 * function answers from memory or with short calls on the store, and never waits for the network
 * or for a job. All may be called from every thread.
 *
 * Errors are negative errno, as open(2), rename(2) and so on have them; what easelfs adds is said
 * here. Inodes that are handed out carry a reference for the caller.
 */
#ifndef EASELFS_TREE_TREE_H
#define EASELFS_TREE_TREE_H

#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/buf.h"
#include "base/owner.h"
#include "conf/models.h"
#include "conf/options.h"
#include "job/jobs.h"
#include "store/inode.h"
#include "store/store.h"

struct keeper;
struct tree;
struct listing;

/** Who asks. Valid for everything but RELEASE and FORGET, which the kernel sends as root. */
struct caller {
    uid_t uid;
    gid_t gid;
    pid_t thread; /* the calling thread's id; 0: in a foreign pid namespace */
};

/** An open file or directory. Owned by the caller of tree_open(); ends with tree_release(). */
struct handle {
    struct inode *inode;     /* held */
    uint64_t id;             /* no other handle ever has it; not 0 */
    struct owner owner;      /* who opened it: whose jobs come of what is written */
    int fd;                  /* of the real file; -1 where virtual */
    bool writer;             /* may change the file */
    bool waits;              /* a wait file: mount/waiters answers its reads */
    char *text;              /* virtual: what is read, made at open; a wait file's is made by the
                                first read that need not block. Owned */
    size_t length;           /* of text */
    bool started, ended;     /* status.txt: it was read; a read was told that it ends here */
    bool value;              /* a setting: text is what it holds, changed by writes under the
                                tree's mutex */
    bool emptied;            /* a setting: truncated, and nothing written since */
    uint64_t emptied_at;     /* then: value_count of its inode */
    bool failed;             /* wait files: a newest job failed; behind the text comes EIO */
    struct listing *listing; /* directories: what they held when reading began, owned */
    LIST_ENTRY(handle) link; /* all that are open; private to the tree */
};

/** What LOOKUP and its kin give. */
struct tree_entry {
    struct inode *inode;
    struct stat status;
    double timeout_s; /* how long the kernel may believe it */
};

/** All pointers stay the caller's and outlive the tree. */
struct tree_setup {
    const struct options *options;
    const struct model_list *models;
    const char *base_url;
    const struct store *store;
    struct jobs *jobs;
    struct inode_table *inodes;
    const struct keeper *keeper; /* whom to ask about callers */
};

/** Make the tree, and in the store the directories of the models. @return 0 or a negative errno. */
int tree_create(const struct tree_setup *setup, struct tree **ret_tree);

/** Free it and the handles that are still open, which the kernel gave up. Takes NULL. */
void tree_destroy(struct tree *tree);

/** Reachable by @name in the root, for the thread @thread only: where results wait. Call once. */
int tree_set_staging(struct tree *tree, const char *name, pid_t thread);

/**
 * Have @changed called where attributes of a real file or directory change otherwise than by what
 * the kernel has asked for, so that it forgets what it knows of them. That may be from within a
 * request, with files held: it must not wait for another request. Call once, before the first one.
 */
void tree_set_watcher(struct tree *tree, void (*changed)(void *context, struct inode *inode),
                      void *context);

struct inode *tree_root(struct tree *tree);

/** The directory at @path below the root, with a reference; NULL where there is none. */
struct inode *tree_resolve(struct tree *tree, const char *path);

/**
 * The top workspace of @owner in the directory @model of a model, with a reference; NULL where
 * there is none, and none can be made. May wait for the disk.
 */
struct inode *tree_resolve_top(struct tree *tree, const char *model, const struct owner *owner);

int tree_lookup(struct tree *tree, struct inode *parent, const char *name,
                const struct caller *caller, struct tree_entry *ret_entry);
int tree_getattr(struct tree *tree, struct inode *inode, const struct caller *caller,
                 struct stat *ret_status, double *ret_timeout_s);

/* Which members of a struct stat tree_setattr() sets: the values of FUSE_SET_ATTR_*. */
#define TREE_SET_MODE      (1 << 0)
#define TREE_SET_UID       (1 << 1)
#define TREE_SET_GID       (1 << 2)
#define TREE_SET_SIZE      (1 << 3)
#define TREE_SET_ATIME     (1 << 4)
#define TREE_SET_MTIME     (1 << 5)
#define TREE_SET_ATIME_NOW (1 << 7)
#define TREE_SET_MTIME_NOW (1 << 8)
#define TREE_SET_ALL       0x1bf

/** @handle: NULL unless the file is open. EFBIG where a prompt would grow too long. */
int tree_setattr(struct tree *tree, struct inode *inode, struct handle *handle,
                 const struct caller *caller, const struct stat *wanted, int what,
                 struct stat *ret_status, double *ret_timeout_s);
int tree_readlink(struct tree *tree, struct inode *inode, const struct caller *caller, char *target,
                  size_t size);

/** EPERM for anything but a regular file. */
int tree_mknod(struct tree *tree, struct inode *parent, const char *name,
               const struct caller *caller, mode_t mode, struct tree_entry *ret_entry);
int tree_mkdir(struct tree *tree, struct inode *parent, const char *name,
               const struct caller *caller, mode_t mode, struct tree_entry *ret_entry);
int tree_symlink(struct tree *tree, struct inode *parent, const char *name,
                 const struct caller *caller, const char *target, struct tree_entry *ret_entry);

/** ENOKEY for a prompt file where no prompt can be sent; EROFS while everything is stopped. */
int tree_create_file(struct tree *tree, struct inode *parent, const char *name,
                     const struct caller *caller, mode_t mode, int flags,
                     struct tree_entry *ret_entry, struct handle **ret_handle);
int tree_unlink(struct tree *tree, struct inode *parent, const char *name);
int tree_rmdir(struct tree *tree, struct inode *parent, const char *name);

/** @flags as renameat2(2). Onto the name of a prompt also what tree_flush() gives. */
int tree_rename(struct tree *tree, struct inode *parent, const char *name, struct inode *new_parent,
                const char *new_name, unsigned flags, const struct caller *caller);

int tree_open(struct tree *tree, struct inode *inode, int flags, const struct caller *caller,
              struct handle **ret_handle);

/** Whether what is written has to go through tree_write_checked(): to prompts and settings. */
bool tree_checks_writes(const struct handle *handle);

/**
 * Write to a prompt or a setting. What is written to a setting is in force at once.
 *
 * @return bytes written, or a negative errno with nothing changed: EILSEQ, EFBIG for a prompt's
 *         text, EINVAL for a setting's value, or that of storing it
 */
ssize_t tree_write_checked(struct tree *tree, struct handle *handle, const void *bytes,
                           size_t length, uint64_t offset);

/**
 * Copy @size bytes at @offset of a virtual text to @buffer. A status.txt is made anew where it is
 * read from its beginning again, or on behind its end once that was told: so it can be followed.
 *
 * @return how many there were
 */
size_t tree_read_text(struct tree *tree, struct handle *handle, void *buffer, size_t size,
                      uint64_t offset);

/**
 * The content of @inode is about to be changed, or the file given away: take the set-user-ID and
 * set-group-ID bits. @ret_dropped: set where there were any. @return 0 or the errno of taking them.
 */
int tree_drop_set_id(struct tree *tree, struct inode *inode, bool *ret_dropped);

/** What a write has set aside: private to the tree. */
struct tree_claim {
    uid_t uid;
    int64_t blocks;
};

/**
 * The content is about to be changed through @handle: @length bytes at @offset.
 *
 * @return 0 with @ret_claim, and tree_end_write() has to follow; -EDQUOT
 */
int tree_begin_write(struct tree *tree, const struct handle *handle, uint64_t offset, size_t length,
                     struct tree_claim *ret_claim);
void tree_end_write(struct tree *tree, const struct handle *handle, const struct tree_claim *claim);

/**
 * A descriptor of the file is closed. For a changed prompt: durable and registered after 0;
 * EILSEQ, EFBIG, EINVAL for its text, ENOSPC and the like for the store.
 */
int tree_flush(struct tree *tree, struct handle *handle, const struct caller *caller);

/** The last descriptor is gone: perhaps a commit. Frees @handle. */
void tree_release(struct tree *tree, struct handle *handle);
int tree_fsync(struct handle *handle, bool data_only);
int tree_fallocate(struct tree *tree, struct handle *handle, int mode, off_t offset, off_t length);
int64_t tree_copy_range(struct tree *tree, struct handle *from, off_t from_offset,
                        struct handle *to, off_t to_offset, size_t length, int flags);

int tree_opendir(struct tree *tree, struct inode *inode, const struct caller *caller,
                 struct handle **ret_handle);

/** One entry of an open directory. The name lives until the next tree_readdir() at offset 0. */
struct tree_dirent {
    const char *name;
    uint64_t number;
    mode_t type;
};

/** The entry at @offset, from 0 on. @return 0, or -ENODATA behind the last one. */
int tree_readdir(struct tree *tree, struct handle *handle, uint64_t offset,
                 struct tree_dirent *ret_entry);

int tree_getxattr(struct inode *inode, const char *name, void *value, size_t size);
int tree_listxattr(struct inode *inode, char *list, size_t size);
int tree_setxattr(struct tree *tree, struct inode *inode, const char *name, const void *value,
                  size_t size, int flags);
int tree_removexattr(struct tree *tree, struct inode *inode, const char *name);
int tree_statfs(struct tree *tree, struct statvfs *ret_status);

/** Count what was there before the mount, for user_bytes, in the background. Once. */
int tree_start_count(struct tree *tree);

/** The job layer has put @name into @directory, or removed it, without the kernel. Any thread. */
void tree_note_name(struct tree *tree, struct inode *directory, const char *name);

/** Whether what the wait file @inode waits for is over: also where its directory was removed. */
bool tree_wait_is_over(struct tree *tree, struct inode *inode);

/**
 * What a wait file then gives @reader. Reads the disk.
 *
 * @return 0; -ENOENT where its directory was removed; the errno of reading it
 */
int tree_wait_outcome(struct tree *tree, struct inode *inode, const struct owner *reader,
                      struct buf *lines, bool *ret_failed);

#endif
