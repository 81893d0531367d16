/* SPDX-License-Identifier: MIT
 *
 * The model's words, as one text for people: all texts of an answer that are no thoughts, without
 * the pictures that stand in them as Markdown with a data: URI.
 */
#ifndef EASELFS_JOB_WORDS_H
#define EASELFS_JOB_WORDS_H

#include "base/buf.h"
#include "job/flight.h"

/** The most that is kept of them. */
#define WORDS_MAX_BYTES (4u << 20)

/**
 * Append the words of flight->answer to @words: printable, without the key, with a line end behind
 * them; nothing where they are blank. What is above the buffer's maximum is left out.
 *
 * @return 0, -ENOMEM, or the errno of reading a part.
 */
int words_collect(const struct flight *flight, struct buf *words);

#endif
