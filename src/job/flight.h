/* SPDX-License-Identifier: MIT
 *
 * A flight: one call of a job under way, from the first byte of its body to the last byte of its
 * answer, and the pictures that are fetched by URL afterwards. The body is read from the spool, the
 * answer goes to the spool, as they pass: memory stays flat.
 *
 * Files in store/jobs/ID/:
 *   ref-N      a frozen reference
 *   part-N     a long string of the answer (api/lift.h)
 *   answer     its skeleton, and what is known of the parts
 *   picture-N  a picture that was inline in the skeleton, or fetched by URL
 */
#ifndef EASELFS_JOB_FLIGHT_H
#define EASELFS_JOB_FLIGHT_H

#include "api/lift.h"
#include "api/request.h"
#include "api/response.h"
#include "base/buf.h"
#include "net/transport.h"

struct job;

/** Room for any name of the list above. */
#define FLIGHT_NAME_SIZE 32

void flight_reference_name(size_t index, char name[FLIGHT_NAME_SIZE]);
void flight_part_name(unsigned part, char name[FLIGHT_NAME_SIZE]);
void flight_picture_name(size_t index, char name[FLIGHT_NAME_SIZE]);

/* Used by one thread at a time: the pool's task of its job, or the transport's thread. */
struct flight {
    struct job *job;
    int spool_fd; /* the job's directory */

    /* The call */
    struct transport_call call;
    struct transport_result result; /* once it has ended */
    char *url;
    char *header_texts[3]; /* what is this call's own among the headers; owned */
    const char *headers[6];
    struct request *request;
    int reference_fd;       /* the reference that is being sent, or -1 */
    size_t reference_index; /* which one that is */

    /* The answer */
    int http_status;       /* 0 until it is known */
    struct lift *lift;     /* of a 200 */
    struct buf error_body; /* of anything else */
    int part_fd;           /* the part that is being written, or -1 */
    int write_error;       /* why the answer could not be kept, or 0 */

    /* Understanding (job/harvest.c) */
    struct answer *answer;
    size_t fetch_index; /* the picture that is being fetched */
    struct failure fetch_failure; /* of the last one that could not be fetched */
};

/** Make the flight of @job. @return 0 or a negative errno. */
int flight_create(struct job *job, struct flight **ret_flight);

/** What writes the parts of an answer to part-N; nothing is durable yet. */
struct lift_sink flight_sink(struct flight *flight);

/** Takes NULL. */
void flight_destroy(struct flight *flight);

/**
 * Fetch the picture at @url into picture-@index; @then runs in the pool afterwards, with
 * flight->result set.
 */
void flight_fetch(struct flight *flight, const char *url, size_t index,
                  void (*then)(struct job *job));

#endif
