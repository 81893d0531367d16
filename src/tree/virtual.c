/* SPDX-License-Identifier: MIT
 *
 * Files whose text is made when they are opened: README.txt and status.txt. Their size is the real
 * one, since file managers, rsync and tar copy nothing of a file that says 0.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/hash.h"
#include "conf/settings.h"
#include "store/values.h"
#include "tree/kind.h"

#define TEXT_MAX_BYTES (16u << 20)
#define PERMISSIONS    0444
#define NS_PER_S       1000000000
#define MS_PER_S       1000

static const char private_place[] =
    "Each directory here is an image model, and a workspace. Save a text as `prompt`\n"
    "in it, and the picture appears beside it a little later:\n";

static const char shared_place[] =
    "Each directory here is an image model, and `me` in it is your own place: nobody\n"
    "else can look into it unless you let them (chmod). Save a text as `prompt` in\n"
    "there, and the picture appears beside it a little later:\n";

static const char root_readme[] =
    "easelfs: image models as directories\n"
    "====================================\n"
    "\n"
    "%s"
    "\n"
    "    cd %s%s\n"
    "    cp ~/photos/cat.jpg .                              # a reference, if wanted\n"
    "    echo \"The cat as a Dutch still life\" > prompt\n"
    "    xdg-open \"$(cat .prompt.wait)\"                     # waits, prints the new name\n"
    "\n"
    "Saving a prompt in a text editor or a file manager does the same.\n"
    "\n"
    "prompt, prompt.txt, NAME.prompt   what you want to see; saving it makes a picture\n"
    "pictures you put there            references, sent with every prompt of the directory\n"
    "0001.png, NAME.png                results; yours to move, rename or delete\n"
    "0001.txt                          what the model said\n"
    "prompt.error.txt                  why there is no picture, and what to do\n"
    "status.txt                        what is under way\n"
    ".wait, .prompt.wait               not listed; reading one waits for the pictures\n"
    "\n"
    "Every picture costs what the API's operator charges. Nothing is sent by opening,\n"
    "listing or copying files out. Make directories (mkdir) to keep references and\n"
    "prompts apart; each is a workspace of its own.\n"
    "\n"
    "More: man easelfs\n";

static const char model_readme[] =
    "%s\n"
    "\n"
    "Save a text as `prompt` (or `prompt.txt`, `NAME.prompt`) in this directory or in one\n"
    "below: a picture appears beside it. Pictures that you put beside the prompt are sent\n"
    "along as references, at most %u. To wait for the picture in a script:\n"
    "\n"
    "    echo \"A red kite over dunes\" > prompt && cat .prompt.wait\n"
    "\n"
    "A prompt may begin with settings of its own:\n"
    "\n"
    "    ---\n"
    "    aspect_ratio: 16:9\n"
    "    ---\n"
    "    A red kite over dunes\n"
    "\n"
    "Settings and what they may hold for this model:\n"
    "\n";

static int describe_settings(const struct model *model, struct buf *text)
{
    int error = buf_printf(text, model_readme, model->name, model->profile->references_max);

    for (int i = 0; !error && i < SETTING_MAX; i++) {
        error = buf_printf(text, "%s: ", settings_name((enum setting)i));
        if (!error)
            error = settings_describe((enum setting)i, model->profile, text);
        if (!error)
            error = buf_append_text(text, "\n");
    }
    return error;
}

static int describe_root(const struct tree *tree, struct buf *text)
{
    const struct model_list *models = tree->setup.models;
    const char *directory = models->count ? models->models[0].directory : "MODEL";
    bool shared = tree->setup.options->shared;

    return buf_printf(text, root_readme, shared ? shared_place : private_place, directory,
                      shared ? "/me" : "");
}

static int render_readme(struct tree *tree, struct inode *inode, struct buf *text)
{
    const struct model_list *models = tree->setup.models;
    struct inode *directory = inode_parent(inode);
    const struct model *model = NULL;
    int error;

    if (directory && directory != tree->root)
        model = values_model(models, directory);
    if (model)
        error = describe_settings(model, text);
    else
        error = describe_root(tree, text);
    inode_unref(directory);
    return error;
}

/* In a mount for several users each reads of the own jobs only, but for root. */
static int render_status(struct tree *tree, struct inode *inode, uid_t reader, struct buf *text)
{
    struct inode *directory = inode_parent(inode);
    const uid_t *only = tree->setup.options->shared && reader != 0 ? &reader : NULL;
    int error = 0;

    if (!directory)
        return -ENOENT;
    if (directory == tree->root)
        error = buf_printf(text, "API: %s\n", tree->setup.base_url);
    if (!error && directory == tree->root)
        error = jobs_use(tree->setup.jobs, only, text);
    if (!error)
        error = jobs_status(tree->setup.jobs, directory, only, text);
    inode_unref(directory);
    return error;
}

static int render(struct tree *tree, struct inode *inode, uid_t reader, struct buf *text)
{
    return inode->kind == &kind_status ? render_status(tree, inode, reader, text)
                                       : render_readme(tree, inode, text);
}

static int64_t now_s(void)
{
    return clock_now_ms() / MS_PER_S;
}

static int64_t wall_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* Whether what was last made of status.txt still tells its size: then stat does not make it. */
static bool is_fresh(struct tree *tree, const struct inode *inode, uid_t reader)
    requires_(tree->mutex)
{
    return inode->text.known && inode->text.reader == reader && inode->text.made_s == now_s() &&
           inode->text.change_count == jobs_change_count(tree->setup.jobs);
}

/* Make the text of @inode for @reader, and note of that of status.txt what stat(2) tells. */
static int make(struct tree *tree, struct inode *inode, uid_t reader, struct buf *text)
{
    uint64_t change_count = jobs_change_count(tree->setup.jobs);
    int64_t made_s = now_s();
    int error = render(tree, inode, reader, text);
    uint64_t hash;

    if (error || inode->kind != &kind_status)
        return error;
    hash = hash_bytes(HASH_START, buf_text(text), text->length);
    mutex_lock(&tree->mutex);
    if (!inode->text.known || inode->text.hash != hash)
        inode->text.changed_ns = wall_ns();
    inode->text.hash = hash;
    inode->text.length = text->length;
    inode->text.made_s = made_s;
    inode->text.change_count = change_count;
    inode->text.reader = reader;
    inode->text.known = true;
    mutex_unlock(&tree->mutex);
    return 0;
}

static int readme_getattr(struct tree *tree, struct inode *inode, const struct caller *caller,
                          struct stat *ret_status)
{
    cleanup_buf struct buf text = {.max = TEXT_MAX_BYTES};
    int error = render(tree, inode, caller->uid, &text);

    if (!error)
        kind_fill_virtual(tree, inode, PERMISSIONS, (off_t)text.length, ret_status);
    return error;
}

/* A text is as old as it has been what it is: copying programs compare times before and after. */
static int status_getattr(struct tree *tree, struct inode *inode, const struct caller *caller,
                          struct stat *ret_status)
{
    cleanup_buf struct buf text = {.max = TEXT_MAX_BYTES};
    size_t length = 0;
    bool fresh;
    int error;

    mutex_lock(&tree->mutex);
    fresh = is_fresh(tree, inode, caller->uid);
    if (fresh)
        length = inode->text.length;
    mutex_unlock(&tree->mutex);
    error = fresh ? 0 : make(tree, inode, caller->uid, &text);
    if (error)
        return error;
    kind_fill_virtual(tree, inode, PERMISSIONS, (off_t)(fresh ? length : text.length), ret_status);
    mutex_lock(&tree->mutex);
    ret_status->st_mtim.tv_sec = inode->text.changed_ns / NS_PER_S;
    ret_status->st_mtim.tv_nsec = inode->text.changed_ns % NS_PER_S;
    ret_status->st_ctim = ret_status->st_mtim;
    mutex_unlock(&tree->mutex);
    return 0;
}

static int virtual_open(struct tree *tree, struct inode *inode, int flags, struct handle *handle)
{
    cleanup_buf struct buf text = {.max = TEXT_MAX_BYTES};
    int error;

    if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC))
        return -EACCES;
    error = make(tree, inode, handle->owner.uid, &text);
    if (error)
        return error;
    handle->length = text.length;
    handle->text = buf_steal(&text);
    return 0;
}

/*
 * An open status.txt is like a file that is rewritten now and then. But whoever reads it piece by
 * piece up to its end gets pieces of one text.
 */
void virtual_before_read(struct tree *tree, struct handle *handle, uint64_t offset)
{
    cleanup_buf struct buf text = {.max = TEXT_MAX_BYTES};
    bool again, at_end;

    mutex_lock(&tree->mutex);
    at_end = offset >= handle->length;
    again = at_end ? handle->ended : handle->started && offset == 0;
    handle->started = true;
    handle->ended = at_end;
    mutex_unlock(&tree->mutex);
    if (!again || make(tree, handle->inode, handle->owner.uid, &text))
        return;
    mutex_lock(&tree->mutex);
    free(handle->text);
    handle->length = text.length;
    handle->text = buf_steal(&text);
    handle->ended = offset >= handle->length;
    mutex_unlock(&tree->mutex);
}

/* What changes by itself is never cached. */
const struct node_kind kind_readme = {
    .getattr = readme_getattr,
    .open = virtual_open,
};

const struct node_kind kind_status = {
    .getattr = status_getattr,
    .open = virtual_open,
};
