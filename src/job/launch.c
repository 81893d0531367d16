/* SPDX-License-Identifier: MIT */
#include "job/launch.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "api/fault.h"
#include "base/clock.h"
#include "base/io.h"
#include "job/answerfile.h"
#include "job/flight.h"
#include "job/job.h"
#include "job/room.h"
#include "job/scheduler.h"

int launch_check_length(struct job *job, uint64_t bytes)
{
    uint64_t max = job->jobs->setup.options->max_request_bytes;

    if (bytes <= max)
        return 0;
    failure_advise(&job->record.failure, "Use fewer or smaller references, or set max_request.");
    return failure_set(&job->record.failure, -EFBIG,
                       "The request has %llu KB, more than the %llu KB that one may have.",
                       (unsigned long long)(bytes >> 10), (unsigned long long)(max >> 10));
}

/* The picture that was reserved for this try was certainly not made. */
static void give_back(struct job *job)
{
    struct jobs *jobs = job->jobs;
    int error;

    mutex_lock(&jobs->mutex);
    limits_give_back(jobs->limits, job->account, job->day);
    if (job->account->is_shut)
        scheduler_let_in(jobs, job->account);
    mutex_unlock(&jobs->mutex);
    error = job->is_counted
                ? limits_note(jobs->limits, job->day, '-', job->record.id, job->record.owner.uid)
                : 0;
    if (error)
        log_warning("job %s: counted although it was not done: %s", job->record.id,
                    error_text(error));
}

/* On disk before the first byte leaves: that a picture is asked for, and by which job. */
static int put_on_record(struct job *job)
{
    struct jobs *jobs = job->jobs;
    int error = limits_note(jobs->limits, job->day, '+', job->record.id, job->record.owner.uid);

    job->is_counted = !error;
    if (error)
        return error;
    job->record.attempt_count++;
    job->record.sent_ms = clock_wall_ms();
    error = job_save(job);
    if (error) {
        job->record.attempt_count--;
        return error;
    }
    mutex_lock(&jobs->mutex);
    job->attempt_count = job->record.attempt_count;
    mutex_unlock(&jobs->mutex);
    return 0;
}

static int prepare(struct job *job)
{
    enum charge charge = job->record.failure.charge; /* of earlier tries */
    int error;

    job->is_counted = false;
    failure_init(&job->record.failure);
    job->record.failure.charge = charge;
    error = flight_create(job, &job->flight);
    if (!error)
        error = room_set_aside(job->flight->spool_fd, job->jobs->setup.options->answer_room_bytes);
    if (!error)
        error = flight_make_request(job->flight);
    if (!error)
        error = launch_check_length(job, request_length(job->flight->request));
    return error ? error : put_on_record(job);
}

/*
 * Back into the queue, to be sent in @delay_ms, unless its prompt was removed meanwhile. @error:
 * this machine's trouble, or 0.
 */
static void requeue(struct job *job, int64_t delay_ms, int error)
{
    struct jobs *jobs = job->jobs;
    bool abandoned;
    int save_error;

    flight_destroy(steal_ptr(job->flight));
    job->record.state = JOB_QUEUED;
    save_error = job_save(job);
    if (save_error) /* on record it may have been sent: that is on the safe side */
        log_warning("job %s: its record cannot be saved: %s", job->record.id,
                    error_text(save_error));
    job_land(job);
    mutex_lock(&jobs->mutex);
    job_apply(job, JOB_NOT_SERVED);
    if (error)
        delay_ms = job_trouble(job, error);
    job->not_before_ms = clock_now_ms() + delay_ms;
    abandoned = job->abandoned;
    if (!abandoned)
        job_let_go(job);
    mutex_unlock(&jobs->mutex);
    if (abandoned)
        job_finish(job, JOB_CANCEL);
}

/* Nothing was sent: @error came first. */
static void fail_to_prepare(struct job *job, int error)
{
    give_back(job);
    if (job_is_passing(error)) {
        log_warning("job %s: cannot be sent now: %s", job->record.id, error_text(error));
        requeue(job, 0, error);
        return;
    }
    if (!job->record.failure.error)
        failure_set_errno(&job->record.failure, error, "The request could not be prepared");
    job_fail(job, job->record.failure.charge == CHARGE_NONE ? JOB_FAIL : JOB_AMBIGUOUS, false);
}

static int64_t retry_delay_ms(const struct job *job)
{
    uint32_t random = 0;

    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
        random = (uint32_t)clock_now_ms();
    return fault_retry_delay(job->record.attempt_count, random, job->record.failure.retry_after_ms);
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
    if (result->error == -ECANCELED)
        failure_set(&job->record.failure, -ECANCELED,
                    "easelfs was stopped while the request was on its way.");
}

/* The last word on it. */
static void end(struct job *job)
{
    struct failure *failure = &job->record.failure;
    char text[FAILURE_TEXT_SIZE];

    if (failure->retry) {
        memcpy(text, failure->text, sizeof(text));
        failure_set(failure, failure->error, "%s Given up after %u tries.", text,
                    job->record.attempt_count);
    }
    if (failure->charge == CHARGE_POSSIBLE && job->record.attempt_count > 1 &&
        job->jobs->setup.options->retry_server_errors)
        failure_advise(failure, "Each try may have been. Save the prompt again to try once more.");
    else if (failure->charge == CHARGE_POSSIBLE && !failure->advice[0])
        failure_advise(failure, LAUNCH_NOT_SENT_AGAIN);
    job_fail(job, failure->charge == CHARGE_POSSIBLE ? JOB_AMBIGUOUS : JOB_FAIL, false);
}

/* The call has ended without an answer that could hold a picture. */
static void conclude(struct job *job)
{
    struct jobs *jobs = job->jobs;
    struct failure *failure = &job->record.failure;
    enum charge before = failure->charge;
    bool stopped = job->flight->result.error == -ECANCELED;
    bool retry;
    int64_t delay_ms = 0;

    describe(job);
    retry = failure->retry && job->record.attempt_count < LAUNCH_ATTEMPTS_MAX;
    if (failure->pause)
        scheduler_pause(jobs);
    else if (failure->http_status)
        scheduler_resume(jobs);
    if (failure->charge == CHARGE_NONE)
        give_back(job);
    if (failure->charge == CHARGE_NONE && stopped) { /* that was no try */
        retry = true;
        job->record.attempt_count--;
    } else if (retry) {
        delay_ms = retry_delay_ms(job);
        log_info("job %s: try %u: %s Next try in %lld ms.", job->record.id,
                 job->record.attempt_count, failure->text, (long long)delay_ms);
    }
    if (failure->charge < before)
        failure->charge = before;
    if (retry)
        requeue(job, delay_ms, 0);
    else
        end(job);
}

/* The answer came, and cannot be stored: what there is of it is kept. */
static void fail_to_store(struct job *job, int error)
{
    struct failure *failure = &job->record.failure;

    failure_init(failure);
    failure->charge = CHARGE_CERTAIN;
    failure_set_errno(failure, error, "The answer could not be stored");
    failure_advise(failure, "What came of it is kept in the store, in done/%s.", job->record.id);
    job_fail(job, JOB_FAIL, true);
}

/* The answer, as far as it came, is made durable; only then is it looked at. */
static void receive(struct job *job)
{
    struct jobs *jobs = job->jobs;
    struct flight *flight = job->flight;
    int error = 0;

    if (!flight->is_lifted)
        error = lift_finish(flight->lift, &flight->lifted);
    if (error) {
        fail_to_store(job, error);
        return;
    }
    flight->is_lifted = true;
    error = answerfile_save(flight->spool_fd, job->record.id, &flight->lifted);
    if (job_is_passing(error)) {
        job_park(job, receive, error, "its answer cannot be stored");
        return;
    }
    if (error) {
        fail_to_store(job, error);
        return;
    }
    lift_destroy(steal_ptr(flight->lift));
    flight->sealed_count = flight->lifted.part_count;
    failure_init(&job->record.failure);
    if (flight->result.error) /* it broke off, and this is why */
        job->record.failure = flight->result.failure;
    mutex_lock(&jobs->mutex);
    job->took_ms = clock_now_ms() - job->sent_ms;
    job_apply(job, JOB_ARRIVE);
    mutex_unlock(&jobs->mutex);
    job_harvest(job);
}

/* The call has ended. In the pool. */
static void arrive(struct job *job)
{
    struct jobs *jobs = job->jobs;
    struct flight *flight = job->flight;

    cleanup_close_impl(&flight->reference_fd);
    flight->reference_fd = -1;
    mutex_lock(&jobs->mutex);
    job->bytes_sent = job->bytes_received = NULL;
    mutex_unlock(&jobs->mutex);
    if (flight->lift) { /* a 2xx has begun: whatever came after that, it was charged */
        scheduler_resume(jobs);
        receive(job);
    } else {
        conclude(job);
    }
}

void job_launch(struct job *job)
{
    int error = prepare(job);

    if (error)
        fail_to_prepare(job, error);
    else
        flight_send(job->flight, arrive);
}
