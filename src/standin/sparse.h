/* SPDX-License-Identifier: MIT
 *
 * Answers of which only the pictures, words and drafts are left: all else that may be absent is
 * null, empty or left out, for a reader must do without any of it. Knows which members the objects
 * of an answer have; where a picture stands in them is forms.c's.
 */
#ifndef STANDIN_SPARSE_H
#define STANDIN_SPARSE_H

#include <cjson/cJSON.h>
#include <stdint.h>

/**
 * Make the members of @answer null, empty or absent, and add those that it could have had.
 *
 * @param answer  a tree that forms.c built
 * @param words   bit N-1 stands for word N of enum members_word; several take turns, from member to
 *                member in the order of the answer. 0 changes nothing.
 */
void sparse_apply(cJSON *answer, int64_t words);

#endif
