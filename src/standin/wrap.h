/* SPDX-License-Identifier: MIT
 *
 * The array that some gateways put around what they answer, with or without other elements beside
 * it. Any body that is JSON can stand in it.
 */
#ifndef STANDIN_WRAP_H
#define STANDIN_WRAP_H

#include "standin/answer.h"

/**
 * Put the array around the body of @answer. Bodies that are empty or no JSON stay as they are.
 *
 * @param word  enum wrap_word; 0 = no array. For WRAP_CHUNKS the body has its commas already.
 * @return 0, -ENOMEM or -EFBIG.
 */
int wrap_body(int word, struct answer *answer);

#endif
