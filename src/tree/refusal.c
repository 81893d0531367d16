/* SPDX-License-Identifier: MIT
 *
 * A prompt that is not taken: what its user was told is kept with the inode until the text changes,
 * and goes into an error file beside the prompt, as shells do not look at what close(2) says.
 */
#include <errno.h>
#include <stdio.h>

#include "conf/prompt.h"
#include "tree/kind.h"
#include "tree/note.h"

void refusal_forget(struct inode *inode)
{
    inode->refused = 0;
    inode->refused_by_close = false;
    free(inode->refusal);
    inode->refusal = NULL;
}

void refusal_remember(struct inode *inode, int error, const struct failure *failure)
{
    refusal_forget(inode);
    inode->refused = error;
    inode->refusal = failure ? malloc(sizeof(*inode->refusal)) : NULL;
    if (inode->refusal)
        *inode->refusal = *failure;
}

bool refusal_is_explained(int error)
{
    return error == -ENOKEY || error == -EDQUOT;
}

void refusal_hand_in(struct tree *tree, const struct jobs_prompt *prompt,
                     const struct failure *failure, char id[RECORD_ID_SIZE])
{
    int error = jobs_refuse(tree->setup.jobs, prompt, failure, id);

    if (error) {
        snprintf(id, RECORD_ID_SIZE, "%s", NOTE_DISCARDED);
        log_error("%s was refused, and no error file can be written: %s", prompt->name,
                  error_text(error));
    }
}

void refusal_describe(const struct inode *inode, struct failure *failure)
{
    int error = inode->refused;

    failure_init(failure);
    if (inode->refusal) {
        *failure = *inode->refusal;
        return;
    }
    if (error == -EILSEQ)
        failure_set(failure, error, "The prompt is not UTF-8 text.");
    else if (error == -EFBIG)
        failure_set(failure, error, "The prompt is longer than %d KiB.", PROMPT_MAX_BYTES / 1024);
    else
        failure_set_errno(failure, error, "The prompt could not be written");
    failure_advise(failure, "Correct the prompt and save it again.");
}
