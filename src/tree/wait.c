/* SPDX-License-Identifier: MIT
 *
 * Wait files: `.wait` for a directory and all below it, `.NAME.prompt.wait` for one prompt. They
 * are never listed, so that nothing that walks the tree blocks on them. The blocking itself is
 * mount/waiters'; this is when it is over and what is read then.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/io.h"
#include "base/text.h"
#include "job/naming.h"
#include "tree/kind.h"

#define PERMISSIONS 0444
/* Deeper trees than this cannot be opened by path either. */
#define DEPTH_MAX      128
#define PATH_BYTES_MAX (16 * 1024)

static int wait_getattr(struct tree *tree, struct inode *inode, const struct caller *caller,
                        struct stat *ret_status)
{
    (void)caller;
    kind_fill_virtual(tree, inode, PERMISSIONS, 0, ret_status);
    return 0;
}

static int wait_open(struct tree *tree, struct inode *inode, int flags, struct handle *handle)
{
    (void)tree;
    (void)inode;
    if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC))
        return -EACCES;
    handle->waits = true;
    return 0;
}

const struct node_kind kind_wait = {
    .getattr = wait_getattr,
    .open = wait_open,
};

/* The prompt that is waited for in @prompt_name; false: the whole directory. */
static bool waited_prompt(struct inode *inode, char prompt_name[NAME_MAX + 1])
{
    char name[NAME_MAX + 1];

    return inode_name(inode, name) && naming_waited_prompt(name, prompt_name);
}

/* The directory that is waited for, with a reference; NULL where it or one above was removed. */
static struct inode *waited_directory(struct inode *inode)
{
    struct inode *directory = inode_parent(inode);
    struct inode *top = directory ? inode_top(directory) : NULL;

    if (!top) {
        inode_unref(directory);
        directory = NULL;
    }
    inode_unref(top);
    return directory;
}

bool tree_wait_is_over(struct tree *tree, struct inode *inode)
{
    struct inode *directory = waited_directory(inode);
    char prompt_name[NAME_MAX + 1];
    bool one = waited_prompt(inode, prompt_name);
    bool over =
        !directory || !jobs_unfinished(tree->setup.jobs, directory, one ? prompt_name : NULL);

    inode_unref(directory);
    return over;
}

/* The results of the newest job of the prompt file @name, as the file itself remembers it. */
static int prompt_outcome(struct tree *tree, int directory_fd, const char *name, const char *prefix,
                          struct buf *lines, bool *ret_failed)
{
    cleanup_close int fd =
        openat(directory_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    char id[RECORD_ID_SIZE + 1];
    ssize_t length;

    if (fd < 0)
        return 0;
    length = fgetxattr(fd, STORE_XATTR_COMMIT, id, sizeof(id) - 1);
    if (length < 0)
        return 0;
    id[length] = '\0';
    if (!record_is_id(id))
        return 0;
    return jobs_results(tree->setup.jobs, directory_fd, id, prefix, lines, ret_failed);
}

struct walk {
    struct tree *tree;
    const struct owner *reader;
    struct buf *lines;
    bool *failed;
};

static int walk_directory(const struct walk *walk, int fd, const char *prefix, unsigned depth);

static int walk_entry(const struct walk *walk, int fd, const char *prefix,
                      const struct dirent *entry, unsigned depth)
{
    cleanup_buf struct buf below = {.max = PATH_BYTES_MAX};
    cleanup_close int child = -1;

    if (entry->d_type == DT_REG && naming_is_prompt(entry->d_name))
        return prompt_outcome(walk->tree, fd, entry->d_name, prefix, walk->lines, walk->failed);
    if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 ||
        strcmp(entry->d_name, "..") == 0 || depth == DEPTH_MAX)
        return 0;
    child = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (child < 0 || !owner_may_read(walk->tree, child, walk->reader) ||
        buf_printf(&below, "%s%s/", prefix, entry->d_name))
        return 0;
    return walk_directory(walk, child, buf_text(&below), depth + 1);
}

static int compare_entries(const struct dirent **left, const struct dirent **right)
{
    return text_natural_compare((*left)->d_name, (*right)->d_name);
}

static int walk_directory(const struct walk *walk, int fd, const char *prefix, unsigned depth)
{
    struct dirent **entries;
    int count = scandirat(fd, ".", &entries, NULL, compare_entries);
    int error = 0;

    if (count < 0)
        return -errno;
    for (int i = 0; i < count; i++) {
        if (!error)
            error = walk_entry(walk, fd, prefix, entries[i], depth);
        free(entries[i]);
    }
    free(entries);
    return error;
}

int tree_wait_outcome(struct tree *tree, struct inode *inode, const struct owner *reader,
                      struct buf *lines, bool *ret_failed)
{
    const struct walk walk = {tree, reader, lines, ret_failed};
    struct inode *directory = waited_directory(inode);
    char prompt_name[NAME_MAX + 1];
    cleanup_close int fd = -1;
    int error = -ENOENT;

    if (directory)
        fd = io_reopen(directory->fd, O_RDONLY | O_DIRECTORY);
    if (fd >= 0) {
        *ret_failed = false;
        error = waited_prompt(inode, prompt_name)
                    ? prompt_outcome(tree, fd, prompt_name, "", lines, ret_failed)
                    : walk_directory(&walk, fd, "", 0);
    }
    inode_unref(directory);
    return error;
}
