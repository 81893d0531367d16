/* SPDX-License-Identifier: MIT
 *
 * The log: one JSON object a line for every request, on disk before a byte of its answer leaves.
 * What a line has:
 *
 *     n, kind (generate, models, model, picture, unknown), complete, time_ms, connection, request
 *     (which on its connection), http, method, path, query, key (none, bearer, goog, both), key_ok,
 *     headers ([[name, value], ...], credentials as "(present)"), idempotency_key, body_bytes
 *
 *     generate: model, prompt, roles, parts, references ([{mime, bytes, sha256}]),
 * generationConfig, systemInstruction, safetySettings (as received, null where absent), directive
 *
 *     status (that will be answered), problem (why it was refused; null)
 *
 * "complete" is true where the request was read in full, which is what an API would have charged
 * for. Any thread.
 */
#ifndef STANDIN_JOURNAL_H
#define STANDIN_JOURNAL_H

#include <stdint.h>

struct exchange;
struct journal;

/** Open the log at @path for appending; NULL keeps count and writes nothing. @return 0 or -errno.
 */
int journal_open(const char *path, struct journal **ret_journal);

/** Takes NULL. */
void journal_close(struct journal *journal);

/**
 * Write the line of @exchange.
 *
 * @param status  of the answer; 0 where there will be none
 * @return 0 and the request's number, from 1; -ENOMEM, or what writing gave.
 */
int journal_write(struct journal *journal, const struct exchange *exchange, unsigned status,
                  uint64_t *ret_number);

#endif
