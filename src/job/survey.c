/* SPDX-License-Identifier: MIT
 *
 * A directory is read without a lock, while names may change: what was found is kept only where
 * none has, by the version of the directory's names.
 */
#include "job/survey.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/io.h"
#include "job/naming.h"

/* Far above what a directory that anybody works in has. */
#define NAMES_MAX_BYTES (64u << 20)
/* More than this is read again each time rather than kept. */
#define KEPT_MAX_BYTES (64 * 1024)

/* Neither a number nor a reference: it does not matter here. */
static bool is_nothing(const char *name)
{
    return name[0] == '.' || naming_is_prompt(name);
}

/* The xattr is asked for by name: to open each file would be more work. */
static bool is_result(int directory_fd, const char *name)
{
    char path[IO_FD_PATH_SIZE + NAME_MAX + 2];
    size_t length;

    io_fd_path(directory_fd, path);
    length = strlen(path);
    snprintf(path + length, sizeof(path) - length, "/%s", name);
    return lgetxattr(path, STORE_XATTR_JOB, NULL, 0) >= 0;
}

static int add_entry(int directory_fd, const struct dirent *entry, unsigned *highest,
                     struct buf *names)
{
    unsigned number = naming_number_of(entry->d_name);

    if (number > *highest)
        *highest = number;
    if (is_nothing(entry->d_name) || (entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN) ||
        is_result(directory_fd, entry->d_name))
        return 0;
    return buf_append(names, entry->d_name, strlen(entry->d_name) + 1);
}

static struct survey *make_survey(uint64_t version, unsigned highest, const char *names,
                                  size_t size)
{
    struct survey *survey = malloc(sizeof(*survey) + size);

    if (!survey)
        return NULL;
    survey->version = version;
    survey->highest = highest;
    survey->size = size;
    if (size)
        memcpy(survey->names, names, size);
    return survey;
}

static struct survey *copy_survey(const struct survey *survey)
{
    return make_survey(survey->version, survey->highest, survey->names, survey->size);
}

static int read_directory(const struct inode *directory, uint64_t version,
                          struct survey **ret_survey)
{
    cleanup_buf struct buf names = {.max = NAMES_MAX_BYTES};
    cleanup_closedir DIR *dir = NULL;
    struct survey *survey;
    unsigned highest = 0;
    int error = io_open_dir(directory->fd, &dir);

    for (const struct dirent *entry; !error && (entry = readdir(dir));)
        error = add_entry(dirfd(dir), entry, &highest, &names);
    if (error)
        return error;
    survey = make_survey(version, highest, names.data, names.length);
    if (!survey)
        return -ENOMEM;
    *ret_survey = survey;
    return 0;
}

/* @return a copy of what is remembered, or NULL. */
static struct survey *remember(struct jobs *jobs, const struct inode *directory,
                               uint64_t *ret_version)
{
    struct survey *survey = NULL;

    mutex_lock(&jobs->numbering_mutex);
    *ret_version = directory->names_version;
    if (directory->survey)
        survey = copy_survey(directory->survey);
    mutex_unlock(&jobs->numbering_mutex);
    return survey;
}

static void keep(struct jobs *jobs, struct inode *directory, const struct survey *survey)
{
    struct survey *kept = survey->size <= KEPT_MAX_BYTES ? copy_survey(survey) : NULL;

    mutex_lock(&jobs->numbering_mutex);
    if (kept && !directory->survey && directory->names_version == survey->version)
        directory->survey = steal_ptr(kept);
    mutex_unlock(&jobs->numbering_mutex);
    free(kept);
}

int survey_get(struct jobs *jobs, struct inode *directory, struct survey **ret_survey)
{
    uint64_t version;
    struct survey *survey = remember(jobs, directory, &version);
    int error = 0;

    if (!survey) {
        error = read_directory(directory, version, &survey);
        if (!error)
            keep(jobs, directory, survey);
    }
    if (!error)
        *ret_survey = survey;
    return error;
}

void survey_published(struct jobs *jobs, struct inode *directory, const char *name)
{
    unsigned number = naming_number_of(name);

    mutex_lock(&jobs->numbering_mutex);
    directory->names_version++;
    if (directory->survey) {
        directory->survey->version = directory->names_version;
        if (number > directory->survey->highest)
            directory->survey->highest = number;
    }
    mutex_unlock(&jobs->numbering_mutex);
}

void jobs_name_changed(struct jobs *jobs, struct inode *directory, const char *name)
{
    struct survey *survey;

    if (is_nothing(name))
        return;
    mutex_lock(&jobs->numbering_mutex);
    directory->names_version++;
    survey = directory->survey;
    directory->survey = NULL;
    mutex_unlock(&jobs->numbering_mutex);
    free(survey);
}
