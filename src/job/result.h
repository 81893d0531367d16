/* SPDX-License-Identifier: MIT
 *
 * What is said of a result: its extended attributes, and whether it is what was asked for. Pure,
 * but for the attributes themselves.
 *
 *   user.easelfs.model            what it was asked of
 *   user.easelfs.model_version    what answered, by its own word
 *   user.easelfs.prompt           the prompt file's text
 *   user.easelfs.settings         what was sent, "name: value" a line
 *   user.easelfs.references       "SHA-256  name" a line, in the order in which they were sent
 *   user.easelfs.finish_reason    the API's word
 *   user.easelfs.usage            "prompt 12, picture 1290, thoughts 0, total 1302 tokens"
 *   user.easelfs.created          when the prompt was saved, RFC 3339
 *   user.easelfs.notes            what is not as it was asked for, a line each
 *   user.mime_type, user.xdg.comment (the prompt), user.xdg.origin.url (the API): freedesktop.org's
 *
 * user.easelfs.job is set by job/staging. Long texts are cut, with "…" at the end, so that all fits
 * what file systems have room for (4 KiB on ext4) and copying programs keep it; the whole is in the
 * job's record.
 */
#ifndef EASELFS_JOB_RESULT_H
#define EASELFS_JOB_RESULT_H

#include <stdbool.h>

#include "store/imagetype.h"
#include "store/record.h"

/** Room for a note and its NUL. */
#define RESULT_NOTE_SIZE 128

/** Say that @sent was sent where @asked was asked for. */
void result_note_fallback(const char *asked, const char *sent, char note[RESULT_NOTE_SIZE]);

/**
 * The extension and the MIME type that a picture is given out with: its own, or, where it says that
 * it is larger than store/imagesize allows, those of no picture. It is paid for and kept as it
 * came, but no file manager opens it for a preview.
 */
const char *result_extension(const struct image_type *type, const struct image_size *size);
const char *result_mime(const struct image_type *type, const struct image_size *size);

/** Where it is larger than that, say so in @note. @return whether it is. */
bool result_note_excess(const struct image_size *size, char note[RESULT_NOTE_SIZE]);

/**
 * Compare a picture with what was asked for.
 *
 * @return whether it differs, and @note says how
 */
bool result_compare(const struct settings *asked, const struct image_size *size,
                    char note[RESULT_NOTE_SIZE]);

/**
 * Set the attributes of the result @fd, which may be written to by its mode. Best effort: the
 * record has it all.
 */
void result_describe(int fd, const struct record *record, const char *mime, const char *base_url);

#endif
