/* SPDX-License-Identifier: MIT */
#include "job/report.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>

#include "api/fault.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/text.h"
#include "job/job.h"
#include "job/quota.h"
#include "job/staging.h"
#include "store/spool.h"

#define STATUS_PATH_MAX (16 * 1024)

/* Names of files may hold anything. */
static void make_printable(struct buf *text)
{
    if (!text->data)
        return;
    text_make_printable(text->data, '?');
    text->length = strlen(text->data);
}

static int add_words(const struct store *store, const struct record *record, struct buf *text)
{
    cleanup_buf struct buf words = {.max = REPORT_MAX_BYTES / 2};
    char staged[STAGING_NAME_SIZE];
    int error;

    staging_text_name(record->id, STAGING_WORDS, staged);
    error = io_read_file(store->staging_fd, staged, &words);
    if (error == -ENOENT || (error && error != -EFBIG) || !words.length)
        return 0;
    return buf_printf(text, "\nThe model said:\n%s", buf_text(&words));
}

int report_format(const struct store *store, const struct record *record, struct buf *text)
{
    const struct failure *failure = &record->failure;
    char when[CLOCK_TEXT_SIZE];
    int error;

    clock_format(clock_wall_ms(), when);
    error = buf_printf(text, "%s\n", failure->text);
    if (!error && record->attempt_count)
        error = buf_printf(text, "%s\n", fault_charge_text(failure->charge));
    if (!error && failure->advice[0])
        error = buf_printf(text, "%s\n", failure->advice);
    if (!error)
        error = buf_printf(text, "\nprompt: %s\nmodel:  %s\nwhen:   %s\njob:    %s\n",
                           record->prompt_name, record->model, when, record->id);
    if (!error && record->attempt_count > 1)
        error = buf_printf(text, "tries:  %u\n", record->attempt_count);
    if (!error && failure->http_status)
        error = buf_printf(text, "status: HTTP %d\n", failure->http_status);
    if (!error && failure->request_id[0])
        error = buf_printf(text, "request id: %s\n", failure->request_id);
    if (!error)
        error = add_words(store, record, text);
    if (!error)
        make_printable(text);
    return error;
}

/* What a waiting job waits for. */
static void describe_wait(const struct job *job, struct buf *text)
{
    char name[NAME_MAX + 1];

    if (!job->committed)
        buf_printf(text, "%s is still open for writing", job->record.prompt_name);
    else if (inode_open_writer_in(job->workspace, name))
        buf_printf(text, "waits until %s is closed", name);
    else
        buf_append_text(text, "waits until its directory is quiet");
}

/* Until @then_ms, which is later than @now_ms, a whole second. */
static int64_t seconds_left(int64_t then_ms, int64_t now_ms)
{
    return then_ms - now_ms >= 1000 ? (then_ms - now_ms) / 1000 : 1;
}

/*
 * One status.txt while it is made. Thousands of jobs stand in a few directories: what they have in
 * common is found out once.
 */
struct view {
    struct jobs *jobs;
    struct inode *directory;
    const uid_t *only;             /* whose jobs are shown; NULL: everybody's */
    int64_t now_ms;                /* a whole second: all counts of seconds change together */
    struct buf base;               /* the path of the directory */
    const struct inode *workspace; /* of the job before, as is top; NULL: there was none */
    const struct inode *top;
    bool is_below;
    struct buf path; /* of that workspace, from the directory on: "", or "a/b/" */
    const struct model *model;
    int64_t usual_ms; /* of that model */
};

static void view_init(struct view *view, struct jobs *jobs, struct inode *directory,
                      const uid_t *only)
{
    int64_t now_ms = clock_now_ms();

    *view = (struct view){
        .jobs = jobs,
        .directory = directory,
        .only = only,
        .now_ms = now_ms - now_ms % 1000,
        .base = {.max = STATUS_PATH_MAX},
        .path = {.max = STATUS_PATH_MAX},
    };
    if (inode_path(directory, &view->base))
        buf_clear(&view->base);
}

static void view_fini(struct view *view)
{
    buf_fini(&view->base);
    buf_fini(&view->path);
}

#define cleanup_view cleanup_(view_fini)

/* Where the workspace of @job stands, seen from the directory. */
static void find_path(struct view *view, const struct job *job)
{
    cleanup_buf struct buf path = {.max = STATUS_PATH_MAX};
    size_t start = view->base.length + (view->base.length ? 1 : 0);

    buf_clear(&view->path);
    if (inode_path(job->workspace, &path) == 0 && path.length > start)
        buf_printf(&view->path, "%s/", path.data + start);
}

/* Whether @job is to be seen. */
static bool shows(struct view *view, const struct job *job)
{
    if (view->only && job->record.owner.uid != *view->only)
        return false;
    if (view->workspace != job->workspace || view->top != job->top) {
        view->workspace = job->workspace;
        view->top = job->top;
        view->is_below = job_is_below(job, view->directory);
        if (view->is_below)
            find_path(view, job);
    }
    return view->is_below;
}

/* What a queued job waits for. */
static void describe_queued(const struct job *job, int64_t now_ms, struct buf *text)
{
    struct jobs *jobs = job->jobs;

    if (job->not_before_ms > now_ms)
        buf_printf(text, "try %u in %lld s", job->attempt_count + 1,
                   (long long)seconds_left(job->not_before_ms, now_ms));
    else if (jobs->paused_until_ms > now_ms)
        buf_printf(text, "waits for credit: the account has none left; next try in %lld s",
                   (long long)seconds_left(jobs->paused_until_ms, now_ms));
    else if (!limits_left(jobs->limits, limits_now_ms()))
        buf_append_text(text, "waits for tomorrow: images_per_day is reached");
    else if (!limits_user_left(jobs->limits, job->account, limits_now_ms()))
        buf_append_text(text, "waits for tomorrow: user_images_per_day is reached");
    else if (limits_wait_ms(jobs->limits, limits_now_ms()))
        buf_append_text(text, "waits for its turn: requests_per_minute is reached");
    else
        buf_append_text(text, "waits for its turn");
}

static void describe_call(struct view *view, const struct job *job, struct buf *text)
{
    if (view->model != job->model) {
        view->model = job->model;
        view->usual_ms = history_usual_ms(view->jobs->history, job->model->name);
    }
    buf_printf(text, "try %u, %llu bytes sent, %llu received", job->attempt_count,
               (unsigned long long)*job->bytes_sent, (unsigned long long)*job->bytes_received);
    if (view->usual_ms)
        buf_printf(text, "; usually %lld s", (long long)(view->usual_ms + 500) / 1000);
}

/* What @job is about, after its state. */
static void describe_step(struct view *view, const struct job *job, struct buf *text)
{
    if (job->parked && job->trouble)
        buf_printf(text, "%s; again in %lld s", error_text(job->trouble),
                   (long long)seconds_left(job->not_before_ms, view->now_ms));
    else if (job->state == JOB_WAITING)
        describe_wait(job, text);
    else if (job->state == JOB_QUEUED)
        describe_queued(job, view->now_ms, text);
    else if (job->bytes_sent)
        describe_call(view, job, text);
    if (job->state == JOB_QUEUED && job->trouble)
        buf_printf(text, " (%s)", error_text(job->trouble));
}

static int describe_job(struct view *view, const struct job *job, struct buf *text)
{
    int64_t lasts_ms = view->now_ms > job->begun_ms ? view->now_ms - job->begun_ms : 0;

    buf_printf(text, "%-9s %4lld s  %s%s  ", record_state_name(job->state),
               (long long)lasts_ms / 1000, buf_text(&view->path), job->record.prompt_name);
    describe_step(view, job, text);
    return buf_append_text(text, "\n");
}

int jobs_status(struct jobs *jobs, struct inode *directory, const uid_t *only, struct buf *text)
{
    const struct job_list *lists[] = {&jobs->working, &jobs->queued, &jobs->waiting};
    cleanup_view struct view view;
    size_t count = 0;
    int error = 0;

    view_init(&view, jobs, directory, only);
    mutex_lock(&jobs->mutex);
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        const struct job *job;

        TAILQ_FOREACH(job, lists[i], link)
        {
            if (!error && shows(&view, job)) {
                error = describe_job(&view, job, text);
                count++;
            }
        }
    }
    if (!error && !count)
        error = buf_append_text(text, "Nothing is unfinished.\n");
    if (!error)
        error = history_describe(jobs->history, directory, only, text);
    mutex_unlock(&jobs->mutex);
    if (!error)
        make_printable(text);
    return error;
}

int jobs_use(struct jobs *jobs, const uid_t *only, struct buf *text)
{
    char day[LIMITS_DAY_SIZE];
    int error;

    mutex_lock(&jobs->mutex);
    limits_day(jobs->limits, limits_now_ms(), day);
    error = limits_describe(jobs->limits, only, limits_now_ms(), text);
    if (!error)
        error = buf_printf(text, "Tokens today: %llu\n",
                           (unsigned long long)history_tokens(jobs->history, only, day));
    if (!error && only)
        error = quota_describe(jobs, *only, text);
    else if (!error)
        error = buf_printf(text, "Pictures since the mount: %llu\n",
                           (unsigned long long)jobs->picture_count);
    mutex_unlock(&jobs->mutex);
    return error;
}

/* Those of one job. @ret_count: how many it has with its siblings; 0: there is none of it. */
static int add_results(struct jobs *jobs, int directory_fd, const char *id, const char *prefix,
                       struct buf *lines, bool *ret_failed, unsigned *ret_count)
{
    cleanup_record struct record record = {0};
    int error = spool_load(jobs->setup.store, id, &record);

    *ret_count = 0;
    if (error)
        return error == -ENOENT ? 0 : error;
    *ret_count = settings_count(&record.settings);
    for (size_t i = 0; !error && i < record.result_count; i++) {
        const char *name = record.results[i].name;

        if (name && faccessat(directory_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            error = buf_printf(lines, "%s%s\n", prefix, name);
    }
    if (!error && (record.failure.error || record.state == JOB_FAILED))
        *ret_failed = true;
    return error;
}

int jobs_results(struct jobs *jobs, int directory_fd, const char *id, const char *prefix,
                 struct buf *lines, bool *ret_failed)
{
    unsigned count;
    int error = add_results(jobs, directory_fd, id, prefix, lines, ret_failed, &count);

    for (unsigned i = 1; !error && i < count; i++) {
        char sibling_id[RECORD_ID_SIZE];
        unsigned ignored;

        record_sibling_id(id, i, sibling_id);
        error = add_results(jobs, directory_fd, sibling_id, prefix, lines, ret_failed, &ignored);
    }
    return error;
}
