/* SPDX-License-Identifier: MIT
 *
 * A flight: one call of a job under way, from the first byte of its body to the last byte of its
 * answer, and the pictures that are fetched by URL afterwards. The body is read from the spool, the
 * answer goes to the spool, as they pass: memory stays flat. What is done with the outcome is
 * decided in launch.c and harvest.c.
 *
 * Files in store/jobs/ID/:
 *   ref-N           a frozen reference
 *   part-N          a long string of the answer (api/lift.h)
 *   answer          its skeleton, and what is known of the parts: there once the answer is
 *   picture-N       a picture that was inline in the skeleton, or fetched by URL
 *   picture-N.part  the same while it is being fetched
 *   room            set aside for the answer, until it is there (job/room.h)
 *
 * Descriptors, while a job is in flight: the directory, one file, and those of net/transport.h.
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
    void (*then)(struct job *job);  /* what runs in the pool once it has */
    char *url;
    char *header_texts[2]; /* what is this call's own among the headers; owned */
    const char *headers[5];
    struct request *request;
    int reference_fd;       /* the reference that is being sent, or -1 */
    size_t reference_index; /* which one that is */

    /* The answer */
    int http_status;           /* 0 until it is known */
    struct lift *lift;         /* of a 2xx */
    struct lift_result lifted; /* what it came to, once is_lifted */
    bool is_lifted;
    struct buf error_body; /* of anything else */
    int part_fd;           /* the part or picture that is being written, or -1 */
    uint64_t part_bytes;   /* of it that were written */
    uint64_t part_begun;   /* and of these, that the kernel was told to put on disk */

    /* Understanding (job/harvest.c) */
    struct answer *answer;
    size_t sealed_count;          /* of its parts: they were just sealed (job/staging.h) */
    size_t fetch_index;           /* the picture that is being fetched */
    unsigned fetch_count;         /* how often that was tried */
    struct failure fetch_failure; /* of the last one that could not be fetched */
};

/** Make the flight of @job. @return 0 or a negative errno. */
int flight_create(struct job *job, struct flight **ret_flight);

/**
 * Make the request out of the job's record and its frozen references.
 *
 * @return 0, or a negative errno, with a sentence in the job's failure where there is one to say.
 */
int flight_make_request(struct flight *flight);

/** Send it; @then runs in the pool once it has ended, with flight->result set. */
void flight_send(struct flight *flight, void (*then)(struct job *job));

/** What writes the parts of an answer to part-N; nothing is durable yet. */
struct lift_sink flight_sink(struct flight *flight);

/** Give part @part of the answer to @take, piece by piece. @return 0, or what stopped it. */
int flight_read_part(const struct flight *flight, unsigned part,
                     int (*take)(void *context, const char *data, size_t length), void *context);

/** Takes NULL. */
void flight_destroy(struct flight *flight);

/** Fetch the picture at @url into picture-@index; @then runs in the pool, as above. */
void flight_fetch(struct flight *flight, const char *url, size_t index,
                  void (*then)(struct job *job));

/** Whether picture-@index is there, whole. */
bool flight_has_picture(const struct flight *flight, size_t index);

/** Keep what was fetched last as picture-N. @return 0 or a negative errno. */
int flight_keep_picture(const struct flight *flight);

#endif
