/* SPDX-License-Identifier: MIT
 *
 * The count of what was there before the mount: a thread that looks at one directory after the
 * other, at the files directly in the store, and knows nothing of what the kernel knows. It leaves
 * out what is marked. Directories are found by their paths; one that is moved before its turn comes
 * is looked at where it is then.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/io.h"
#include "store/values.h"
#include "tree/kind.h"
#include "tree/space_internal.h"

/* A directory to be looked at. */
struct space_path {
    struct space_path *next;
    char text[];
};

/* What is counted: a bit for each inode, as their numbers lie close together, in pieces. */
#define PIECE_BITS   4096
#define PIECE_WORDS  (PIECE_BITS / 64)
#define PIECE_CHAINS 4096

struct piece {
    struct piece *next; /* chain */
    uint64_t first;     /* the number of its first bit, over PIECE_BITS */
    uint64_t bits[PIECE_WORDS];
};

struct space_marks {
    struct piece *chains[PIECE_CHAINS];
};

/* Where the piece is, or its end of the chain. */
static struct piece **find_piece(struct space_marks *marks, uint64_t number)
{
    uint64_t first = number / PIECE_BITS;
    struct piece **piece = &marks->chains[first % PIECE_CHAINS];

    while (*piece && (*piece)->first != first)
        piece = &(*piece)->next;
    return piece;
}

static bool is_empty(const struct piece *piece)
{
    for (size_t i = 0; i < PIECE_WORDS; i++) {
        if (piece->bits[i])
            return false;
    }
    return true;
}

int space_marks_create(struct space_marks **ret_marks)
{
    *ret_marks = calloc(1, sizeof(**ret_marks));
    return *ret_marks ? 0 : -ENOMEM;
}

void space_marks_destroy(struct space_marks *marks)
{
    for (size_t i = 0; marks && i < PIECE_CHAINS; i++) {
        struct piece *piece = marks->chains[i];

        while (piece) {
            struct piece *next = piece->next;

            free(piece);
            piece = next;
        }
    }
    free(marks);
}

bool space_mark(struct space *space, uint64_t number)
{
    struct piece **place = find_piece(space->marks, number);
    uint64_t bit = UINT64_C(1) << (number % 64);
    uint64_t *word;

    if (!*place)
        *place = calloc(1, sizeof(**place));
    if (!*place)
        return false; /* without memory it is left out, rather than counted twice */
    (*place)->first = number / PIECE_BITS;
    word = &(*place)->bits[number % PIECE_BITS / 64];
    if (*word & bit)
        return false;
    *word |= bit;
    return true;
}

void space_unmark(struct space *space, uint64_t number)
{
    struct piece **place = find_piece(space->marks, number);
    struct piece *piece = *place;

    if (!piece)
        return;
    piece->bits[number % PIECE_BITS / 64] &= ~(UINT64_C(1) << (number % 64));
    if (is_empty(piece)) {
        *place = piece->next;
        free(piece);
    }
}

void space_visit(struct space *space, const char *path)
{
    size_t size = strlen(path) + 1;
    struct space_path *made = malloc(sizeof(*made) + size);

    if (!made)
        return;
    memcpy(made->text, path, size);
    mutex_lock(&space->mutex);
    if (space->counting) {
        made->next = space->paths;
        space->paths = steal_ptr(made);
    }
    mutex_unlock(&space->mutex);
    free(made);
}

/* The next directory; NULL: there is none, and there will be none. */
static struct space_path *take_path(struct space *space)
{
    struct space_path *path;

    mutex_lock(&space->mutex);
    while (!space->paths && space->moving_count && !space->stopping)
        cond_wait(&space->changed, &space->mutex);
    path = space->stopping ? NULL : space->paths;
    if (path)
        space->paths = path->next;
    else
        space->counting = false;
    mutex_unlock(&space->mutex);
    return path;
}

/* Whether @name still is the file of @status: one that is removed now is known to be, and waits. */
static bool is_there(int directory_fd, const char *name, const struct stat *status)
{
    struct stat now;

    return fstatat(directory_fd, name, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
           now.st_ino == status->st_ino;
}

bool space_count_name(struct tree *tree, int directory_fd, const char *name)
{
    cleanup_close int fd = openat(directory_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct space *space = tree->space;
    struct inode *inode;
    struct stat status;

    if (fd < 0 || owner_stat_in(tree, directory_fd, fd, &status))
        return false;
    inode = inode_find(tree->setup.inodes, status.st_dev, status.st_ino);
    mutex_lock(&space->mutex);
    if ((!inode || !atomic_load(&inode->space)) && is_there(directory_fd, name, &status) &&
        space_mark(space, status.st_ino))
        space_charge(space, status.st_uid, space_blocks(&status));
    mutex_unlock(&space->mutex);
    inode_unref(inode);
    return S_ISDIR(status.st_mode);
}

static void visit_below(struct space *space, const char *path, const char *name)
{
    cleanup_buf struct buf below = {.max = SPACE_PATH_MAX};

    if (buf_printf(&below, "%s/%s", path, name) == 0)
        space_visit(space, buf_text(&below));
}

static bool is_stopping(struct space *space)
{
    bool stopping;

    mutex_lock(&space->mutex);
    stopping = space->stopping;
    mutex_unlock(&space->mutex);
    return stopping;
}

/*
 * Open the directory at @path. Not by tree_resolve(): that would note where it stood, and a rename
 * may come in between, as the kernel keeps it from its own look-ups only.
 */
static int open_path(struct tree *tree, const char *path)
{
    cleanup_free char *copy = strdup(path);
    int at = copy ? io_reopen(tree->setup.store->tree_fd, O_PATH | O_DIRECTORY) : -ENOMEM;
    char *rest = copy;
    char *name;

    while (at >= 0 && (name = strsep(&rest, "/"))) {
        int next = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int error = -errno;

        close(at);
        at = next < 0 ? error : next;
    }
    return at;
}

static void count_directory(struct tree *tree, const char *path)
{
    cleanup_close int directory_fd = open_path(tree, path);
    cleanup_closedir DIR *dir = NULL;
    int error = directory_fd < 0 ? directory_fd : io_open_dir(directory_fd, &dir);

    for (const struct dirent *entry;
         !error && (entry = readdir(dir)) && !is_stopping(tree->space);) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            strcmp(entry->d_name, VALUES_DIRECTORY) != 0 &&
            space_count_name(tree, directory_fd, entry->d_name))
            visit_below(tree->space, path, entry->d_name);
    }
    if (error && error != -ENOENT)
        log_warning("%s cannot be counted: %s", path, error_text(error));
}

static void *count(void *argument)
{
    struct tree *tree = argument;
    struct space_path *path;

    while ((path = take_path(tree->space))) {
        count_directory(tree, path->text);
        free(path);
    }
    return NULL;
}

void space_count_prepare(struct tree *tree)
{
    struct space *space = tree->space;

    if (!space)
        return;
    mutex_lock(&space->mutex);
    space->counting = true;
    mutex_unlock(&space->mutex);
    for (size_t i = 0; i < tree->setup.models->count; i++)
        space_visit(space, tree->setup.models->models[i].directory);
}

int space_count(struct tree *tree)
{
    struct space *space = tree->space;
    int error;

    if (!space)
        return 0;
    error = -pthread_create(&space->thread, NULL, count, tree);
    space->started = !error;
    return error;
}

void space_count_stop(struct space *space)
{
    struct space_path *path;

    mutex_lock(&space->mutex);
    space->stopping = true;
    cond_broadcast(&space->changed);
    mutex_unlock(&space->mutex);
    if (space->started)
        pthread_join(space->thread, NULL);
    while ((path = space->paths)) {
        space->paths = path->next;
        free(path);
    }
}
