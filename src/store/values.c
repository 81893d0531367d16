/* SPDX-License-Identifier: MIT */
#include "store/values.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/io.h"
#include "base/text.h"

#define FILE_MODE 0644
/* "settings/" and the longest name of a setting. */
#define PATH_SIZE 64
/* A value and its line end. */
#define FILE_MAX_BYTES (SETTINGS_VALUE_MAX_BYTES + 2)

static void value_path(enum setting setting, char path[PATH_SIZE])
{
    snprintf(path, PATH_SIZE, VALUES_DIRECTORY "/%s", settings_name(setting));
}

static void drop_line_end(struct buf *text)
{
    if (text->length && text->data[text->length - 1] == '\n')
        text->data[--text->length] = '\0';
}

/* Lay the values of one directory over @settings. */
static int overlay_directory(const struct inode *directory, const struct model_profile *profile,
                             struct settings *settings)
{
    cleanup_close int fd =
        openat(directory->fd, VALUES_DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int error = 0;

    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
    for (int i = 0; !error && i < SETTING_MAX; i++) {
        cleanup_buf struct buf text = {.max = FILE_MAX_BYTES};
        struct failure failure;

        error = io_read_file(fd, settings_name((enum setting)i), &text);
        drop_line_end(&text); /* it counts for settings_set(), and the longest value has one */
        if (!error && !text_is_blank(buf_text(&text), text.length)) {
            failure_init(&failure);
            error = settings_set(settings, (enum setting)i, buf_text(&text), text.length, profile,
                                 &failure);
        }
        if (error == -ENOENT || error == -EFBIG || error == -EINVAL)
            error = 0;
    }
    return error;
}

/* From @top, or from the highest that is still known, down to @directory. */
static int overlay_from(const struct inode *top, struct inode *directory,
                        const struct model_profile *profile, struct settings *settings)
{
    struct inode *parent = directory == top ? NULL : inode_parent(directory);
    int error = 0;

    if (parent && parent->fd >= 0) /* the root is virtual */
        error = overlay_from(top, parent, profile, settings);
    inode_unref(parent);
    return error ? error : overlay_directory(directory, profile, settings);
}

int values_inherit(struct inode *directory, const struct model_profile *profile,
                   struct settings *settings)
{
    struct inode *top = inode_top(directory);
    int error = overlay_from(top, directory, profile, settings);

    inode_unref(top);
    return error;
}

int values_in_force(struct inode *directory, const struct model *model,
                    struct settings *ret_settings)
{
    int error = settings_copy(ret_settings, &model->settings);

    return error ? error : values_inherit(directory, model->profile, ret_settings);
}

const struct model *values_model(const struct model_list *models, struct inode *directory)
{
    struct inode *top = inode_model(directory);
    const struct model *model = NULL;
    char name[NAME_MAX + 1];

    if (top && inode_name(top, name))
        model = models_find(models, name);
    inode_unref(top);
    return model;
}

bool values_has(const struct inode *directory, enum setting setting)
{
    char path[PATH_SIZE];

    value_path(setting, path);
    return faccessat(directory->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool values_any(const struct inode *directory)
{
    cleanup_close int fd =
        openat(directory->fd, VALUES_DIRECTORY, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    cleanup_closedir DIR *dir = NULL;
    const struct dirent *entry;

    if (fd < 0 || io_open_dir(fd, &dir))
        return false;
    do {
        entry = readdir(dir);
    } while (entry && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
    return entry != NULL;
}

int values_set(int values_fd, enum setting setting, const char *text)
{
    cleanup_buf struct buf line = {.max = FILE_MAX_BYTES};
    cleanup_close int fd = io_reopen(values_fd, O_RDONLY | O_DIRECTORY);
    int error = buf_printf(&line, "%s\n", text);

    if (fd < 0)
        return fd;
    if (!error)
        error =
            io_replace_file(fd, settings_name(setting), buf_text(&line), line.length, FILE_MODE);
    return error;
}

int values_reset(int values_fd, enum setting setting)
{
    int error = failpoint("values.reset");

    if (error)
        return error;
    if (unlinkat(values_fd, settings_name(setting), 0) < 0)
        return errno == ENOENT ? 0 : -errno;
    return io_sync_dir(values_fd);
}
