/* SPDX-License-Identifier: MIT
 *
 * The script of a stand-in: which directives the requests take one after another. A line each:
 *
 *     ok                          the usual answer
 *     status=503                  the next request; `|` as in directive.h
 *     * delay=100                 every request after the lines above it are used up
 *     models list=openai          the same for the model list: its GETs have lines of their own,
 *     models * status=401         and a `*` of their own
 *     # a comment
 *
 * Only the last `*` line of each kind counts. Without one, requests past the end are answered as
 * usual.
 */
#ifndef STANDIN_SCRIPT_H
#define STANDIN_SCRIPT_H

#include "standin/directive.h"

#define SCRIPT_MAX_BYTES (1 << 20)

enum script_kind { SCRIPT_GENERATE, SCRIPT_MODELS, SCRIPT_KINDS };

struct script;

/**
 * Read the script at @path.
 *
 * @return 0; -EINVAL with a sentence that names the line in @reason; -EFBIG above SCRIPT_MAX_BYTES;
 *         -ENOMEM; or what opening and reading gave.
 */
int script_load(const char *path, struct script **ret_script, char reason[DIRECTIVE_REASON_SIZE]);

/** Free @script. Takes NULL. */
void script_free(struct script *script);

/**
 * Take the line of the next request. One thread (the server's).
 *
 * @return its list, owned by @script; NULL for the usual answer. @script may be NULL.
 */
const struct directive_list *script_next(struct script *script, enum script_kind kind);

#endif
