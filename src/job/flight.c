/* SPDX-License-Identifier: MIT */
#include "job/flight.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/fault.h"
#include "base/failpoint.h"
#include "base/io.h"
#include "conf/prompt.h"
#include "job/job.h"
#include "job/room.h"
#include "store/spool.h"

/* The server is to give up before we do, so that its answer is definite (API.md, section 4). */
#define SERVER_TIMEOUT_MARGIN_S 15

#define PART_SUFFIX ".part"

#define CHUNK_BYTES 65536

/* So much of a part is written before the kernel is told to put it on disk. */
#define WRITEBACK_BYTES (1u << 20)

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
    if (flight->spool_fd >= 0)
        room_give_back(flight->spool_fd);
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

static int make_body(struct flight *flight)
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

static char *make_text(const char *format, ...) printf_like_(1, 2);

/* @return what the caller frees, or NULL. */
static char *make_text(const char *format, ...)
{
    va_list arguments;
    char *text;
    int length;

    va_start(arguments, format);
    length = vasprintf(&text, format, arguments);
    va_end(arguments);
    return length < 0 ? NULL : text;
}

static int make_headers(struct flight *flight)
{
    const struct jobs *jobs = flight->job->jobs;
    uint64_t timeout_s = jobs->setup.options->timeout_s;
    uint64_t server_s =
        timeout_s > 2 * SERVER_TIMEOUT_MARGIN_S ? timeout_s - SERVER_TIMEOUT_MARGIN_S : timeout_s;

    flight->header_texts[0] = make_text("Idempotency-Key: %s", flight->job->record.id);
    flight->header_texts[1] = make_text("X-Server-Timeout: %" PRIu64, server_s);
    if (!flight->header_texts[0] || !flight->header_texts[1])
        return -ENOMEM;
    flight->headers[0] = jobs->auth_header;
    flight->headers[1] = "Accept: application/json";
    flight->headers[2] = "Content-Type: application/json";
    flight->headers[3] = flight->header_texts[0];
    flight->headers[4] = flight->header_texts[1];
    return request_url(jobs->setup.base_url, flight->job->record.model, &flight->url);
}

int flight_make_request(struct flight *flight)
{
    int error = make_headers(flight);

    return error ? error : make_body(flight);
}

static ssize_t read_body(void *context, char *buffer, size_t size)
{
    struct flight *flight = context;
    ssize_t error = failpoint("send.body");

    return error ? error : (ssize_t)request_read(flight->request, buffer, size);
}

static int create_written(struct flight *flight, const char *name)
{
    flight->part_fd =
        openat(flight->spool_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    return flight->part_fd < 0 ? -errno : 0;
}

/* Open the file @name in the spool as the one that is being written. */
static int open_written(struct flight *flight, const char *name)
{
    int error;

    cleanup_close_impl(&flight->part_fd);
    flight->part_bytes = flight->part_begun = 0;
    error = create_written(flight, name);
    if ((error == -ENOSPC || error == -EDQUOT) && room_give_back(flight->spool_fd))
        error = create_written(flight, name);
    return error;
}

/* At @offset of the file; where the disk is full, with the room that was set aside for it. */
static int write_at(struct flight *flight, const void *data, size_t length, uint64_t offset)
{
    int error = failpoint("recv.write");

    if (!error)
        error = io_write_all(flight->part_fd, data, length);
    if ((error != -ENOSPC && error != -EDQUOT) || !room_give_back(flight->spool_fd))
        return error;
    log_warning("job %s: the disk is full: its answer takes what was set aside for it",
                flight->job->record.id);
    if (lseek(flight->part_fd, (off_t)offset, SEEK_SET) < 0)
        return -errno;
    return io_write_all(flight->part_fd, data, length);
}

/* What comes is put on disk while more arrives: the fsync at the end then finds little to do. */
static int write_on(struct flight *flight, const void *data, size_t length)
{
    uint64_t waiting;
    int error = write_at(flight, data, length, flight->part_bytes);

    if (error)
        return error;
    flight->part_bytes += length;
    waiting = flight->part_bytes - flight->part_begun;
    if (waiting >= WRITEBACK_BYTES) { /* a hint: errors come up in the fsync */
        sync_file_range(flight->part_fd, (off_t)flight->part_begun, (off_t)waiting,
                        SYNC_FILE_RANGE_WRITE);
        flight->part_begun = flight->part_bytes;
    }
    return 0;
}

static int open_part(void *context, unsigned part, enum lift_encoding encoding)
{
    char name[FLIGHT_NAME_SIZE];

    (void)encoding;
    flight_part_name(part, name);
    return open_written(context, name);
}

static int write_part(void *context, unsigned part, const void *data, size_t length)
{
    (void)part;
    return write_on(context, data, length);
}

static int close_part(void *context, unsigned part, const struct lift_part *info)
{
    struct flight *flight = context;
    int fd = steal_fd(&flight->part_fd);

    (void)part;
    (void)info;
    return close(fd) < 0 ? -errno : 0;
}

int flight_read_part(const struct flight *flight, unsigned part,
                     int (*take)(void *context, const char *data, size_t length), void *context)
{
    char name[FLIGHT_NAME_SIZE];
    cleanup_close int fd = -1;
    char chunk[CHUNK_BYTES];
    ssize_t got;
    int error = 0;

    flight_part_name(part, name);
    fd = openat(flight->spool_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    while (!error && (got = read(fd, chunk, sizeof(chunk))) != 0)
        error = got < 0 ? -errno : take(context, chunk, (size_t)got);
    return error;
}

struct lift_sink flight_sink(struct flight *flight)
{
    return (struct lift_sink){flight, open_part, write_part, close_part};
}

static int begin_answer(void *context, int http_status, int64_t length)
{
    struct flight *flight = context;
    const struct lift_sink sink = flight_sink(flight);
    int error = failpoint("recv.headers");

    (void)length;
    if (error)
        return error;
    flight->http_status = http_status;
    if (http_status / 100 != 2) /* 200 is what the API gives; any other may hold a picture, too */
        return 0;
    return lift_create(&sink, NULL, &flight->lift);
}

static int write_answer(void *context, const char *data, size_t length)
{
    struct flight *flight = context;
    int error;

    if (!flight->lift) {
        size_t room = flight->error_body.max - flight->error_body.length;
        return buf_append(&flight->error_body, data, length < room ? length : room);
    }
    error = failpoint("recv.body");
    return error ? error : lift_feed(flight->lift, data, length);
}

static void end_call(void *context, const struct transport_result *result)
{
    struct flight *flight = context;

    flight->result = *result;
    job_continue(flight->job, flight->then);
}

static const struct transport_handler api_handler = {read_body, begin_answer, write_answer,
                                                     end_call};

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

void flight_send(struct flight *flight, void (*then)(struct job *job))
{
    struct jobs *jobs = flight->job->jobs;
    struct transport_call *call = &flight->call;

    flight->then = then;
    call->kind = TRANSPORT_API;
    call->url = flight->url;
    call->headers = flight->headers;
    call->header_count = sizeof(flight->headers) / sizeof(flight->headers[0]);
    call->has_body = true;
    call->body_length = request_length(flight->request);
    call->handler = &api_handler;
    call->context = flight;
    mutex_lock(&jobs->mutex);
    flight->job->bytes_sent = &call->bytes_sent;
    flight->job->bytes_received = &call->bytes_received;
    mutex_unlock(&jobs->mutex);
    submit(flight);
}

/* The name of picture @index while it is being fetched. */
static void partial_name(size_t index, char name[FLIGHT_NAME_SIZE])
{
    flight_picture_name(index, name);
    strncat(name, PART_SUFFIX, FLIGHT_NAME_SIZE - strlen(name) - 1);
}

static int begin_picture(void *context, int http_status, int64_t length)
{
    struct flight *flight = context;
    char name[FLIGHT_NAME_SIZE];

    (void)http_status;
    (void)length;
    partial_name(flight->fetch_index, name);
    return open_written(flight, name);
}

static int write_picture(void *context, const char *data, size_t length)
{
    return write_on(context, data, length);
}

static void end_picture(void *context, const struct transport_result *result)
{
    struct flight *flight = context;

    cleanup_close_impl(&flight->part_fd);
    flight->part_fd = -1;
    end_call(context, result);
}

static const struct transport_handler picture_handler = {NULL, begin_picture, write_picture,
                                                         end_picture};

void flight_fetch(struct flight *flight, const char *url, size_t index,
                  void (*then)(struct job *job))
{
    flight->then = then;
    flight->fetch_index = index;
    memset(&flight->call, 0, sizeof(flight->call));
    flight->call.kind = TRANSPORT_PICTURE;
    flight->call.url = url;
    flight->call.handler = &picture_handler;
    flight->call.context = flight;
    submit(flight);
}

bool flight_has_picture(const struct flight *flight, size_t index)
{
    char name[FLIGHT_NAME_SIZE];

    flight_picture_name(index, name);
    return faccessat(flight->spool_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int sync_file(int spool_fd, const char *name)
{
    cleanup_close int fd = openat(spool_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int flight_keep_picture(const struct flight *flight)
{
    char name[FLIGHT_NAME_SIZE];
    char partial[FLIGHT_NAME_SIZE];
    int error;

    flight_picture_name(flight->fetch_index, name);
    partial_name(flight->fetch_index, partial);
    error = failpoint("fetch.fsync");
    if (!error)
        error = sync_file(flight->spool_fd, partial);
    if (!error)
        error = failpoint("fetch.rename");
    if (!error && renameat(flight->spool_fd, partial, flight->spool_fd, name) < 0)
        error = -errno;
    return error;
}
