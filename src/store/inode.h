/* SPDX-License-Identifier: MIT
 *
 * The inodes of the tree: for each file and directory that the kernel or a job knows, an O_PATH
 * descriptor on the backing file, where it stands (parent and name; hard links are refused, so
 * every inode has one name at most), and the counts that keep it alive. Virtual nodes (status.txt,
 * .wait) are inodes without a descriptor. What an inode means is its kind, which belongs to tree/.
 *
 * Owner: the table. An inode lives while the kernel has looked it up, or somebody holds a
 * reference. Children hold their parents. All functions may be called from every thread; the table
 * has one mutex, which is never held over a system call that can block.
 */
#ifndef EASELFS_STORE_INODE_H
#define EASELFS_STORE_INODE_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/mutex.h"
#include "base/owner.h"

struct inode_table;
struct node_kind; /* tree/kind.h */
struct survey;    /* job/survey.h */

struct inode {
    /* Never change while the inode lives. */
    struct inode_table *table;
    const struct node_kind *kind;
    int fd;          /* O_PATH on the backing file, owned; -1 where virtual */
    dev_t device;    /* the backing file's identity; 0 where virtual */
    uint64_t number; /* st_ino as the user sees it */
    mode_t type;     /* S_IFMT part of the mode */

    /* Protected by the table's mutex: only inode.c touches them. */
    struct inode *parent;        /* held; NULL: the root, or unlinked */
    char *name;                  /* in the parent, owned; NULL: the root, or unlinked */
    uint64_t lookup_count;       /* what the kernel owes us in FORGETs */
    uint64_t reference_count;    /* lookups, children, handles, jobs */
    struct inode *hash_next;     /* real inodes: chain of the table */
    struct inode *sibling_next;  /* virtual inodes: list of the parent */
    struct inode *virtual_first; /* directories: their virtual children that are known */
    unsigned writer_count;       /* open handles that can write */
    struct inode *writing_next;  /* list of inodes with writers */

    /* Directories: when something in it was last changed by a user, clock_now_ms(). */
    _Atomic int64_t changed_ms;

    /* Directories: the thread that made it, as long as the inode lives; 0: long ago. */
    _Atomic pid_t maker;

    /* settings/: a bit for each value that its maker made, and therefore finds. */
    _Atomic uint32_t made_values;

    /* Directories: what was last found in it, one block, owned; and how often names in it have
       changed. Protected by the mutex of job/survey. */
    struct survey *survey;
    uint64_t names_version;

    /* Directories: a job in it or below it was begun since the mount, and since status.txt was
       removed (tree/workspace.c). */
    _Atomic bool has_jobs;

    /* Regular files: what the commit rule needs (tree/prompt.c). */
    _Atomic bool modified;    /* content changed since the last commit */
    _Atomic uint64_t writing; /* the handle that changed it and was not closed since; 0: nobody */
    bool held;                /* protected by the tree's mutex: the rest is its holder's */
    uint64_t closed_by;       /* the handle whose close left the content as it is; 0: none */
    bool has_author;          /* since the last commit somebody known has changed it */
    struct owner author;      /* then: who opened the file that it was changed through last */
    bool registered;          /* a job was registered for it and not yet committed */
    int refused;              /* errno of a write or close that was refused since the last commit,
                                 or 0 */
    struct failure *refusal;  /* why, where that was found out elsewhere; owned */
    bool refused_by_close;    /* then it does not concern what is changed afterwards */

    /* A setting: how often it was given a value. Its holder's, as above (tree/settings.c). */
    uint64_t value_count;

    /* Real files: a block more than what is counted of it; 0: not known yet (tree/space.c). */
    _Atomic int64_t space;

    /* status.txt: what was last made of it (tree/virtual.c). Protected by the tree's mutex. */
    struct {
        uint64_t hash;
        size_t length;
        int64_t changed_ns;    /* when it was first seen like that, since the epoch */
        int64_t made_s;        /* the second of clock_now_ms() in which it was made */
        uint64_t change_count; /* jobs_change_count() before that */
        uid_t reader;          /* for whom */
        bool known;
    } text;
};

/** Make a table. @return 0 or -ENOMEM. */
int inode_table_create(struct inode_table **ret_table);

/** Free the table and every inode in it, whatever their counts: nothing may use them any more. */
void inode_table_destroy(struct inode_table *table);

/**
 * The inode of the real file behind @fd (O_PATH), making it where it is not known. Takes @fd in
 * every case. The inode is now known as @name in @parent (@parent NULL: a root), unless that stands
 * below it by now. The caller owns a reference.
 *
 * @return 0, -ENOMEM, or the errno of fstat(2).
 */
int inode_get_real(struct inode_table *table, int fd, const struct node_kind *kind,
                   struct inode *parent, const char *name, struct inode **ret_inode);

/** The same with what fstat(2) has said of @fd, by who has asked already. @return 0 or -ENOMEM. */
int inode_get_opened(struct inode_table *table, int fd, const struct stat *status,
                     const struct node_kind *kind, struct inode *parent, const char *name,
                     struct inode **ret_inode);

/**
 * The inode of the real file that has @status, if it is known, and known as @name in @parent: then
 * nothing has to be opened. The caller owns a reference.
 *
 * @return the inode or NULL.
 */
struct inode *inode_get_known(struct inode_table *table, const struct stat *status,
                              const struct inode *parent, const char *name);

/** The virtual node @name of @parent (NULL: the root itself), making it where it is not known. */
int inode_get_virtual(struct inode_table *table, const struct node_kind *kind, mode_t type,
                      struct inode *parent, const char *name, struct inode **ret_inode);

/** Take and drop a reference. inode_unref() takes NULL. */
struct inode *inode_ref(struct inode *inode);
void inode_unref(struct inode *inode);

/** The caller's reference becomes one of the kernel's lookups. */
void inode_count_lookup(struct inode *inode);

/** The kernel forgets @count lookups. */
void inode_forget(struct inode *inode, uint64_t count);

/**
 * The inode of the real file with this identity, if it is known. The caller owns a reference.
 *
 * @return the inode or NULL.
 */
struct inode *inode_find(struct inode_table *table, dev_t device, uint64_t number);

/** The file now stands as @name in @parent: after rename(2). Errors: -ENOMEM. */
int inode_move(struct inode *inode, struct inode *parent, const char *name);

/** The file has no name any more: after unlink(2), rmdir(2), or a rename over it. */
void inode_detach(struct inode *inode);

/** Copy the name into @name. @return false where it has none. */
bool inode_name(struct inode *inode, char name[NAME_MAX + 1]);

/** The parent, with a reference for the caller; NULL where it has none. */
struct inode *inode_parent(struct inode *inode);

/**
 * Append the path of @inode below the root, "MODEL/a/b"; "" for the root.
 *
 * @return 0, -ENOENT where it or something above it was removed, -ENAMETOOLONG above 16 KiB, or as
 *         buf_append().
 */
int inode_path(struct inode *inode, struct buf *path);

/**
 * The model's directory, right below the root, on the way to @inode (or @inode itself), with a
 * reference for the caller; NULL where it or something above it was removed.
 */
struct inode *inode_model(struct inode *inode);

/** The same for the top workspace; NULL also where @inode stands above all of these. */
struct inode *inode_top(struct inode *inode);

/** How far below the root top workspaces are; 1 unless it is set. Before any inode is made. */
void inode_set_top_depth(struct inode_table *table, unsigned depth);

/** Whether @inode is @ancestor or stands somewhere below it. */
bool inode_is_below(struct inode *inode, struct inode *ancestor);

/** A handle that can write was opened, or closed (@return writers left). */
void inode_add_writer(struct inode *inode);
unsigned inode_drop_writer(struct inode *inode);
unsigned inode_writer_count(struct inode *inode);

/**
 * Copy into @name one file of @directory that is open for writing. Hidden files do not count:
 * editors keep their swap files open as long as they run.
 *
 * @return false where none is.
 */
bool inode_open_writer_in(struct inode *directory, char name[NAME_MAX + 1]);

/** Set has_jobs on @directory and all above it. */
void inode_mark_jobs(struct inode *directory);

/** A user changed something in the directory of @inode (or in @inode, a directory) just now. */
void inode_touch_parent(struct inode *inode);
void inode_touch(struct inode *directory);

#endif
