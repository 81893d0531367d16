/* SPDX-License-Identifier: MIT
 *
 * What jobs that have ended tell about the next ones: how long a model usually takes, how many
 * tokens were used today, and what lately was not as it was asked for.
 *
 * Times and tokens are kept in store/usage/history, a line for each answer with a picture:
 * "2026-11-22 14250 1302 MODEL UID" (local day, milliseconds from the first byte sent to the
 * answer, tokens, whose job it was; without that, the daemon's own user's). It is a comfort, not an
 * account: not synced, cut to its last lines at a start, and what is damaged in it is left out.
 * Notes are forgotten with the process.
 *
 * No lock of its own: history_note() may be called from every thread, the others under one lock.
 */
#ifndef EASELFS_JOB_HISTORY_H
#define EASELFS_JOB_HISTORY_H

#include "base/buf.h"
#include "job/accounts.h"
#include "store/inode.h"
#include "store/record.h"
#include "store/store.h"

struct history;

/**
 * Read what is known of earlier answers.
 *
 * @accounts each counts its own tokens there; outlives the history
 *
 * @return 0 or -ENOMEM
 */
int history_create(const struct store *store, struct accounts *accounts,
                   struct history **ret_history);

/** Takes NULL. */
void history_destroy(struct history *history);

/** One answer more to a job of @account. @day: as limits_day() gives it. */
void history_add(struct history *history, struct account *account, const char *day,
                 const struct record *record, int64_t took_ms);

/** Put that on record. @return 0 or a negative errno. */
int history_note(const struct history *history, const char *day, const struct record *record,
                 int64_t took_ms);

/** The median of the last answers of @model; 0: none is known. */
int64_t history_usual_ms(const struct history *history, const char *model);

/** Tokens used on @day; by @only, unless NULL. */
uint64_t history_tokens(const struct history *history, const uid_t *only, const char *day);

/** @record, of a job in @workspace, has notes: show them for a while. */
void history_add_notes(struct history *history, struct inode *workspace,
                       const struct record *record);

/**
 * Append the notes on jobs in @directory and below, a line each; on those of @only, unless NULL.
 *
 * @return 0 or as buf_append()
 */
int history_describe(const struct history *history, struct inode *directory, const uid_t *only,
                     struct buf *text);

#endif
