/* SPDX-License-Identifier: MIT
 *
 * The tree's life, and the operations that ask a node without changing a directory.
 */
#include "tree/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "base/io.h"
#include "store/values.h"
#include "tree/kind.h"

#define DIRECTORY_MODE 0755
#define PROMPT_NAME    "prompt"
#define PROMPT_MODE    0644

/*
 * A model's directory begins with an empty prompt, so that a file manager has one to open. Its
 * settings/ is there from the start: made later, it would change the directory while tar reads it.
 */
static int make_model_directory(const struct tree *tree, const struct model *model)
{
    bool is_new = mkdirat(tree->setup.store->tree_fd, model->directory,
                          owner_store_mode(tree, S_IFDIR | DIRECTORY_MODE)) == 0;
    cleanup_close int fd = -1;
    cleanup_close int prompt = -1;

    if (!is_new && errno != EEXIST)
        return -errno;
    fd = openat(tree->setup.store->tree_fd, model->directory,
                O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (tree->setup.options->shared) { /* the directories of users are made when they come */
        homes_sweep(fd);
        return 0;
    }
    if (mkdirat(fd, VALUES_DIRECTORY, DIRECTORY_MODE) < 0 && errno != EEXIST)
        return -errno;
    if (!is_new)
        return 0;
    prompt = openat(fd, PROMPT_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, PROMPT_MODE);
    return prompt < 0 ? -errno : 0;
}

int tree_create(const struct tree_setup *setup, struct tree **ret_tree)
{
    struct tree *tree = calloc(1, sizeof(*tree));
    int error = 0;

    if (!tree)
        return -ENOMEM;
    tree->setup = *setup;
    tree->uid = geteuid();
    tree->gid = getegid();
    clock_gettime(CLOCK_REALTIME, &tree->started);
    mutex_init(&tree->mutex);
    cond_init(&tree->hold_changed);
    if (setup->options->shared) {
        inode_set_top_depth(setup->inodes, 2);
        error = homes_create(&tree->homes);
    }
    if (!error)
        error = inode_get_virtual(setup->inodes, &kind_root, S_IFDIR, NULL, "", &tree->root);
    for (size_t i = 0; !error && i < setup->models->count; i++)
        error = make_model_directory(tree, &setup->models->models[i]);
    if (!error)
        error = io_sync_dir(setup->store->tree_fd);
    if (!error)
        error = space_create(setup->options->user_bytes, &tree->space);
    if (!error)
        space_count_prepare(tree);
    if (error) {
        tree_destroy(tree);
        return error;
    }
    *ret_tree = tree;
    return 0;
}

static void destroy_handle(struct handle *handle)
{
    if (handle->fd >= 0)
        close(handle->fd);
    inode_unref(handle->inode);
    listing_destroy(handle->listing);
    free(handle->text);
    free(handle);
}

void tree_destroy(struct tree *tree)
{
    struct handle *handle;

    if (!tree)
        return;
    space_destroy(tree->space);
    while ((handle = LIST_FIRST(&tree->handles))) {
        LIST_REMOVE(handle, link);
        destroy_handle(handle);
    }
    inode_unref(tree->root);
    cond_fini(&tree->hold_changed);
    mutex_fini(&tree->mutex);
    homes_destroy(tree->homes);
    free(tree->staging_name);
    free(tree);
}

int tree_start_count(struct tree *tree)
{
    return space_count(tree);
}

void tree_note_name(struct tree *tree, struct inode *directory, const char *name)
{
    space_add_name(tree, directory, name);
}

int tree_set_staging(struct tree *tree, const char *name, pid_t thread)
{
    tree->staging_name = strdup(name);
    tree->staging_thread = thread;
    return tree->staging_name ? 0 : -ENOMEM;
}

void tree_set_watcher(struct tree *tree, void (*changed)(void *context, struct inode *inode),
                      void *context)
{
    tree->changed = changed;
    tree->changed_context = context;
}

void kind_note_changed(const struct tree *tree, struct inode *inode)
{
    if (tree->changed)
        tree->changed(tree->changed_context, inode);
}

struct inode *tree_root(struct tree *tree)
{
    return tree->root;
}

bool kind_is_directory(const struct inode *inode)
{
    return inode->kind == &kind_model || inode->kind == &kind_workspace;
}

int kind_get_real(struct tree *tree, struct inode *directory, const char *name,
                  struct inode **ret_inode)
{
    struct inode_table *inodes = tree->setup.inodes;
    const struct node_kind *kind = &kind_file;
    cleanup_close int fd = -1;
    struct inode *known;
    struct stat status;

    if (fstatat(directory->fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    known = inode_get_known(inodes, &status, directory, name);
    if (known) {
        *ret_inode = known;
        return 0;
    }
    fd = openat(directory->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) < 0)
        return -errno;
    if (S_ISDIR(status.st_mode))
        kind = &kind_workspace;
    return inode_get_opened(inodes, steal_fd(&fd), &status, kind, directory, name, ret_inode);
}

void kind_fill_virtual(const struct tree *tree, const struct inode *inode, mode_t permissions,
                       off_t size, struct stat *status)
{
    memset(status, 0, sizeof(*status));
    status->st_ino = inode->number;
    status->st_mode = inode->type | permissions;
    status->st_nlink = S_ISDIR(inode->type) ? 2 : 1;
    status->st_uid = tree->uid;
    status->st_gid = tree->gid;
    status->st_size = size;
    status->st_blocks = (size + 511) / 512;
    status->st_blksize = 4096;
    status->st_atim = status->st_mtim = status->st_ctim = tree->started;
}

struct inode *tree_resolve(struct tree *tree, const char *path)
{
    const struct caller nobody = {(uid_t)-1, (gid_t)-1, 0};
    cleanup_free char *copy = strdup(path);
    struct inode *at = inode_ref(tree->root);
    char *rest = copy;
    char *name;

    while (at && copy && (name = strsep(&rest, "/"))) {
        struct inode *next = NULL;

        if (!at->kind->lookup || at->kind->lookup(tree, at, name, &nobody, &next))
            next = NULL;
        inode_unref(at);
        at = next;
    }
    if (at && !kind_is_directory(at)) {
        inode_unref(at);
        at = NULL;
    }
    return at;
}

struct inode *tree_resolve_top(struct tree *tree, const char *model, const struct owner *owner)
{
    const struct caller caller = {owner->uid, owner->gid, 0};
    struct inode *directory = NULL;
    struct inode *top = NULL;

    if (tree->root->kind->lookup(tree, tree->root, model, &caller, &directory))
        return NULL;
    if (directory->kind != &kind_homes)
        return directory;
    if (homes_get(tree, directory, &caller, &top))
        top = NULL;
    inode_unref(directory);
    return top;
}

int tree_lookup(struct tree *tree, struct inode *parent, const char *name,
                const struct caller *caller, struct tree_entry *ret_entry)
{
    struct tree_entry entry = {0};
    int error;

    if (!parent->kind->lookup)
        return -ENOTDIR;
    if (strlen(name) > NAME_MAX)
        return -ENAMETOOLONG;
    error = parent->kind->lookup(tree, parent, name, caller, &entry.inode);
    if (!error)
        error = tree_getattr(tree, entry.inode, caller, &entry.status, &entry.timeout_s);
    if (error) {
        inode_unref(entry.inode);
        return error;
    }
    if (parent->kind->timeout_s <= 0) /* a name in there may come to mean something else */
        entry.timeout_s = 0;
    *ret_entry = entry;
    return 0;
}

int tree_getattr(struct tree *tree, struct inode *inode, const struct caller *caller,
                 struct stat *ret_status, double *ret_timeout_s)
{
    int error = inode->kind->getattr(tree, inode, caller, ret_status);
    char name[NAME_MAX + 1];

    if (error)
        return error;
    *ret_timeout_s = inode->kind->timeout_s;
    if (inode->kind == &kind_file) {
        /* Hard links are refused, so another link is the spool's: as it goes, the ctime changes. */
        if (ret_status->st_nlink > 1)
            *ret_timeout_s = 0;
        ret_status->st_nlink = inode_name(inode, name) ? 1 : 0;
    }
    return 0;
}

struct handle *kind_make_handle(struct tree *tree, struct inode *inode, const struct caller *caller)
{
    struct handle *handle = calloc(1, sizeof(*handle));

    if (!handle)
        return NULL;
    handle->inode = inode_ref(inode);
    handle->owner = (struct owner){caller->uid, caller->gid};
    handle->id = atomic_fetch_add(&tree->last_handle_id, 1) + 1;
    handle->fd = -1;
    mutex_lock(&tree->mutex);
    LIST_INSERT_HEAD(&tree->handles, handle, link);
    mutex_unlock(&tree->mutex);
    return handle;
}

void kind_free_handle(struct tree *tree, struct handle *handle)
{
    mutex_lock(&tree->mutex);
    LIST_REMOVE(handle, link);
    mutex_unlock(&tree->mutex);
    destroy_handle(handle);
}

int tree_open(struct tree *tree, struct inode *inode, int flags, const struct caller *caller,
              struct handle **ret_handle)
{
    struct handle *handle;
    int error;

    if (!inode->kind->open)
        return S_ISDIR(inode->type) ? -EISDIR : -EPERM;
    handle = kind_make_handle(tree, inode, caller);
    if (!handle)
        return -ENOMEM;
    error = inode->kind->open(tree, inode, flags, handle);
    if (!error && handle->fd >= 0 && (flags & O_TRUNC) && caller->uid != 0)
        error = owner_drop_set_id(tree, inode);
    if (error) {
        tree_release(tree, handle);
        return error;
    }
    *ret_handle = handle;
    return 0;
}

int tree_drop_set_id(struct tree *tree, struct inode *inode, bool *ret_dropped)
{
    struct stat status;
    int error;

    if (inode->fd < 0 || !S_ISREG(inode->type))
        return 0;
    error = owner_stat(tree, inode, &status);
    if (error || !(status.st_mode & (S_ISUID | S_ISGID)))
        return error;
    *ret_dropped = true;
    return owner_drop_set_id(tree, inode);
}

bool tree_checks_writes(const struct handle *handle)
{
    return handle->value || prompt_is_named(handle->inode);
}

ssize_t tree_write_checked(struct tree *tree, struct handle *handle, const void *bytes,
                           size_t length, uint64_t offset)
{
    return handle->value ? settings_write(tree, handle, bytes, length, offset)
                         : prompt_write(tree, handle, bytes, length, offset);
}

size_t tree_read_text(struct tree *tree, struct handle *handle, void *buffer, size_t size,
                      uint64_t offset)
{
    size_t length = 0;

    if (handle->inode->kind == &kind_status)
        virtual_before_read(tree, handle, offset);
    mutex_lock(&tree->mutex);
    if (offset < handle->length)
        length = handle->length - (size_t)offset < size ? handle->length - (size_t)offset : size;
    if (length)
        memcpy(buffer, handle->text + offset, length);
    mutex_unlock(&tree->mutex);
    return length;
}

int tree_flush(struct tree *tree, struct handle *handle, const struct caller *caller)
{
    return handle->writer && !handle->value ? prompt_flush(tree, handle, caller) : 0;
}

void tree_release(struct tree *tree, struct handle *handle)
{
    if (handle->value) {
        settings_released(tree, handle);
    } else if (handle->writer && prompt_release(tree, handle)) {
        space_remove(tree, handle->inode);
        jobs_kick(tree->setup.jobs);
    }
    kind_free_handle(tree, handle);
}

int tree_opendir(struct tree *tree, struct inode *inode, const struct caller *caller,
                 struct handle **ret_handle)
{
    struct handle *handle;

    if (!inode->kind->list)
        return S_ISDIR(inode->type) ? -EACCES : -ENOTDIR;
    if (inode->kind == &kind_homes) /* where that fails, what there is can be seen all the same */
        (void)homes_welcome(tree, inode, caller);
    handle = kind_make_handle(tree, inode, caller);
    if (!handle)
        return -ENOMEM;
    *ret_handle = handle;
    return 0;
}

/* "." and "..", and whatever the kind has. */
static int list_directory(struct tree *tree, struct inode *inode, struct listing **ret_listing)
{
    struct inode *parent = inode_parent(inode);
    struct listing *listing;
    int error = listing_create(&listing);

    if (!error)
        error = listing_add(listing, ".", inode->number, S_IFDIR);
    if (!error)
        error = listing_add(listing, "..", parent ? parent->number : inode->number, S_IFDIR);
    if (!error)
        error = inode->kind->list(tree, inode, listing);
    inode_unref(parent);
    if (error)
        listing_destroy(listing);
    else
        *ret_listing = listing;
    return error;
}

int tree_readdir(struct tree *tree, struct handle *handle, uint64_t offset,
                 struct tree_dirent *ret_entry)
{
    size_t index = (size_t)offset;

    if (offset == 0 || !handle->listing) { /* opened, or rewound: look afresh */
        struct listing *listing;
        int error = list_directory(tree, handle->inode, &listing);

        if (error)
            return error;
        listing_destroy(handle->listing);
        handle->listing = listing;
    }
    if (offset >= listing_count(handle->listing))
        return -ENODATA;
    ret_entry->name = listing_name(handle->listing, index);
    ret_entry->number = listing_number(handle->listing, index);
    ret_entry->type = listing_type(handle->listing, index);
    return 0;
}

int tree_statfs(struct tree *tree, struct statvfs *ret_status)
{
    return fstatvfs(tree->setup.store->tree_fd, ret_status) < 0 ? -errno : 0;
}
