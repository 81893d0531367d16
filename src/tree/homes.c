/* SPDX-License-Identifier: MIT
 *
 * The directories of users, in a mount for several: MODEL/USER/ is the top workspace of USER, made
 * when that user first looks into MODEL/ or for it. It is called as the user is or, where that will
 * not do for a file or is another's already, as the uid. The link MODEL/me leads each user to the
 * own one: it is read anew by each. MODEL/ itself is the daemon's, and nobody can make anything in
 * it. Only what has an owner on record counts: whatever else lies there is not seen.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/failpoint.h"
#include "base/io.h"
#include "base/text.h"
#include "store/ownership.h"
#include "store/values.h"
#include "tree/kind.h"
#include "tree/space.h"

#define NAME_ME           "me"
#define MODEL_PERMISSIONS 0755
#define HOME_PERMISSIONS  0770
#define SETTINGS_MODE     0755
#define PROMPT_NAME       "prompt"
#define PROMPT_MODE       0644

/* Directories in the making; no user's name begins with a dot. */
#define UNFINISHED_PREFIX ".new-"

/* Somebody may have more uids than one (subuid(5)): so many directories a model has at most. */
#define HOMES_MAX 10000

/* Names that are kept: asking the system for one may mean asking a network. */
#define CACHE_COUNT     1024
#define PASSWD_MAX_SIZE 65536

struct cached_name {
    bool known;
    uid_t uid;
    char *name; /* owned; NULL: the user has none that would do */
};

struct homes {
    struct mutex mutex;
    struct cached_name names[CACHE_COUNT] guarded_by_(mutex); /* each uid has one place */
};

void homes_destroy(struct homes *homes)
{
    if (!homes)
        return;
    for (size_t i = 0; i < CACHE_COUNT; i++)
        free(homes->names[i].name);
    mutex_fini(&homes->mutex);
    free(homes);
}

/* Whether a directory may be called like this user. Digits alone are for those without a name. */
static bool is_usable(const char *name)
{
    size_t length = strlen(name);

    for (const unsigned char *at = (const unsigned char *)name; *at; at++) {
        if (*at < 0x20 || *at == 0x7f || *at == '/')
            return false;
    }
    return length && length <= NAME_MAX && name[0] != '.' && strcmp(name, NAME_ME) != 0 &&
           strspn(name, "0123456789") < length && text_utf8_prefix(name, length) == length;
}

/* @return 0 also where the user has no name, or none that would do: @ret_name is NULL then. */
static int ask_system(uid_t uid, char **ret_name)
{
    cleanup_free char *room = malloc(PASSWD_MAX_SIZE);
    const struct passwd *found = NULL;
    struct passwd entry;
    int error;

    if (!room)
        return -ENOMEM;
    error = getpwuid_r(uid, &entry, room, PASSWD_MAX_SIZE, (struct passwd **)&found);
    *ret_name = NULL;
    if (!found) /* the errors by which a system without an answer tells that vary */
        return error == EIO || error == EMFILE || error == ENFILE || error == ENOMEM ||
                       error == EINTR || error == EAGAIN
                   ? -error
                   : 0;
    if (!is_usable(found->pw_name))
        return 0;
    *ret_name = strdup(found->pw_name);
    return *ret_name ? 0 : -ENOMEM;
}

int homes_create(struct homes **ret_homes)
{
    struct homes *homes = calloc(1, sizeof(*homes));
    char *name;

    if (!homes)
        return -ENOMEM;
    mutex_init(&homes->mutex);
    if (ask_system(geteuid(), &name) == 0) /* loads what the system answers with, while that may */
        free(name);                        /* still be read */
    *ret_homes = homes;
    return 0;
}

static bool find_cached(struct homes *homes, uid_t uid, char name[NAME_MAX + 1])
{
    struct cached_name *cached = &homes->names[uid % CACHE_COUNT];
    bool known;

    mutex_lock(&homes->mutex);
    known = cached->known && cached->uid == uid;
    if (known)
        snprintf(name, NAME_MAX + 1, "%s", cached->name ? cached->name : "");
    mutex_unlock(&homes->mutex);
    return known;
}

/* The name of a user, "" where it has none that would do. */
static int find_name(struct homes *homes, uid_t uid, char name[NAME_MAX + 1])
{
    struct cached_name *cached = &homes->names[uid % CACHE_COUNT];
    char *asked;
    char *old;
    int error;

    if (find_cached(homes, uid, name))
        return 0;
    error = ask_system(uid, &asked);
    if (error)
        return error;
    snprintf(name, NAME_MAX + 1, "%s", asked ? asked : "");
    mutex_lock(&homes->mutex);
    old = cached->name;
    *cached = (struct cached_name){true, uid, asked};
    mutex_unlock(&homes->mutex);
    free(old);
    return 0;
}

/*
 * Whether @name is the directory of the user @uid: 0; -ENOENT where nothing has that name, -EEXIST
 * where something else has it.
 */
static int check_home(int model_fd, const char *name, uid_t uid)
{
    cleanup_close int fd = openat(model_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct ownership own;

    if (fd < 0)
        return errno == ENOTDIR || errno == ELOOP ? -EEXIST : -errno;
    return ownership_get(fd, &own) || own.uid != uid ? -EEXIST : 0;
}

/* What the directory of a user is called, or is to be called: @ret_exists tells which. */
static int find_home(struct tree *tree, int model_fd, uid_t uid, char name[NAME_MAX + 1],
                     bool *ret_exists)
{
    char number[NAME_MAX + 1];
    int named = -EEXIST;
    int numbered;
    int error = find_name(tree->homes, uid, name);

    if (error)
        return error;
    if (name[0])
        named = check_home(model_fd, name, uid);
    snprintf(number, sizeof(number), "%u", uid);
    numbered = named ? check_home(model_fd, number, uid) : 0;
    *ret_exists = !named || !numbered;
    if (!named || (named == -ENOENT && numbered))
        return 0;
    snprintf(name, NAME_MAX + 1, "%s", number);
    return numbered == -ENOENT ? 0 : numbered;
}

static int make_prompt(int home_fd, const struct ownership *own)
{
    const struct ownership file = {own->uid, own->gid, PROMPT_MODE};
    cleanup_close int fd =
        openat(home_fd, PROMPT_NAME, O_WRONLY | O_CREAT | O_CLOEXEC, ownership_store_mode(S_IFREG));
    int error = fd < 0 ? -errno : ownership_set(fd, &file);

    return error ? error : io_sync(fd);
}

static int make_settings(int home_fd, const struct ownership *own)
{
    const struct ownership directory = {own->uid, own->gid, SETTINGS_MODE};
    cleanup_close int fd = -1;
    int error;

    if (mkdirat(home_fd, VALUES_DIRECTORY, ownership_store_mode(S_IFDIR)) < 0 && errno != EEXIST)
        return -errno;
    fd = openat(home_fd, VALUES_DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    error = fd < 0 ? -errno : ownership_set(fd, &directory);
    return error ? error : io_sync(fd);
}

/* All that is in a user's directory from the start, on disk. */
static int fill_home(int model_fd, const char *name, const struct tree *tree,
                     const struct caller *caller)
{
    const struct ownership own = {caller->uid, tree->gid, HOME_PERMISSIONS};
    const struct ownership author = {caller->uid, caller->gid, 0};
    cleanup_close int fd = openat(model_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int error = fd < 0 ? -errno : ownership_set(fd, &own);

    if (!error)
        error = make_prompt(fd, &author);
    if (!error)
        error = make_settings(fd, &own);
    return error ? error : io_sync(fd);
}

static int count_homes(int model_fd, size_t *ret_count)
{
    cleanup_closedir DIR *dir = NULL;
    int error = io_open_dir(model_fd, &dir);

    *ret_count = 0;
    while (!error && readdir(dir))
        ++*ret_count;
    return error;
}

/* Under a name that nobody sees until it is whole, whatever happens meanwhile. */
static int make_home(const struct tree *tree, int model_fd, const char *name,
                     const struct caller *caller)
{
    char unfinished[64];
    size_t count;
    int error = count_homes(model_fd, &count);

    if (!error && count >= HOMES_MAX + 2) /* with "." and ".." */
        error = -EDQUOT;
    if (error)
        return error;
    snprintf(unfinished, sizeof(unfinished), UNFINISHED_PREFIX "%u-%d", caller->uid, (int)gettid());
    if (mkdirat(model_fd, unfinished, ownership_store_mode(S_IFDIR)) < 0 && errno != EEXIST)
        return -errno;
    error = fill_home(model_fd, unfinished, tree, caller);
    if (!error)
        error = failpoint("homes.rename");
    if (!error && renameat2(model_fd, unfinished, model_fd, name, RENAME_NOREPLACE) < 0)
        error = -errno;
    if (error)
        io_remove_tree(model_fd, unfinished);
    return error ? error : io_sync_dir(model_fd);
}

/* @name is that of the user's directory, which is there after 0. */
static int find_or_make(struct tree *tree, struct inode *model, const struct caller *caller,
                        char name[NAME_MAX + 1])
{
    bool exists;
    int error = find_home(tree, model->fd, caller->uid, name, &exists);

    if (error || exists)
        return error;
    error = make_home(tree, model->fd, name, caller);
    if (!error) {
        space_add_name(tree, model, name);
        kind_note_changed(tree, model);
    }
    if (error == -EEXIST) { /* another thread was faster */
        error = find_home(tree, model->fd, caller->uid, name, &exists);
        if (!error && !exists)
            error = -EEXIST;
    }
    return error;
}

int homes_welcome(struct tree *tree, struct inode *model, const struct caller *caller)
{
    char name[NAME_MAX + 1];

    return find_or_make(tree, model, caller, name);
}

static int get_home(struct tree *tree, struct inode *model, const char *name,
                    struct inode **ret_inode)
{
    cleanup_close int fd = openat(model->fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct ownership own;

    if (fd < 0 || name[0] == '.' || ownership_get(fd, &own))
        return -ENOENT;
    return inode_get_real(tree->setup.inodes, steal_fd(&fd), &kind_model, model, name, ret_inode);
}

int homes_get(struct tree *tree, struct inode *model, const struct caller *caller,
              struct inode **ret_inode)
{
    char name[NAME_MAX + 1];
    int error = find_or_make(tree, model, caller, name);

    return error ? error : get_home(tree, model, name, ret_inode);
}

int homes_read_me(struct tree *tree, struct inode *me, const struct caller *caller, char *target,
                  size_t size)
{
    struct inode *model = inode_parent(me);
    char name[NAME_MAX + 1];
    int error = model ? find_or_make(tree, model, caller, name) : -ENOENT;

    inode_unref(model);
    if (error)
        return error;
    snprintf(target, size, "%s", name);
    return 0;
}

/* Whether @name is what the directory of @caller would be called, if it were there. */
static bool is_own_name(struct tree *tree, const struct inode *model, const char *name,
                        const struct caller *caller)
{
    char own[NAME_MAX + 1];
    bool exists;

    return caller->uid != (uid_t)-1 && find_home(tree, model->fd, caller->uid, own, &exists) == 0 &&
           strcmp(own, name) == 0;
}

static int homes_lookup(struct tree *tree, struct inode *model, const char *name,
                        const struct caller *caller, struct inode **ret_inode)
{
    int error;

    if (strcmp(name, NAME_ME) == 0) {
        error = homes_welcome(tree, model, caller);
        return error ? error
                     : inode_get_virtual(tree->setup.inodes, &kind_me, S_IFLNK, model, name,
                                         ret_inode);
    }
    error = get_home(tree, model, name, ret_inode);
    if (error == -ENOENT && is_own_name(tree, model, name, caller))
        error = homes_get(tree, model, caller, ret_inode);
    return error;
}

static int list_home(const struct inode *model, const char *name, struct listing *listing)
{
    cleanup_close int fd = -1;
    struct ownership own;
    struct stat status;

    if (name[0] == '.')
        return 0;
    fd = openat(model->fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || ownership_get(fd, &own) || fstat(fd, &status) < 0)
        return 0;
    return listing_add(listing, name, status.st_ino, S_IFDIR);
}

static int homes_list(struct tree *tree, struct inode *model, struct listing *listing)
{
    cleanup_closedir DIR *dir = NULL;
    struct inode *me;
    int error = io_open_dir(model->fd, &dir);

    for (const struct dirent *entry; !error && (entry = readdir(dir));)
        error = list_home(model, entry->d_name, listing);
    if (!error)
        error = inode_get_virtual(tree->setup.inodes, &kind_me, S_IFLNK, model, NAME_ME, &me);
    if (error)
        return error;
    error = listing_add(listing, NAME_ME, me->number, S_IFLNK);
    inode_unref(me);
    return error;
}

static int homes_getattr(struct tree *tree, struct inode *model, const struct caller *caller,
                         struct stat *ret_status)
{
    (void)caller;
    if (fstat(model->fd, ret_status) < 0)
        return -errno;
    ret_status->st_mode = S_IFDIR | MODEL_PERMISSIONS;
    ret_status->st_uid = tree->uid;
    ret_status->st_gid = tree->gid;
    ret_status->st_nlink = 1; /* unknown: directories come without the kernel's knowing */
    return 0;
}

const struct node_kind kind_homes = {
    .lookup = homes_lookup,
    .list = homes_list,
    .getattr = homes_getattr,
    .timeout_s = KIND_REAL_TIMEOUT_S,
};

/* As in /proc/self: how long the target is depends on who asks. */
static int me_getattr(struct tree *tree, struct inode *me, const struct caller *caller,
                      struct stat *ret_status)
{
    (void)caller;
    kind_fill_virtual(tree, me, 0777, 0, ret_status);
    return 0;
}

/* What differs by user is never cached. */
const struct node_kind kind_me = {
    .getattr = me_getattr,
};

void homes_sweep(int model_fd)
{
    cleanup_closedir DIR *dir = NULL;

    if (io_open_dir(model_fd, &dir))
        return;
    for (const struct dirent *entry; (entry = readdir(dir));) {
        if (strncmp(entry->d_name, UNFINISHED_PREFIX, strlen(UNFINISHED_PREFIX)) == 0)
            io_remove_tree(model_fd, entry->d_name);
    }
}
