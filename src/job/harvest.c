/* SPDX-License-Identifier: MIT
 *
 * Harvest: from an answer on disk to complete pictures in the staging directory. Finds the pictures
 * (api/response), fetches those that came as URLs, has libmagic say what they are, drops equal
 * ones. Nothing is visible yet; nothing that was paid for is deleted. Runs in the pool.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "api/markdown.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/io.h"
#include "base/redact.h"
#include "base/text.h"
#include "job/answerfile.h"
#include "job/flight.h"
#include "job/job.h"
#include "job/result.h"
#include "job/room.h"
#include "job/staging.h"
#include "job/words.h"
#include "store/spool.h"

#define CHUNK_BYTES 65536

/* How often a picture's URL is asked where that may help, and how long to wait at first. */
#define FETCHES_MAX    3
#define FETCH_DELAY_MS 1000

static void fetch_next(struct job *job);

/* The answer cannot be used: it stays in the store, and the user is told. */
static void give_up(struct job *job, int error, const char *what)
{
    failure_init(&job->record.failure);
    job->record.failure.charge = CHARGE_CERTAIN;
    failure_set_errno(&job->record.failure, error, what);
    failure_advise(&job->record.failure, "What came is kept in the store, in done/%s.",
                   job->record.id);
    job_fail(job, JOB_FAIL, true);
}

static int feed_markdown(void *markdown, const char *data, size_t length)
{
    return markdown_feed(markdown, data, length);
}

/* Pictures that stand as Markdown in a text too long for the skeleton. */
static int scan_text(struct flight *flight, unsigned part, unsigned *next_part)
{
    const struct lift_sink sink = flight_sink(flight);
    struct markdown_result found;
    struct markdown *markdown;
    int error = markdown_create(&sink, *next_part, &markdown);

    if (error)
        return error;
    error = flight_read_part(flight, part, feed_markdown, markdown);
    if (!error)
        error = markdown_finish(markdown, &found);
    if (!error && found.count) {
        error = response_take_markdown(flight->answer, &found);
        for (size_t i = 0; i < found.count; i++)
            *next_part += found.links[i].url ? 0 : 1;
    }
    markdown_destroy(markdown);
    return error;
}

static int scan_texts(struct flight *flight, size_t part_count)
{
    unsigned next_part = (unsigned)part_count;
    int error = 0;

    for (size_t i = 0; !error && i < flight->answer->text_count; i++) {
        if (!flight->answer->texts[i].text)
            error = scan_text(flight, flight->answer->texts[i].part, &next_part);
    }
    return error;
}

static int parse_answer(struct job *job)
{
    struct flight *flight = job->flight;
    const struct fault_context context = {
        .wall_ms = clock_wall_ms(),
        .body_complete = true,
        .key = job->jobs->setup.key ? key_text(job->jobs->setup.key) : NULL,
    };
    struct answerfile file;
    int error = failpoint("harvest.parse");

    if (!error)
        error = answerfile_load(flight->spool_fd, &file);
    if (error)
        return error;
    error = response_parse(&file.result, &context, &flight->answer);
    if (!error && flight->answer->scan_texts)
        error = scan_texts(flight, file.result.part_count);
    if (error)
        response_destroy(steal_ptr(flight->answer));
    answerfile_unload(&file);
    return error;
}

/* Whether all there is to tell of the answer is that it broke off. */
static bool is_broken_off(const struct answer *answer)
{
    int error = answer->failure.error;

    return answer->incomplete && (error == -EIO || error == -ENODATA) && !answer->finish_reason &&
           !answer->block_reason;
}

/* What there is to tell the user. The record has why the answer broke off, where it did. */
static void note_failure(struct record *record, const struct answer *answer)
{
    bool is_told = answer->failure.error && !is_broken_off(answer);

    if (!record->failure.error || !answer->incomplete || is_told)
        record->failure = answer->failure;
    else if (!record->failure.advice[0])
        failure_advise(&record->failure, "%s", answer->failure.advice);
}

/* Some texts of the answer; a server might repeat the key in them. */
static int note_text(const struct job *job, char **member, const char *text)
{
    const struct key *key = job->jobs->setup.key;
    int error = record_set_text(member, text);

    redact(*member, key ? key_text(key) : NULL);
    return error;
}

static int note_answer(struct job *job)
{
    const struct answer *answer = job->flight->answer;
    struct record *record = &job->record;
    int error = note_text(job, &record->finish_reason, answer->finish_reason);

    if (!error)
        error = note_text(job, &record->model_version, answer->model_version);
    if (!error)
        error = note_text(job, &record->response_id, answer->response_id);
    record->prompt_tokens = answer->prompt_tokens;
    record->candidates_tokens = answer->candidates_tokens;
    record->thoughts_tokens = answer->thoughts_tokens;
    record->total_tokens = answer->total_tokens;
    note_failure(record, answer);
    return error;
}

/* The file in the spool that holds picture @index; made now where it was inline. */
static int picture_name(struct flight *flight, size_t index, char name[FLIGHT_NAME_SIZE])
{
    const struct picture *picture = &flight->answer->pictures[index];
    cleanup_close int fd = -1;
    int error;

    if (picture->source == PICTURE_PART) {
        flight_part_name(picture->part, name);
        return 0;
    }
    flight_picture_name(index, name);
    if (picture->source == PICTURE_URL)
        return 0;
    fd =
        openat(flight->spool_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    error = failpoint("harvest.write");
    return error ? error : io_write_all(fd, picture->bytes, picture->length);
}

/* Whether two files hold the same bytes. What cannot be read is not the same. */
static bool same_bytes(int left, int right)
{
    char a[CHUNK_BYTES / 2];
    char b[CHUNK_BYTES / 2];
    struct stat a_status;
    struct stat b_status;

    if (fstat(left, &a_status) < 0 || fstat(right, &b_status) < 0 ||
        a_status.st_size != b_status.st_size)
        return false;
    for (off_t offset = 0; offset < a_status.st_size;) {
        ssize_t got = pread(left, a, sizeof(a), offset);
        if (got <= 0 || pread(right, b, (size_t)got, offset) != got ||
            memcmp(a, b, (size_t)got) != 0)
            return false;
        offset += got;
    }
    return true;
}

static bool is_duplicate(const struct job *job, int fd)
{
    for (size_t i = 0; i < job->record.result_count; i++) {
        cleanup_close int other = openat(job->jobs->setup.store->staging_fd,
                                         job->record.results[i].staged, O_RDONLY | O_CLOEXEC);
        if (other >= 0 && same_bytes(fd, other))
            return true;
    }
    return false;
}

/* Whether picture @index is a part of the answer that was sealed when it was received. */
static bool is_sealed(const struct flight *flight, size_t index)
{
    const struct picture *picture = &flight->answer->pictures[index];

    return picture->source == PICTURE_PART && picture->part < flight->sealed_count;
}

/* What is known of a picture becomes its own: attributes, mode, and where it is not as asked. */
static int describe_result(struct job *job, int fd, const struct image_size *size, const char *mime)
{
    char note[RESULT_NOTE_SIZE];
    int error = 0;

    if (result_note_excess(size, note) || result_compare(&job->record.settings, size, note))
        error = record_add_note(&job->record, note);
    if (error)
        return error;
    result_describe(fd, &job->record, mime, job->jobs->setup.base_url);
    error = failpoint("harvest.chmod");
    return error ? error : staging_close(fd, job_recorded_owner(job));
}

/* Stage picture @index. @return 0 also where it is none, then @reason says what it is. */
static int stage_picture(struct job *job, size_t index, char reason[IMAGETYPE_NAME_SIZE])
{
    struct jobs *jobs = job->jobs;
    const struct image_type *type = NULL;
    struct image_size size;
    char name[FLIGHT_NAME_SIZE];
    char staged[STAGING_NAME_SIZE];
    cleanup_close int fd = -1;
    int error = picture_name(job->flight, index, name);

    if (error)
        return error;
    fd = openat(job->flight->spool_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno; /* it could not be fetched: that is noted already */
    error = imagetype_detect(jobs->setup.imagetype, fd, &type);
    if (error || (type && is_duplicate(job, fd)))
        return error;
    if (!type || !type->is_result)
        return imagetype_name(jobs->setup.imagetype, fd, reason);
    size = imagetype_size(fd);
    staging_result_name(job->record.id, job->record.result_count + 1, result_extension(type, &size),
                        staged);
    if (!is_sealed(job->flight, index))
        error = staging_mark(fd, job->record.id);
    if (!error)
        error = describe_result(job, fd, &size, result_mime(type, &size));
    if (!error)
        error = staging_add(jobs->setup.store, job->flight->spool_fd, name, staged);
    return error ? error : record_add_result(&job->record, staged);
}

static int stage_pictures(struct job *job, char reason[IMAGETYPE_NAME_SIZE])
{
    size_t count = job->flight->answer->picture_count;
    int error = 0;

    for (size_t i = 0; !error && i < count && job->record.result_count < RECORD_RESULTS_MAX; i++)
        error = stage_picture(job, i, reason);
    return error;
}

/* Say what lacks, where some pictures came and others did not. */
static void note_missing(struct job *job, const char *reason)
{
    const struct answer *answer = job->flight->answer;
    struct failure *failure = &job->record.failure;

    if (!failure->error && job->flight->fetch_failure.error)
        *failure = job->flight->fetch_failure;
    else if (!failure->error && answer->picture_count > RECORD_RESULTS_MAX)
        failure_set(failure, -E2BIG,
                    "There are more than %d pictures in the answer; the rest is kept in the store, "
                    "in done/%s.",
                    RECORD_RESULTS_MAX, job->record.id);
    else if (!failure->error && *reason)
        failure_set(failure, -EBADMSG, "One of the pictures that the API sent is none: %s.",
                    reason);
    else if (!failure->error &&
             (answer->incomplete || answer->broken_count || answer->unusable_count))
        failure_set(failure, -EIO,
                    "The answer was damaged on its way: some pictures may be missing.");
    if (failure->error)
        failure->charge = CHARGE_CERTAIN;
}

static int stage_words(struct job *job)
{
    cleanup_buf struct buf words = {.max = WORDS_MAX_BYTES};
    int error = words_collect(job->flight, &words);

    if (error || !words.length)
        return error;
    return staging_write(job->jobs->setup.store, job->record.id, job_recorded_owner(job),
                         STAGING_WORDS, buf_text(&words), words.length);
}

/* There is no picture, and nothing was said of that yet: say why. */
static void explain(struct job *job, const char *reason)
{
    const struct flight *flight = job->flight;

    if (flight->fetch_failure.error)
        job->record.failure = flight->fetch_failure;
    else
        response_no_picture(flight->answer, reason, &job->record.failure);
}

/* Once this is done: staged, or visible already. */
static int record_results(struct job *job)
{
    int error = io_sync_dir(job->jobs->setup.store->staging_fd);

    return error ? error : job_save(job);
}

/* Each step may be repeated: what was staged is found to be there. */
static void stage(struct job *job)
{
    char reason[IMAGETYPE_NAME_SIZE] = "";
    int error;

    room_give_back(job->flight->spool_fd); /* all that was paid for is on disk */
    error = stage_pictures(job, reason);

    if (!error)
        error = stage_words(job);
    if (!error && job->record.result_count) {
        note_missing(job, reason);
        error = record_results(job);
    }
    if (job_is_passing(error)) {
        job_park(job, stage, error, "its pictures cannot be stored");
    } else if (error) {
        give_up(job, error, "The pictures could not be stored");
    } else if (job->record.result_count) {
        job_deliver(job);
    } else {
        if (!job->record.failure.error)
            explain(job, reason);
        job_fail(job, JOB_FAIL, true);
    }
}

/* What to tell of a picture that could not be fetched: its link is all that came of the money. */
static void note_unfetched(struct job *job)
{
    struct failure *failure = &job->flight->fetch_failure;

    *failure = job->flight->result.failure;
    failure->charge = CHARGE_CERTAIN;
    if (!failure->advice[0])
        failure_advise(failure, "Its link is kept in the store, in done/%s/answer.",
                       job->record.id);
}

static void fetched(struct job *job)
{
    struct flight *flight = job->flight;
    int error = flight->result.error;

    if (error == -ECANCELED) { /* being stopped: the next start fetches again */
        job_pause(job, fetch_next, 0);
        return;
    }
    if (error && flight->result.refetch && flight->fetch_count < FETCHES_MAX) {
        job_pause(job, fetch_next, FETCH_DELAY_MS << (flight->fetch_count - 1));
        return;
    }
    if (!error)
        error = flight_keep_picture(flight);
    if (job_is_passing(error)) { /* a full disk is no reason to do without it */
        flight->fetch_count = 0;
        job_park(job, fetch_next, error, "its picture cannot be stored");
        return;
    }
    if (error && !flight->result.error)
        failure_set_errno(&flight->result.failure, error, "The picture could not be stored");
    if (error)
        note_unfetched(job);
    flight->fetch_index++;
    flight->fetch_count = 0;
    fetch_next(job);
}

/* Whether there is a picture at @index that has to be fetched. */
static bool is_to_be_fetched(const struct flight *flight, size_t index)
{
    return flight->answer->pictures[index].source == PICTURE_URL &&
           !flight_has_picture(flight, index); /* by an earlier run */
}

static void fetch_next(struct job *job)
{
    struct flight *flight = job->flight;
    const struct answer *answer = flight->answer;

    while (flight->fetch_index < answer->picture_count &&
           !is_to_be_fetched(flight, flight->fetch_index))
        flight->fetch_index++;
    if (flight->fetch_index < answer->picture_count) {
        flight->fetch_count++;
        flight_fetch(flight, answer->pictures[flight->fetch_index].url, flight->fetch_index,
                     fetched);
        return;
    }
    job_land(job);
    stage(job);
}

void job_harvest(struct job *job)
{
    int error = 0;

    if (!job->flight)
        error = flight_create(job, &job->flight);
    if (!error && job->record.result_count) { /* staged before a restart */
        job_land(job);
        job_deliver(job);
        return;
    }
    if (!error && !job->flight->answer)
        error = parse_answer(job);
    if (!error)
        error = note_answer(job);
    if (job_is_passing(error))
        job_park(job, job_harvest, error, "its answer cannot be read");
    else if (error)
        give_up(job, error, "The answer could not be read");
    else
        fetch_next(job);
}
