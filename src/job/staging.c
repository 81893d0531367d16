/* SPDX-License-Identifier: MIT */
#include "job/staging.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/failpoint.h"
#include "base/io.h"
#include "store/ownership.h"

void staging_result_name(const char *id, size_t number, const char *extension,
                         char name[STAGING_NAME_SIZE])
{
    snprintf(name, STAGING_NAME_SIZE, "%s.%zu.%s", id, number, extension);
}

void staging_text_name(const char *id, const char *what, char name[STAGING_NAME_SIZE])
{
    snprintf(name, STAGING_NAME_SIZE, "%s.%s", id, what);
}

static bool is_marked(int fd, const char *id)
{
    char value[RECORD_ID_SIZE] = "";

    return fgetxattr(fd, STORE_XATTR_JOB, value, sizeof(value) - 1) > 0 && strcmp(value, id) == 0;
}

int staging_mark(int fd, const char *id)
{
    int error = failpoint("staging.mark");

    if (!error && fsetxattr(fd, STORE_XATTR_JOB, id, strlen(id), 0) < 0)
        error = -errno;
    /* One that is read-only already, of a try before a restart, takes no xattr from its owner. */
    if (error && !is_marked(fd, id))
        return error;
    error = failpoint("staging.fsync");
    return error ? error : io_sync(fd);
}

int staging_add(const struct store *store, int spool_fd, const char *name, const char *staged)
{
    int error = failpoint("staging.link");

    unlinkat(store->staging_fd, staged, 0); /* of a try before a restart; @name is the same */
    if (!error && linkat(spool_fd, name, store->staging_fd, staged, 0) < 0)
        error = -errno;
    return error;
}

int staging_close(int fd, const struct owner *owner)
{
    const struct ownership own = {owner ? owner->uid : 0, owner ? owner->gid : 0, STAGING_MODE};
    int error = owner ? ownership_set(fd, &own) : 0;

    if (!error && fchmod(fd, owner ? ownership_store_mode(S_IFREG) : STAGING_MODE) < 0)
        error = -errno;
    return error || !owner ? error : io_sync(fd);
}

int staging_write(const struct store *store, const char *id, const struct owner *owner,
                  const char *what, const char *text, size_t length)
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
    error = failpoint("staging.write");
    if (!error)
        error = io_write_all(fd, text, length);
    if (!error)
        error = staging_mark(fd, id);
    return error ? error : staging_close(fd, owner);
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

void staging_forget_results(const struct store *store, const struct record *record)
{
    for (size_t i = 0; i < record->result_count; i++)
        unlinkat(store->staging_fd, record->results[i].staged, 0);
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

    if (io_open_dir(store->staging_fd, &dir))
        return;
    for (const struct dirent *entry; (entry = readdir(dir));) {
        char id[RECORD_ID_SIZE];

        if (parse_text_name(entry->d_name, id) &&
            faccessat(store->jobs_fd, id, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
            unlinkat(store->staging_fd, entry->d_name, 0);
    }
}
