/* SPDX-License-Identifier: MIT
 *
 * The root: the models, README.txt, status.txt, and nothing else, ever. And the staging directory,
 * which only the publisher's thread can find: results leave it for their workspaces by rename.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <fcntl.h>

#include "tree/kind.h"

#define ROOT_PERMISSIONS    0555
#define STAGING_PERMISSIONS 0700

static bool is_publisher(const struct tree *tree, const struct caller *caller)
{
    return caller->thread != 0 && caller->thread == tree->staging_thread;
}

static int get_model(struct tree *tree, struct inode *root, const char *name,
                     struct inode **ret_inode)
{
    int fd =
        openat(tree->setup.store->tree_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    return inode_get_real(tree->setup.inodes, fd,
                          tree->setup.options->shared ? &kind_homes : &kind_model, root, name,
                          ret_inode);
}

static int root_lookup(struct tree *tree, struct inode *root, const char *name,
                       const struct caller *caller, struct inode **ret_inode)
{
    struct inode_table *inodes = tree->setup.inodes;

    if (models_find(tree->setup.models, name))
        return get_model(tree, root, name, ret_inode);
    if (strcmp(name, NAME_README) == 0)
        return inode_get_virtual(inodes, &kind_readme, S_IFREG, root, name, ret_inode);
    if (strcmp(name, NAME_STATUS) == 0)
        return inode_get_virtual(inodes, &kind_status, S_IFREG, root, name, ret_inode);
    if (tree->staging_name && strcmp(name, tree->staging_name) == 0 && is_publisher(tree, caller))
        return inode_get_virtual(inodes, &kind_staging, S_IFDIR, root, name, ret_inode);
    return -ENOENT;
}

static int root_list(struct tree *tree, struct inode *root, struct listing *listing)
{
    const struct caller nobody = {0};
    static const char *const names[] = {NAME_README, NAME_STATUS};
    struct inode *inode;
    int error = 0;

    for (size_t i = 0; !error && i < tree->setup.models->count; i++) {
        const char *name = tree->setup.models->models[i].directory;

        error = get_model(tree, root, name, &inode);
        if (!error) {
            error = listing_add(listing, name, inode->number, S_IFDIR);
            inode_unref(inode);
        }
    }
    for (size_t i = 0; !error && i < sizeof(names) / sizeof(names[0]); i++) {
        error = root_lookup(tree, root, names[i], &nobody, &inode);
        if (!error) {
            error = listing_add(listing, names[i], inode->number, S_IFREG);
            inode_unref(inode);
        }
    }
    return error;
}

static int root_check_name(struct tree *tree, struct inode *root, const char *name)
{
    (void)tree;
    (void)root;
    (void)name;
    return -EPERM;
}

static int root_getattr(struct tree *tree, struct inode *inode, const struct caller *caller,
                        struct stat *ret_status)
{
    (void)caller;
    kind_fill_virtual(tree, inode, ROOT_PERMISSIONS, 0, ret_status);
    ret_status->st_nlink = 2 + tree->setup.models->count;
    return 0;
}

const struct node_kind kind_root = {
    .lookup = root_lookup,
    .list = root_list,
    .check_name = root_check_name,
    .getattr = root_getattr,
    .timeout_s = KIND_REAL_TIMEOUT_S,
};

static int staging_lookup(struct tree *tree, struct inode *staging, const char *name,
                          const struct caller *caller, struct inode **ret_inode)
{
    int fd;

    if (!is_publisher(tree, caller))
        return -ENOENT;
    fd = openat(tree->setup.store->staging_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    return inode_get_real(tree->setup.inodes, fd, &kind_file, staging, name, ret_inode);
}

static int staging_getattr(struct tree *tree, struct inode *inode, const struct caller *caller,
                           struct stat *ret_status)
{
    (void)caller;
    kind_fill_virtual(tree, inode, STAGING_PERMISSIONS, 0, ret_status);
    return 0;
}

const struct node_kind kind_staging = {
    .lookup = staging_lookup,
    .getattr = staging_getattr,
};
