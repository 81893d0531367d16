/* SPDX-License-Identifier: MIT */
#include "job/history.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "conf/models.h"
#include "job/limits.h"

#define FILE_NAME   "history"
#define LINE_FORMAT "%15[0-9-] %" SCNd64 " %" SCNu64 " %128s %" SCNu32

/* What is kept of the file: some hundred answers. */
#define KEPT_BYTES (32 * 1024)

/* So many answers of a model tell its usual time. */
#define TIMES_MAX 9

/* So many notes are shown. */
#define NOTES_MAX 16

struct pace {
    char model[MODEL_NAME_MAX_BYTES + 1];
    int64_t took_ms[TIMES_MAX]; /* a ring */
    size_t count;               /* of all that were ever added */
};

struct note {
    struct inode *workspace; /* held; NULL: none yet */
    uid_t uid;               /* of the job's owner */
    char *text;              /* owned */
};

struct history {
    int usage_fd;              /* the store's */
    struct accounts *accounts; /* each counts its own tokens */
    struct pace *paces;
    size_t pace_count;
    char day[LIMITS_DAY_SIZE];
    uint64_t tokens; /* used on it */
    struct note notes[NOTES_MAX];
    size_t note_count; /* of all that were ever added */
};

static struct pace *find_pace(const struct history *history, const char *model)
{
    for (size_t i = 0; i < history->pace_count; i++) {
        if (strcmp(history->paces[i].model, model) == 0)
            return &history->paces[i];
    }
    return NULL;
}

/* @return NULL without memory, or for more models than there can be. */
static struct pace *make_pace(struct history *history, const char *model)
{
    struct pace *paces;

    if (history->pace_count == MODELS_MAX)
        return NULL;
    paces = reallocarray(history->paces, history->pace_count + 1, sizeof(*paces));
    if (!paces)
        return NULL;
    history->paces = paces;
    paces += history->pace_count++;
    *paces = (struct pace){0};
    snprintf(paces->model, sizeof(paces->model), "%s", model);
    return paces;
}

/* @account: NULL where there are too many */
static void add(struct history *history, struct account *account, const char *day,
                const char *model, int64_t took_ms, uint64_t tokens)
{
    struct pace *pace = find_pace(history, model);

    if (strcmp(history->day, day) != 0) {
        snprintf(history->day, sizeof(history->day), "%s", day);
        history->tokens = 0;
    }
    history->tokens += tokens;
    if (account)
        accounts_count_add(&account->tokens, history->day, tokens);
    if (!pace)
        pace = make_pace(history, model);
    if (pace)
        pace->took_ms[pace->count++ % TIMES_MAX] = took_ms;
}

static void add_line(struct history *history, const char *line)
{
    char day[LIMITS_DAY_SIZE];
    char model[MODEL_NAME_MAX_BYTES + 1];
    int64_t took_ms;
    uint64_t tokens;
    uid_t uid = geteuid();
    struct account *account;

    if (sscanf(line, LINE_FORMAT, day, &took_ms, &tokens, model, &uid) < 4)
        return;
    if (accounts_get(history->accounts, uid, &account))
        account = NULL;
    add(history, account, day, model, took_ms, tokens);
}

/* The last whole lines of the file. */
static int read_tail(int fd, struct buf *text)
{
    struct stat status;
    char *end;
    int error;

    if (fstat(fd, &status) < 0)
        return -errno;
    if (status.st_size > KEPT_BYTES && lseek(fd, status.st_size - KEPT_BYTES, SEEK_SET) < 0)
        return -errno;
    error = io_read_all(fd, text);
    if (error || status.st_size <= KEPT_BYTES)
        return error;
    end = strchr(text->data, '\n');
    if (end) {
        text->length -= (size_t)(end + 1 - text->data);
        memmove(text->data, end + 1, text->length + 1);
    }
    return 0;
}

static int load(struct history *history)
{
    cleanup_close int fd =
        openat(history->usage_fd, FILE_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    cleanup_buf struct buf text = {.max = KEPT_BYTES};
    char *rest;
    char *line;
    int error;

    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    error = read_tail(fd, &text);
    if (!error && text.length)
        error = io_replace_file_lazily(history->usage_fd, FILE_NAME, text.data, text.length, 0600);
    rest = text.data;
    while (rest && (line = strsep(&rest, "\n")))
        add_line(history, line);
    return error;
}

int history_create(const struct store *store, struct accounts *accounts,
                   struct history **ret_history)
{
    struct history *history = calloc(1, sizeof(*history));
    int error;

    if (!history)
        return -ENOMEM;
    history->usage_fd = store->usage_fd;
    history->accounts = accounts;
    error = load(history);
    if (error)
        log_warning("what is known of earlier answers cannot be read: %s", error_text(error));
    *ret_history = history;
    return 0;
}

void history_destroy(struct history *history)
{
    if (!history)
        return;
    for (size_t i = 0; i < NOTES_MAX; i++) {
        inode_unref(history->notes[i].workspace);
        free(history->notes[i].text);
    }
    free(history->paces);
    free(history);
}

static uint64_t tokens_of(const struct record *record)
{
    return record->total_tokens > 0 ? (uint64_t)record->total_tokens : 0;
}

void history_add(struct history *history, struct account *account, const char *day,
                 const struct record *record, int64_t took_ms)
{
    add(history, account, day, record->model, took_ms, tokens_of(record));
}

int history_note(const struct history *history, const char *day, const struct record *record,
                 int64_t took_ms)
{
    cleanup_close int fd =
        openat(history->usage_fd, FILE_NAME,
               O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    cleanup_buf struct buf line = {.max = KEPT_BYTES};
    int error;

    if (fd < 0)
        return -errno;
    error = buf_printf(&line, "%s %" PRId64 " %" PRIu64 " %s %u\n", day, took_ms, tokens_of(record),
                       record->model, record->owner.uid);
    return error ? error : io_write_all(fd, line.data, line.length);
}

static int compare_times(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;

    return (a > b) - (a < b);
}

int64_t history_usual_ms(const struct history *history, const char *model)
{
    const struct pace *pace = find_pace(history, model);
    int64_t sorted[TIMES_MAX];
    size_t count;

    if (!pace)
        return 0;
    count = pace->count < TIMES_MAX ? pace->count : TIMES_MAX;
    memcpy(sorted, pace->took_ms, sizeof(sorted));
    qsort(sorted, count, sizeof(*sorted), compare_times);
    return sorted[count / 2];
}

uint64_t history_tokens(const struct history *history, const uid_t *only, const char *day)
{
    const struct account *account = only ? accounts_find(history->accounts, *only) : NULL;

    if (only)
        return account ? accounts_count_on(&account->tokens, day) : 0;
    return strcmp(history->day, day) == 0 ? history->tokens : 0;
}

void history_add_notes(struct history *history, struct inode *workspace,
                       const struct record *record)
{
    struct note *note = &history->notes[history->note_count % NOTES_MAX];
    char *text;

    if (!record->notes || asprintf(&text, "%s: %.*s", record->prompt_name,
                                   (int)strcspn(record->notes, "\n"), record->notes) < 0)
        return;
    inode_unref(note->workspace);
    free(note->text);
    *note = (struct note){inode_ref(workspace), record->owner.uid, text};
    history->note_count++;
}

int history_describe(const struct history *history, struct inode *directory, const uid_t *only,
                     struct buf *text)
{
    int error = 0;

    for (size_t i = 0; !error && i < NOTES_MAX; i++) {
        const struct note *note = &history->notes[(history->note_count + i) % NOTES_MAX];

        if (note->workspace && (!only || note->uid == *only) &&
            inode_is_below(note->workspace, directory))
            error = buf_printf(text, "%s\n", note->text);
    }
    return error;
}
