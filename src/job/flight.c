/* SPDX-License-Identifier: MIT */
#include "job/flight.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "api/fault.h"
#include "base/clock.h"
#include "base/io.h"
#include "conf/prompt.h"
#include "job/answerfile.h"
#include "job/job.h"
#include "store/spool.h"

#define ATTEMPTS_MAX 5
/* The server is to give up before we do, so that its answer is definite (API.md, section 4). */
#define SERVER_TIMEOUT_MARGIN_S 15
/* How long nothing is sent after the API said that the credit is used up. */
#define PAUSE_MS (60 * 1000)

void flight_reference_name(size_t index, char name[FLIGHT_NAME_SIZE])
{
    snprintf(name, FLIGHT_NAME_SIZE, "ref-%zu", index);
}

void flight_part_name(unsigned part, char name[FLIGHT_NAME_SIZE])
{
    snprintf(name, FLIGHT_NAME_SIZE, "part-%u", part);
}

void flight_picture_name(size_t index, char name[FLIGHT_NAME_SIZE])
{
    snprintf(name, FLIGHT_NAME_SIZE, "picture-%zu", index);
}

int flight_create(struct job *job, struct flight **ret_flight)
{
    struct flight *flight = calloc(1, sizeof(*flight));

    if (!flight)
        return -ENOMEM;
    flight->job = job;
    flight->reference_fd = -1;
    flight->part_fd = -1;
    buf_init(&flight->error_body, FAULT_BODY_MAX);
    flight->spool_fd = spool_open(job->jobs->setup.store, job->record.id);
    if (flight->spool_fd < 0) {
        int error = flight->spool_fd;
        flight_destroy(flight);
        return error;
    }
    *ret_flight = flight;
    return 0;
}

void flight_destroy(struct flight *flight)
{
    if (!flight)
        return;
    cleanup_close_impl(&flight->spool_fd);
    cleanup_close_impl(&flight->reference_fd);
    cleanup_close_impl(&flight->part_fd);
    free(flight->url);
    for (size_t i = 0; i < sizeof(flight->header_texts) / sizeof(flight->header_texts[0]); i++)
        free(flight->header_texts[i]);
    request_destroy(flight->request);
    lift_destroy(flight->lift);
    buf_fini(&flight->error_body);
    response_destroy(flight->answer);
    free(flight);
}

/* The bytes of reference @index, for the request: one descriptor at a time. */
static int64_t read_reference(void *context, size_t index, uint64_t offset, void *buffer,
                              size_t size)
{
    struct flight *flight = context;
    char name[FLIGHT_NAME_SIZE];
    ssize_t got;

    if (flight->reference_fd < 0 || flight->reference_index != index) {
        cleanup_close_impl(&flight->reference_fd);
        flight_reference_name(index, name);
        flight->reference_fd = openat(flight->spool_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        flight->reference_index = index;
        if (flight->reference_fd < 0)
            return -errno;
    }
    got = pread(flight->reference_fd, buffer, size, (off_t)offset);
    return got < 0 ? -errno : got;
}

static int make_request(struct flight *flight)
{
    const struct record *record = &flight->job->record;
    const struct request_source source = {flight, read_reference};
    struct request_reference references[RECORD_REFERENCES_MAX];
    cleanup_prompt struct prompt prompt = {0};
    cleanup_free char *text = NULL;
    int error = prompt_parse(record->prompt, strlen(record->prompt), flight->job->model->profile,
                             &prompt, &flight->job->record.failure);

    if (error)
        return error;
    text = strndup(prompt.text, prompt.length);
    if (!text)
        return -ENOMEM;
    for (size_t i = 0; i < record->reference_count; i++)
        references[i] =
            (struct request_reference){record->references[i].mime, record->references[i].bytes};
    return request_create(text, &record->settings, references, record->reference_count, &source,
                          &flight->request);
}

static int make_headers(struct flight *flight)
{
    const struct jobs *jobs = flight->job->jobs;
    uint64_t timeout_s = jobs->setup.options->timeout_s;
    uint64_t server_s =
        timeout_s > 2 * SERVER_TIMEOUT_MARGIN_S ? timeout_s - SERVER_TIMEOUT_MARGIN_S : timeout_s;

    if (asprintf(&flight->header_texts[0], "Idempotency-Key: %s", flight->job->record.id) < 0 ||
        asprintf(&flight->header_texts[1], "X-Server-Timeout: %llu",
                 (unsigned long long)server_s) < 0)
        return -ENOMEM;
    flight->headers[0] = jobs->auth_header;
    flight->headers[1] = "Accept: application/json";
    flight->headers[2] = "Content-Type: application/json";
    flight->headers[3] = flight->header_texts[0];
    flight->headers[4] = flight->header_texts[1];
    flight->call.headers = flight->headers;
    flight->call.header_count = 5;
    return request_url(jobs->setup.base_url, flight->job->record.model, &flight->url);
}

static ssize_t read_body(void *context, char *buffer, size_t size)
{
    struct flight *flight = context;

    return (ssize_t)request_read(flight->request, buffer, size);
}

static int open_part(void *context, unsigned part, enum lift_encoding encoding)
{
    struct flight *flight = context;
    char name[FLIGHT_NAME_SIZE];

    (void)encoding;
    flight_part_name(part, name);
    flight->part_fd = openat(flight->spool_fd, name,
                             O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    return flight->part_fd < 0 ? -errno : 0;
}

static int write_part(void *context, unsigned part, const void *data, size_t length)
{
    const struct flight *flight = context;

    (void)part;
    return io_write_all(flight->part_fd, data, length);
}

static int close_part(void *context, unsigned part, const struct lift_part *info)
{
    struct flight *flight = context;
    int fd = steal_fd(&flight->part_fd);

    (void)part;
    (void)info;
    return close(fd) < 0 ? -errno : 0;
}

struct lift_sink flight_sink(struct flight *flight)
{
    return (struct lift_sink){flight, open_part, write_part, close_part};
}

static int begin_answer(void *context, int http_status, int64_t length)
{
    struct flight *flight = context;
    const struct lift_sink sink = flight_sink(flight);

    (void)length;
    flight->http_status = http_status;
    return http_status == 200 ? lift_create(&sink, NULL, &flight->lift) : 0;
}

static int write_answer(void *context, const char *data, size_t length)
{
    struct flight *flight = context;

    if (!flight->lift) {
        size_t room = flight->error_body.max - flight->error_body.length;
        return buf_append(&flight->error_body, data, length < room ? length : room);
    }
    flight->write_error = lift_feed(flight->lift, data, length);
    return flight->write_error;
}

static void arrive(struct job *job);

static void end_call(void *context, const struct transport_result *result)
{
    struct flight *flight = context;

    flight->result = *result;
    job_continue(flight->job, arrive);
}

static const struct transport_handler api_handler = {read_body, begin_answer, write_answer,
                                                     end_call};

static int prepare(struct job *job)
{
    int error = flight_create(job, &job->flight);

    if (!error)
        error = make_headers(job->flight);
    if (!error)
        error = make_request(job->flight);
    if (!error) { /* on disk before the first byte leaves */
        job->record.attempt_count++;
        job->record.sent_ms = clock_wall_ms();
        error = spool_save(job->jobs->setup.store, &job->record);
    }
    return error;
}

/* No longer in flight: the next one may start. */
static void land(struct job *job)
{
    struct jobs *jobs = job->jobs;

    mutex_lock(&jobs->mutex);
    jobs->in_flight_count--;
    jobs->kicked = true;
    job->bytes_sent = job->bytes_received = NULL;
    cond_broadcast(&jobs->changed);
    mutex_unlock(&jobs->mutex);
}

/* Hand the call to the transport; while everything is being shut down it ends at once. */
static void submit(struct flight *flight)
{
    struct jobs *jobs = flight->job->jobs;
    struct transport_result result = {.error = -ECANCELED};
    bool closing;

    mutex_lock(&jobs->mutex);
    closing = jobs->closing;
    mutex_unlock(&jobs->mutex);
    if (!closing) {
        transport_submit(jobs->setup.transport, &flight->call);
        return;
    }
    failure_init(&result.failure);
    failure_set(&result.failure, -ECANCELED, "easelfs is being stopped.");
    flight->call.handler->done(flight, &result);
}

void job_launch(struct job *job)
{
    struct jobs *jobs = job->jobs;
    struct transport_call *call;
    int error = prepare(job);

    if (error) {
        if (!job->record.failure.error)
            failure_set_errno(&job->record.failure, error, "The request could not be prepared");
        land(job);
        job_fail(job, JOB_FAIL, false);
        return;
    }
    call = &job->flight->call;
    call->kind = TRANSPORT_API;
    call->url = job->flight->url;
    call->has_body = true;
    call->body_length = request_length(job->flight->request);
    call->handler = &api_handler;
    call->context = job->flight;
    mutex_lock(&jobs->mutex);
    job->bytes_sent = &call->bytes_sent;
    job->bytes_received = &call->bytes_received;
    mutex_unlock(&jobs->mutex);
    submit(job->flight);
}

/* Back into the queue, to be tried again after a while. */
static void try_again(struct job *job)
{
    struct jobs *jobs = job->jobs;
    uint32_t random = 0;
    int64_t delay_ms;

    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
        random = (uint32_t)clock_now_ms();
    delay_ms = fault_retry_delay(job->record.attempt_count, random,
                                 job->record.failure.retry_after_ms);
    log_info("job %s: try %u: %s Next try in %lld ms.", job->record.id, job->record.attempt_count,
             job->record.failure.text, (long long)delay_ms);
    flight_destroy(steal_ptr(job->flight));
    job->record.state = JOB_QUEUED;
    if (spool_save(jobs->setup.store, &job->record)) {
        job->record.state = JOB_SENDING;
        job_fail(job, JOB_FAIL, false);
        return;
    }
    mutex_lock(&jobs->mutex);
    job->not_before_ms = clock_now_ms() + delay_ms;
    job->held = false;
    job_apply(job, JOB_NOT_SERVED);
    jobs->kicked = true;
    cond_broadcast(&jobs->changed);
    mutex_unlock(&jobs->mutex);
}

static void pause_queue(struct jobs *jobs)
{
    mutex_lock(&jobs->mutex);
    jobs->paused_until_ms = clock_now_ms() + PAUSE_MS;
    mutex_unlock(&jobs->mutex);
}

/* What to tell of an answer that is none, or of none at all. */
static void describe(struct job *job)
{
    const struct flight *flight = job->flight;
    const struct transport_result *result = &flight->result;
    const struct options *options = job->jobs->setup.options;
    const struct fault_answer answer = {
        .http_status = flight->http_status,
        .retry_after = result->retry_after,
        .request_id = result->request_id,
        .location = result->location,
        .body = flight->error_body.data,
        .body_length = flight->error_body.length,
    };
    const struct fault_context context = {
        .wall_ms = clock_wall_ms(),
        .body_complete = request_is_complete(flight->request),
        .retry_server_errors = job->record.attempt_count <= options->retry_server_errors,
        .key = job->jobs->setup.key ? key_text(job->jobs->setup.key) : NULL,
    };

    if (result->error)
        job->record.failure = result->failure;
    else if (fault_from_answer(&answer, &context, &job->record.failure))
        failure_set_errno(&job->record.failure, -ENOMEM, "The answer could not be read");
}

static void give_up(struct job *job)
{
    const struct failure *failure = &job->record.failure;
    bool may_retry = failure->charge == CHARGE_NONE && job->flight->result.error == -ECANCELED;

    if (failure->retry && job->record.attempt_count < ATTEMPTS_MAX)
        may_retry = true;
    if (job->record.failure.pause)
        pause_queue(job->jobs);
    if (may_retry)
        try_again(job);
    else if (job->record.failure.charge == CHARGE_NONE)
        job_fail(job, JOB_FAIL, false);
    else
        job_fail(job, JOB_AMBIGUOUS, false);
}

/* The answer, as far as it came, is made durable; only then is it looked at. */
static void receive(struct job *job)
{
    struct jobs *jobs = job->jobs;
    struct flight *flight = job->flight;
    struct lift_result result;
    int error = lift_finish(flight->lift, &result);

    if (!error)
        error = answerfile_save(flight->spool_fd, &result);
    if (!error) {
        job->record.state = JOB_RECEIVED;
        error = spool_save(jobs->setup.store, &job->record);
    }
    if (error) {
        failure_init(&job->record.failure);
        job->record.failure.charge = CHARGE_CERTAIN;
        failure_set_errno(&job->record.failure, error, "The answer could not be stored");
        failure_advise(&job->record.failure, "What came of it is kept in the store.");
        job_fail(job, JOB_FAIL, true);
        return;
    }
    mutex_lock(&jobs->mutex);
    job_apply(job, JOB_ARRIVE);
    mutex_unlock(&jobs->mutex);
    job_harvest(job);
}

/* The call has ended. In the pool. */
static void arrive(struct job *job)
{
    struct flight *flight = job->flight;

    cleanup_close_impl(&flight->reference_fd);
    flight->reference_fd = -1;
    land(job);
    if (flight->lift && (!flight->result.error || flight->result.failure.charge == CHARGE_CERTAIN ||
                         flight->write_error)) {
        receive(job);
        return;
    }
    describe(job);
    give_up(job);
}

static int begin_picture(void *context, int http_status, int64_t length)
{
    struct flight *flight = context;
    char name[FLIGHT_NAME_SIZE];

    (void)http_status;
    (void)length;
    cleanup_close_impl(&flight->part_fd);
    flight_picture_name(flight->fetch_index, name);
    flight->part_fd = openat(flight->spool_fd, name,
                             O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    return flight->part_fd < 0 ? -errno : 0;
}

static int write_picture(void *context, const char *data, size_t length)
{
    const struct flight *flight = context;

    return io_write_all(flight->part_fd, data, length);
}

static void end_picture(void *context, const struct transport_result *result)
{
    struct flight *flight = context;

    cleanup_close_impl(&flight->part_fd);
    flight->part_fd = -1;
    flight->result = *result;
    pool_submit(flight->job->jobs->setup.pool, &flight->job->task);
}

static const struct transport_handler picture_handler = {NULL, begin_picture, write_picture,
                                                         end_picture};

void flight_fetch(struct flight *flight, const char *url, size_t index,
                  void (*then)(struct job *job))
{
    flight->fetch_index = index;
    flight->job->step = then;
    memset(&flight->call, 0, sizeof(flight->call));
    flight->call.kind = TRANSPORT_PICTURE;
    flight->call.url = url;
    flight->call.handler = &picture_handler;
    flight->call.context = flight;
    submit(flight);
}
