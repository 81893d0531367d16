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

#include "base/hash.h"
#include "conf/settings.h"
#include "tree/kind.h"

#define TEXT_MAX_BYTES (16u << 20)
#define PERMISSIONS    0444
#define NS_PER_S       1000000000

static const char root_readme[] =
    "easelfs: image models as directories\n"
    "====================================\n"
    "\n"
    "Each directory here is an image model, and a workspace. Save a text as `prompt`\n"
    "in it, and the picture appears beside it a little later:\n"
    "\n"
    "    cd %s\n"
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

static int render_readme(struct tree *tree, struct inode *inode, struct buf *text)
{
    const struct model_list *models = tree->setup.models;
    struct inode *directory = inode_parent(inode);
    const struct model *model = NULL;
    char name[NAME_MAX + 1];
    int error;

    if (directory && directory != tree->root && inode_name(directory, name))
        model = models_find(models, name);
    if (model)
        error = describe_settings(model, text);
    else
        error =
            buf_printf(text, root_readme, models->count ? models->models[0].directory : "MODEL");
    inode_unref(directory);
    return error;
}

static int render_status(struct tree *tree, struct inode *inode, struct buf *text)
{
    struct inode *directory = inode_parent(inode);
    int error = 0;

    if (!directory)
        return -ENOENT;
    if (directory == tree->root)
        error = buf_printf(text, "API: %s\n", tree->setup.base_url);
    if (!error && directory == tree->root)
        error = jobs_use(tree->setup.jobs, NULL, text);
    if (!error)
        error = jobs_status(tree->setup.jobs, directory, NULL, text);
    inode_unref(directory);
    return error;
}

static int render(struct tree *tree, struct inode *inode, struct buf *text)
{
    return inode->kind == &kind_status ? render_status(tree, inode, text)
                                       : render_readme(tree, inode, text);
}

/* A text is as old as it has been what it is: copying programs compare times before and after. */
static void fill_times(struct inode *inode, const struct buf *text, struct stat *status)
{
    uint64_t hash = hash_bytes(HASH_START, buf_text(text), text->length);
    struct timespec now;
    int64_t changed_ns;

    clock_gettime(CLOCK_REALTIME, &now);
    changed_ns = (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
    if (atomic_load(&inode->text_hash) != hash) {
        atomic_store(&inode->text_changed_ns, changed_ns);
        atomic_store(&inode->text_hash, hash);
    }
    changed_ns = atomic_load(&inode->text_changed_ns);
    status->st_mtim = (struct timespec){changed_ns / NS_PER_S, changed_ns % NS_PER_S};
    status->st_ctim = status->st_mtim;
}

static int virtual_getattr(struct tree *tree, struct inode *inode, struct stat *ret_status)
{
    cleanup_buf struct buf text = {.max = TEXT_MAX_BYTES};
    int error = render(tree, inode, &text);

    if (error)
        return error;
    kind_fill_virtual(tree, inode, PERMISSIONS, (off_t)text.length, ret_status);
    if (inode->kind == &kind_status)
        fill_times(inode, &text, ret_status);
    return 0;
}

static int virtual_open(struct tree *tree, struct inode *inode, int flags, struct handle *handle)
{
    cleanup_buf struct buf text = {.max = TEXT_MAX_BYTES};
    int error;

    if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC))
        return -EACCES;
    error = render(tree, inode, &text);
    if (error)
        return error;
    handle->length = text.length;
    handle->text = buf_steal(&text);
    return 0;
}

/* What changes by itself is never cached. */
const struct node_kind kind_readme = {
    .getattr = virtual_getattr,
    .open = virtual_open,
};

const struct node_kind kind_status = {
    .getattr = virtual_getattr,
    .open = virtual_open,
};
