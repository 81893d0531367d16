/* SPDX-License-Identifier: MIT
 *
 * settings/: one value per file, as in sysfs. Reading gives the value in force, whether it was set
 * here, above, or in the configuration; each write(2) is checked and takes effect as a whole, or is
 * refused and changes nothing; emptying or removing a file resets it.
 *
 * The directory is a real one of the store, made when somebody first looks for it by name, so that
 * editors find room for their temporary files. The values' nodes are virtual, though real files
 * keep them (store/values): what is seen and what is kept differ. Nothing in here is cached by the
 * kernel.
 *
 * open(2) empties a file before its new value is written, and that value may be refused. So what is
 * emptied and not written is reset when it is closed for good: by RELEASE, which comes after
 * close(2) has returned, and must not take away what was set through another handle meanwhile:
 *
 *     : > seed                 OPEN(1, TRUNC) FLUSH(1) .......................... RELEASE(1)
 *     echo 7 > seed                                     OPEN(2, TRUNC) WRITE(2)
 *
 * From who makes a workspace, as cp -r does, what is not set in it yet is hidden (tree/maker.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "conf/settings.h"
#include "job/naming.h"
#include "store/values.h"
#include "tree/kind.h"

#define DIRECTORY_MODE 0755
#define FILE_MODE      0644
/* A value and its line end, and what shows that it is too long. */
#define TEXT_MAX_BYTES (SETTINGS_VALUE_MAX_BYTES + 2)

/* The workspace whose settings @settings (the directory, or a value in it) is about; held. */
static struct inode *workspace_of(struct inode *settings)
{
    struct inode *parent = inode_parent(settings);
    struct inode *workspace;

    if (!parent || parent->kind != &kind_settings)
        return parent;
    workspace = inode_parent(parent);
    inode_unref(parent);
    return workspace;
}

static int open_directory(const struct inode *workspace)
{
    int fd = openat(workspace->fd, VALUES_DIRECTORY, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

/* Make it; it belongs to the owner of @workspace. @return as open_directory(). */
static int make_directory(const struct tree *tree, struct inode *workspace)
{
    cleanup_close int fd = -1;
    int error;

    if (mkdirat(workspace->fd, VALUES_DIRECTORY, owner_store_mode(tree, S_IFDIR | DIRECTORY_MODE)) <
        0)
        return errno == EEXIST ? open_directory(workspace) : -errno;
    kind_note_changed(tree, workspace);
    fd = open_directory(workspace);
    error = fd < 0 ? fd : owner_hand_down(tree, workspace, fd, DIRECTORY_MODE);
    if (!error)
        return steal_fd(&fd);
    unlinkat(workspace->fd, VALUES_DIRECTORY, AT_REMOVEDIR);
    return error;
}

int settings_get_directory(struct tree *tree, struct inode *workspace, const struct caller *caller,
                           struct inode **ret_inode)
{
    int fd = open_directory(workspace);

    if (fd == -ENOENT && kind_is_maker(tree, workspace, caller))
        return fd;
    if (fd == -ENOENT)
        fd = make_directory(tree, workspace);
    if (fd < 0)
        return fd;
    return inode_get_real(tree->setup.inodes, fd, &kind_settings, workspace, VALUES_DIRECTORY,
                          ret_inode);
}

/* To the maker of settings/ nothing is there that it did not make. */
static bool is_hidden(const struct tree *tree, struct inode *directory, enum setting setting,
                      const struct caller *caller)
{
    struct inode *workspace;
    bool hidden;

    if (!kind_is_maker(tree, directory, caller) ||
        (atomic_load(&directory->made_values) & (UINT32_C(1) << setting)))
        return false;
    workspace = inode_parent(directory);
    hidden = workspace && !values_has(workspace, setting);
    inode_unref(workspace);
    return hidden;
}

static int settings_lookup(struct tree *tree, struct inode *directory, const char *name,
                           const struct caller *caller, struct inode **ret_inode)
{
    enum setting setting = settings_find(name, strlen(name));

    if (setting == SETTING_MAX)
        return kind_get_real(tree, directory, name, ret_inode);
    if (is_hidden(tree, directory, setting, caller))
        return -ENOENT;
    return inode_get_virtual(tree->setup.inodes, &kind_setting, S_IFREG, directory, name,
                             ret_inode);
}

/* In the model's own directory all settings are listed, below it those that are set there. */
static int settings_list(struct tree *tree, struct inode *directory, struct listing *listing)
{
    const struct caller nobody = {0};
    struct inode *workspace = inode_parent(directory);
    bool all = workspace && workspace->kind == &kind_model;
    int error = listing_add_directory(listing, directory->fd, NULL);

    for (int i = 0; !error && all && i < SETTING_MAX; i++) {
        const char *name = settings_name((enum setting)i);
        struct inode *inode;

        if (values_has(workspace, (enum setting)i))
            continue;
        error = settings_lookup(tree, directory, name, &nobody, &inode);
        if (!error) {
            error = listing_add(listing, name, inode->number, S_IFREG);
            inode_unref(inode);
        }
    }
    inode_unref(workspace);
    return error;
}

static int settings_check_name(struct tree *tree, struct inode *directory, const char *name)
{
    (void)tree;
    (void)directory;
    return naming_is_prompt(name) ? -EPERM : 0; /* nothing in here is ever sent */
}

static int settings_getattr(struct tree *tree, struct inode *inode, const struct caller *caller,
                            struct stat *ret_status)
{
    (void)caller;
    return owner_stat(tree, inode, ret_status);
}

const struct node_kind kind_settings = {
    .lookup = settings_lookup,
    .list = settings_list,
    .check_name = settings_check_name,
    .getattr = settings_getattr,
};

static enum setting setting_of(struct inode *inode)
{
    char name[NAME_MAX + 1];

    return inode_name(inode, name) ? settings_find(name, strlen(name)) : SETTING_MAX;
}

/* The value in force, with a line end; nothing where the API's own default holds. */
static int render(struct tree *tree, struct inode *inode, struct buf *text)
{
    cleanup_settings struct settings settings = {0};
    struct inode *workspace = workspace_of(inode);
    const struct model *model = workspace ? values_model(tree->setup.models, workspace) : NULL;
    enum setting setting = setting_of(inode);
    int error = -ENOENT;

    if (model && setting != SETTING_MAX)
        error = values_in_force(workspace, model, &settings);
    inode_unref(workspace);
    if (!error && settings.value[setting])
        error = buf_printf(text, "%s\n", settings.value[setting]);
    return error;
}

static int setting_getattr(struct tree *tree, struct inode *inode, const struct caller *caller,
                           struct stat *ret_status)
{
    cleanup_buf struct buf text = {.max = TEXT_MAX_BYTES};
    struct inode *directory;
    struct stat status;
    int error = render(tree, inode, &text);

    (void)caller;
    if (error)
        return error;
    kind_fill_virtual(tree, inode, FILE_MODE, (off_t)text.length, ret_status);
    directory = inode_parent(inode);
    if (directory &&
        owner_stat(tree, directory, &status) == 0) { /* whoever owns that may set this */
        ret_status->st_uid = status.st_uid;
        ret_status->st_gid = status.st_gid;
        ret_status->st_mtim = ret_status->st_ctim = status.st_mtim;
    }
    inode_unref(directory);
    return 0;
}

/* When @handle is closed the setting is reset, unless it is set before. */
static void note_emptied(struct tree *tree, struct handle *handle)
{
    prompt_hold(tree, handle->inode);
    handle->emptied = true;
    handle->emptied_at = handle->inode->value_count;
    prompt_let_go(tree, handle->inode);
}

static int setting_open(struct tree *tree, struct inode *inode, int flags, struct handle *handle)
{
    cleanup_buf struct buf text = {.max = TEXT_MAX_BYTES};
    int error = 0;

    handle->value = true;
    handle->writer = (flags & O_ACCMODE) != O_RDONLY;
    if (flags & O_TRUNC)
        note_emptied(tree, handle);
    else
        error = render(tree, inode, &text);
    if (!error)
        error = buf_append(&text, "", 0);
    if (error)
        return error;
    handle->length = text.length;
    handle->text = buf_steal(&text);
    return 0;
}

const struct node_kind kind_setting = {
    .getattr = setting_getattr,
    .open = setting_open,
};

/* Keep @text as the value of @setting of @workspace in its @directory; blank text resets it. */
static int put_value(struct tree *tree, struct inode *workspace, const struct inode *directory,
                     enum setting setting, const struct buf *text)
{
    cleanup_settings struct settings checked = {0};
    const struct model *model = workspace ? values_model(tree->setup.models, workspace) : NULL;
    struct failure failure;
    int error;

    failure_init(&failure);
    if (!model || setting == SETTING_MAX)
        return -ENOENT;
    error = settings_set(&checked, setting, buf_text(text), text->length, model->profile, &failure);
    if (error)
        return error;
    return checked.value[setting] ? values_set(directory->fd, setting, checked.value[setting])
                                  : values_reset(directory->fd, setting);
}

/* The same for the node of the setting, which the caller holds. */
static int store_held(struct tree *tree, struct inode *inode, const struct buf *text)
{
    struct inode *directory = inode_parent(inode);
    struct inode *workspace = workspace_of(inode);
    int error =
        directory ? put_value(tree, workspace, directory, setting_of(inode), text) : -ENOENT;

    if (!error) {
        inode->value_count++;
        inode_touch(workspace);
    }
    inode_unref(workspace);
    inode_unref(directory);
    return error;
}

static int store_value(struct tree *tree, struct inode *inode, const struct buf *text)
{
    int error;

    prompt_hold(tree, inode);
    error = store_held(tree, inode, text);
    prompt_let_go(tree, inode);
    return error;
}

static int reset(struct tree *tree, struct inode *inode)
{
    return store_value(tree, inode, &(const struct buf){0});
}

/* @text is what @handle holds from now on. */
static void keep_text(struct tree *tree, struct handle *handle, struct buf *text)
{
    size_t length = text->length;
    char *old;

    mutex_lock(&tree->mutex);
    old = handle->text;
    handle->text = buf_steal(text);
    handle->length = length;
    mutex_unlock(&tree->mutex);
    free(old);
}

/* What @handle, which nobody else writes to, holds with @bytes at @offset. */
static int patch_text(const struct handle *handle, const void *bytes, size_t length,
                      uint64_t offset, struct buf *text)
{
    int error;

    if (offset > handle->length)
        return -EINVAL;
    error = buf_append(text, handle->text, (size_t)offset);
    if (!error)
        error = buf_append(text, bytes, length);
    if (!error && offset + length < handle->length) /* in the middle: the rest stays */
        error = buf_append(text, handle->text + offset + length,
                           handle->length - (size_t)offset - length);
    return error == -EFBIG ? -EINVAL : error;
}

/* The kernel lets one write to a file in at a time. */
ssize_t settings_write(struct tree *tree, struct handle *handle, const void *bytes, size_t length,
                       uint64_t offset)
{
    cleanup_buf struct buf text = {.max = TEXT_MAX_BYTES};
    int error = patch_text(handle, bytes, length, offset, &text);

    if (!error)
        error = store_value(tree, handle->inode, &text);
    handle->emptied = false;
    if (error)
        return error;
    keep_text(tree, handle, &text);
    return (ssize_t)length;
}

int settings_truncate(struct tree *tree, struct inode *inode, struct handle *handle, off_t size)
{
    cleanup_buf struct buf text = {.max = TEXT_MAX_BYTES};
    int error;

    if (!handle)
        return size == 0 ? reset(tree, inode) : -EINVAL;
    if (!handle->writer || size < 0 || (size_t)size > handle->length)
        return -EINVAL;
    error = buf_append(&text, handle->text, (size_t)size);
    if (!error && size)
        error = store_value(tree, inode, &text);
    if (error)
        return error;
    handle->emptied = false;
    if (!size)
        note_emptied(tree, handle);
    keep_text(tree, handle, &text);
    return 0;
}

void settings_released(struct tree *tree, struct handle *handle)
{
    struct inode *inode = handle->inode;
    int error = 0;

    if (!handle->writer || !handle->emptied)
        return;
    prompt_hold(tree, inode);
    if (inode->value_count == handle->emptied_at)
        error = store_held(tree, inode, &(const struct buf){0});
    prompt_let_go(tree, inode);
    if (error)
        log_warning("a setting cannot be reset: %s", error_text(error));
}

static int own_value(const struct tree *tree, struct inode *directory, const char *name)
{
    cleanup_close int fd = openat(directory->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

    return fd < 0 ? -errno : owner_hand_down(tree, directory, fd, FILE_MODE);
}

int settings_before_rename(struct tree *tree, struct inode *directory, const char *name)
{
    cleanup_buf struct buf text = {.max = TEXT_MAX_BYTES};
    struct inode *workspace = inode_parent(directory);
    struct inode *inode = NULL;
    enum setting setting = settings_find(name, strlen(name));
    int error = workspace ? 0 : -ENOENT;

    if (!error && !values_has(workspace, setting)) {
        error =
            inode_get_virtual(tree->setup.inodes, &kind_setting, S_IFREG, directory, name, &inode);
        if (!error)
            error = render(tree, inode, &text);
        if (!error)
            error = io_replace_file(directory->fd, name, buf_text(&text), text.length, FILE_MODE);
    }
    if (!error) /* an ordinary file from now on, and its user's */
        error = own_value(tree, directory, name);
    inode_unref(inode);
    inode_unref(workspace);
    return error;
}

int settings_unlink(struct inode *directory, const char *name)
{
    return values_reset(directory->fd, settings_find(name, strlen(name)));
}

void settings_note_made(struct inode *directory, const char *name)
{
    atomic_fetch_or(&directory->made_values, UINT32_C(1) << settings_find(name, strlen(name)));
}

bool settings_is_value(const struct inode *directory, const char *name)
{
    return directory->kind == &kind_settings && settings_find(name, strlen(name)) != SETTING_MAX;
}

int settings_rename_onto(struct tree *tree, struct inode *file, struct inode *directory,
                         const char *name)
{
    cleanup_buf struct buf text = {.max = TEXT_MAX_BYTES};
    struct inode *inode = NULL;
    cleanup_close int fd = S_ISREG(file->type) ? io_reopen(file->fd, O_RDONLY) : -EINVAL;
    int error = fd < 0 ? fd : io_read_all(fd, &text);

    if (!error)
        error =
            inode_get_virtual(tree->setup.inodes, &kind_setting, S_IFREG, directory, name, &inode);
    if (!error)
        error = store_value(tree, inode, &text);
    inode_unref(inode);
    return error == -EFBIG ? -EINVAL : error;
}
