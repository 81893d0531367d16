/* SPDX-License-Identifier: MIT
 *
 * Workspaces: real directories of the store with a few virtual names. In a model's own directory,
 * the top workspace, README.txt, status.txt and settings/ are listed, and the first two cannot be
 * replaced. Below it nothing virtual is listed, but for settings/ once something was set there. By
 * name settings/ is always there; status.txt is once a job was begun, while no real file has that
 * name and nobody removed it. Neither is there for whom makes the directory (kind_is_maker): one
 * that is being copied in has to look like any other, also where its prompt is sent before the rest
 * is there. Who unpacks into a directory of another's making removes what is in the way: tar does.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "job/naming.h"
#include "store/values.h"
#include "tree/kind.h"

static bool is_wait_name(const char *name)
{
    char prompt_name[NAME_MAX + 1];

    return strcmp(name, NAME_WAIT) == 0 || naming_waited_prompt(name, prompt_name);
}

static bool is_settings(const char *name)
{
    return strcmp(name, VALUES_DIRECTORY) == 0;
}

static int get_virtual(struct tree *tree, struct inode *directory, const char *name,
                       const struct node_kind *kind, struct inode **ret_inode)
{
    return inode_get_virtual(tree->setup.inodes, kind, S_IFREG, directory, name, ret_inode);
}

static int model_lookup(struct tree *tree, struct inode *directory, const char *name,
                        const struct caller *caller, struct inode **ret_inode)
{
    if (is_wait_name(name))
        return get_virtual(tree, directory, name, &kind_wait, ret_inode);
    if (is_settings(name))
        return settings_get_directory(tree, directory, caller, ret_inode);
    if (strcmp(name, NAME_README) == 0)
        return get_virtual(tree, directory, name, &kind_readme, ret_inode);
    if (strcmp(name, NAME_STATUS) == 0)
        return get_virtual(tree, directory, name, &kind_status, ret_inode);
    return kind_get_real(tree, directory, name, ret_inode);
}

bool workspace_shows_status(const struct inode *directory, const char *name)
{
    return directory->kind == &kind_workspace && strcmp(name, NAME_STATUS) == 0 &&
           atomic_load(&directory->has_jobs);
}

bool workspace_hide_status(struct inode *directory, const char *name)
{
    bool shown = workspace_shows_status(directory, name);

    if (shown)
        atomic_store(&directory->has_jobs, false);
    return shown;
}

static int workspace_lookup(struct tree *tree, struct inode *directory, const char *name,
                            const struct caller *caller, struct inode **ret_inode)
{
    int error;

    if (is_wait_name(name))
        return get_virtual(tree, directory, name, &kind_wait, ret_inode);
    if (is_settings(name))
        return settings_get_directory(tree, directory, caller, ret_inode);
    error = kind_get_real(tree, directory, name, ret_inode);
    if (error == -ENOENT && workspace_shows_status(directory, name) &&
        !kind_is_maker(tree, directory, caller))
        error = get_virtual(tree, directory, name, &kind_status, ret_inode);
    return error;
}

static int list_settings(struct tree *tree, struct inode *directory, struct listing *listing)
{
    const struct caller nobody = {0};
    struct inode *settings;
    int error = settings_get_directory(tree, directory, &nobody, &settings);

    if (error)
        return error;
    error = listing_add(listing, VALUES_DIRECTORY, settings->number, S_IFDIR);
    inode_unref(settings);
    return error;
}

static int workspace_list(struct tree *tree, struct inode *directory, struct listing *listing)
{
    int error = listing_add_directory(listing, directory->fd, VALUES_DIRECTORY);

    if (!error && values_any(directory))
        error = list_settings(tree, directory, listing);
    return error;
}

static int list_virtual(struct tree *tree, struct inode *directory, const char *name,
                        const struct node_kind *kind, struct listing *listing)
{
    struct inode *inode;
    int error = get_virtual(tree, directory, name, kind, &inode);

    if (error)
        return error;
    error = listing_add(listing, name, inode->number, S_IFREG);
    inode_unref(inode);
    return error;
}

static int model_list(struct tree *tree, struct inode *directory, struct listing *listing)
{
    int error = listing_add_directory(listing, directory->fd, VALUES_DIRECTORY);

    if (!error)
        error = list_settings(tree, directory, listing);
    if (!error)
        error = list_virtual(tree, directory, NAME_README, &kind_readme, listing);
    if (!error)
        error = list_virtual(tree, directory, NAME_STATUS, &kind_status, listing);
    return error;
}

static int workspace_check_name(struct tree *tree, struct inode *directory, const char *name)
{
    (void)tree;
    (void)directory;
    return is_wait_name(name) ? -EPERM : 0;
}

static int model_check_name(struct tree *tree, struct inode *directory, const char *name)
{
    if (strcmp(name, NAME_README) == 0 || strcmp(name, NAME_STATUS) == 0)
        return -EPERM;
    return workspace_check_name(tree, directory, name);
}

static int workspace_getattr(struct tree *tree, struct inode *inode, const struct caller *caller,
                             struct stat *ret_status)
{
    (void)caller;
    return owner_stat(tree, inode, ret_status);
}

const struct node_kind kind_model = {
    .lookup = model_lookup,
    .list = model_list,
    .check_name = model_check_name,
    .getattr = workspace_getattr,
    .timeout_s = KIND_REAL_TIMEOUT_S,
};

const struct node_kind kind_workspace = {
    .lookup = workspace_lookup,
    .list = workspace_list,
    .check_name = workspace_check_name,
    .getattr = workspace_getattr,
    .timeout_s = KIND_REAL_TIMEOUT_S,
};
