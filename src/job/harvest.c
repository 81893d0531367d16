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
#include "base/io.h"
#include "base/text.h"
#include "job/answerfile.h"
#include "job/flight.h"
#include "job/job.h"
#include "job/staging.h"
#include "store/spool.h"

#define CHUNK_BYTES     65536
#define WORDS_MAX_BYTES (4u << 20)

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

static int feed_part(struct markdown *markdown, int spool_fd, unsigned part)
{
    char name[FLIGHT_NAME_SIZE];
    cleanup_close int fd = -1;
    char chunk[CHUNK_BYTES];
    ssize_t got;
    int error = 0;

    flight_part_name(part, name);
    fd = openat(spool_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    while (!error && (got = read(fd, chunk, sizeof(chunk))) > 0)
        error = markdown_feed(markdown, chunk, (size_t)got);
    return error;
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
    error = feed_part(markdown, flight->spool_fd, part);
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
    int error = answerfile_load(flight->spool_fd, &file);

    if (error)
        return error;
    error = response_parse(&file.result, &context, &flight->answer);
    if (!error && flight->answer->scan_texts)
        error = scan_texts(flight, file.result.part_count);
    answerfile_unload(&file);
    return error;
}

static int note_answer(struct job *job)
{
    const struct answer *answer = job->flight->answer;
    struct record *record = &job->record;
    int error = record_set_text(&record->finish_reason, answer->finish_reason);

    if (!error)
        error = record_set_text(&record->model_version, answer->model_version);
    if (!error)
        error = record_set_text(&record->response_id, answer->response_id);
    record->prompt_tokens = answer->prompt_tokens;
    record->candidates_tokens = answer->candidates_tokens;
    record->thoughts_tokens = answer->thoughts_tokens;
    record->total_tokens = answer->total_tokens;
    record->failure = answer->failure;
    return error;
}

/* The file in the spool that holds picture @index; made now where it was inline. */
static int picture_name(struct flight *flight, size_t index, char name[FLIGHT_NAME_SIZE])
{
    const struct picture *picture = &flight->answer->pictures[index];
    cleanup_close int fd = -1;

    if (picture->source == PICTURE_PART) {
        flight_part_name(picture->part, name);
        return 0;
    }
    flight_picture_name(index, name);
    if (picture->source == PICTURE_URL)
        return 0;
    fd = openat(flight->spool_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    return fd < 0 ? -errno : io_write_all(fd, picture->bytes, picture->length);
}

/* Whether two files hold the same bytes. What cannot be read is not the same. */
static bool same_bytes(int left, int right)
{
    char a[4096];
    char b[4096];
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

/* Stage picture @index. @return 0 also where it is none, then @reason says what it is. */
static int stage_picture(struct job *job, size_t index, struct buf *reason)
{
    struct jobs *jobs = job->jobs;
    const struct image_type *type = NULL;
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
    if (!type) {
        buf_clear(reason);
        return buf_append_text(reason, "bytes that are no picture");
    }
    staging_result_name(job->record.id, job->record.result_count + 1, type->extension, staged);
    error = staging_add(jobs->setup.store, job->record.id, job->flight->spool_fd, name, fd, staged);
    return error ? error : record_add_result(&job->record, staged);
}

static int append_text(struct flight *flight, const struct answer_text *text, struct buf *words)
{
    char name[FLIGHT_NAME_SIZE];
    int error;

    if (words->length)
        buf_append_text(words, "\n\n");
    if (text->text)
        return buf_append_text(words, text->text);
    flight_part_name(text->part, name);
    error = io_read_file(flight->spool_fd, name, words);
    if (!error && words->data)
        text_make_printable(words->data, '?');
    words->length = strlen(buf_text(words));
    return error;
}

/* The model's words, as one text for people. */
static int collect_words(struct flight *flight, struct buf *words)
{
    int error = 0;

    for (size_t i = 0; !error && i < flight->answer->text_count; i++)
        error = append_text(flight, &flight->answer->texts[i], words);
    if (!error && words->length && words->data[words->length - 1] != '\n')
        error = buf_append(words, "\n", 1);
    return error == -EFBIG ? 0 : error; /* what fits is kept */
}

static int stage_pictures(struct job *job, struct buf *reason)
{
    int error = 0;

    for (size_t i = 0; !error && i < job->flight->answer->picture_count; i++)
        error = stage_picture(job, i, reason);
    return error;
}

/* Say what lacks, where some pictures came and others did not. */
static void note_missing(struct job *job)
{
    const struct answer *answer = job->flight->answer;

    if (job->record.failure.error)
        return;
    if (job->flight->fetch_failure.error)
        job->record.failure = job->flight->fetch_failure;
    else if (answer->incomplete || answer->broken_count || answer->unusable_count)
        failure_set(&job->record.failure, -EIO,
                    "The answer was damaged on its way: some pictures may be missing.");
    if (job->record.failure.error)
        job->record.failure.charge = CHARGE_CERTAIN;
}

static void stage(struct job *job)
{
    struct flight *flight = job->flight;
    cleanup_buf struct buf reason = {.max = FAILURE_TEXT_SIZE};
    cleanup_buf struct buf words = {.max = WORDS_MAX_BYTES};
    int error = stage_pictures(job, &reason);

    if (!error)
        error = collect_words(flight, &words);
    if (!error && words.length)
        error = staging_write(job->jobs->setup.store, job->record.id, STAGING_WORDS,
                              buf_text(&words), words.length);
    if (!error && !job->record.result_count && !job->record.failure.error) {
        if (flight->fetch_failure.error)
            job->record.failure = flight->fetch_failure;
        else
            response_no_picture(flight->answer, buf_text(&reason), &job->record.failure);
    }
    note_missing(job);
    if (!error && job->record.result_count) /* from here on: staged, or visible already */
        error = spool_save(job->jobs->setup.store, &job->record);
    if (error)
        give_up(job, error, "The pictures could not be stored");
    else if (job->record.result_count)
        job_deliver(job);
    else
        job_fail(job, JOB_FAIL, true);
}

static void fetched(struct job *job)
{
    struct flight *flight = job->flight;

    if (flight->result.error == -ECANCELED) { /* being stopped: the next start fetches again */
        flight_destroy(steal_ptr(job->flight));
        return;
    }
    if (flight->result.error) {
        char name[FLIGHT_NAME_SIZE];

        flight->fetch_failure = flight->result.failure;
        flight_picture_name(flight->fetch_index, name);
        unlinkat(flight->spool_fd, name, 0); /* half a picture is none */
    }
    flight->fetch_index++;
    fetch_next(job);
}

static void fetch_next(struct job *job)
{
    struct flight *flight = job->flight;
    const struct answer *answer = flight->answer;

    while (flight->fetch_index < answer->picture_count &&
           answer->pictures[flight->fetch_index].source != PICTURE_URL)
        flight->fetch_index++;
    if (flight->fetch_index < answer->picture_count)
        flight_fetch(flight, answer->pictures[flight->fetch_index].url, flight->fetch_index,
                     fetched);
    else
        stage(job);
}

void job_harvest(struct job *job)
{
    int error = 0;

    if (!job->flight)
        error = flight_create(job, &job->flight);
    if (!error && job->record.result_count) { /* staged before a restart */
        job_deliver(job);
        return;
    }
    if (!error)
        error = parse_answer(job);
    if (!error)
        error = note_answer(job);
    if (error)
        give_up(job, error, "The answer could not be read");
    else
        fetch_next(job);
}
