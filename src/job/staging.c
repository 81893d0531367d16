/* SPDX-License-Identifier: MIT */
#include "job/staging.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/io.h"

#define RESULT_MODE 0444

void staging_result_name(const char *id, size_t number, const char *extension,
                         char name[STAGING_NAME_SIZE])
{
    snprintf(name, STAGING_NAME_SIZE, "%s.%zu.%s", id, number, extension);
}

void staging_text_name(const char *id, const char *what, char name[STAGING_NAME_SIZE])
{
    snprintf(name, STAGING_NAME_SIZE, "%s.%s", id, what);
}

int staging_seal(int fd, const char *id)
{
    if (fsetxattr(fd, STORE_XATTR_JOB, id, strlen(id), 0) < 0 || fchmod(fd, RESULT_MODE) < 0 ||
        fsync(fd) < 0)
        return -errno;
    return 0;
}

int staging_add(const struct store *store, int spool_fd, const char *name, const char *staged)
{
    unlinkat(store->staging_fd, staged, 0); /* of a try before a restart; @name is the same */
    return linkat(spool_fd, name, store->staging_fd, staged, 0) < 0 ? -errno : 0;
}

int staging_write(const struct store *store, const char *id, const char *what, const char *text,
                  size_t length)
{
    char name[STAGING_NAME_SIZE];
    cleanup_close int fd = -1;
    int error;

    staging_text_name(id, what, name);
    unlinkat(store->staging_fd, name, 0); /* of a try before a restart */
    fd =
        openat(store->staging_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    error = io_write_all(fd, text, length);
    return error ? error : staging_seal(fd, id);
}

bool staging_has(const struct store *store, const char *staged)
{
    return faccessat(store->staging_fd, staged, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static const char *const texts[] = {STAGING_WORDS, STAGING_ERROR};

void staging_forget_texts(const struct store *store, const char *id)
{
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char name[STAGING_NAME_SIZE];

        staging_text_name(id, texts[i], name);
        unlinkat(store->staging_fd, name, 0);
    }
}

/* The id of the job to which the text @name belongs. @return whether it is one */
static bool parse_text_name(const char *name, char id[RECORD_ID_SIZE])
{
    const char *what = strchr(name, '.');

    if (!what || what - name != RECORD_ID_SIZE - 1)
        return false;
    memcpy(id, name, RECORD_ID_SIZE - 1);
    id[RECORD_ID_SIZE - 1] = '\0';
    return record_is_id(id) &&
           (strcmp(what + 1, STAGING_WORDS) == 0 || strcmp(what + 1, STAGING_ERROR) == 0);
}

void staging_sweep(const struct store *store)
{
    cleanup_closedir DIR *dir = NULL;
    int fd = openat(store->staging_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        cleanup_close_impl(&fd);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(dir));) {
        char id[RECORD_ID_SIZE];

        if (parse_text_name(entry->d_name, id) &&
            faccessat(store->jobs_fd, id, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
            unlinkat(store->staging_fd, entry->d_name, 0);
    }
}
