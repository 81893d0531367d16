/* SPDX-License-Identifier: MIT
 *
 * A job's record: everything that is known of one prompt, from its commit to its pictures, as a
 * JSON object. Pure: no I/O, no threads. The file is store/spool's.
 *
 *   {"check":"0123456789abcdef", "version":1, "id":"...", "state":"sending", "model":"...",
 *    "owner":{"uid":1000,"gid":1000}, "workspace":"MODEL/a", "prompt_name":"cat.prompt",
 * "prompt":"...", "settings":{"count":"2"}, "created_ms":0, "sent_ms":0, "finished_ms":0,
 * "attempts":1, "references":[{"name":"cat.jpg","mime":"image/jpeg","bytes":1,"sha256":"..."}],
 *    "notes":"asked for 2K; 1K was sent\n",
 *    "results":[{"staged":"ID.1.png","name":"0001.png"}],
 *    "answer":{"http_status":200,"finish_reason":"STOP",...},
 *    "failure":{"error":5,"charge":"possible","text":"...","advice":"...","request_id":"..."}}
 *
 * Times are milliseconds since the epoch, 0 = not yet. Numbers are below 10^15; any other reads as
 * 0. Unknown members are left aside. One without an "owner" was made before there were several
 * users: it is the daemon's own. "check" comes first: the hash (base/hash.h) of the whole text
 * with sixteen zeros in its place, by which damage is found, whatever of it the disk has changed.
 */
#ifndef EASELFS_STORE_RECORD_H
#define EASELFS_STORE_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/failure.h"
#include "base/owner.h"
#include "conf/settings.h"
#include "store/digest.h"

/**
 * A job's id: 23 lower-case hexadecimal digits and its NUL; ids sort by the time of the commit. The
 * last digit tells apart the jobs that one prompt with a `count` stands for: siblings.
 */
#define RECORD_ID_SIZE 24

/** No record is longer than this: longest prompt and settings, every character of them escaped. */
#define RECORD_MAX_BYTES (4 * 1024 * 1024)

/** The most references, and the most results, of one job. */
#define RECORD_REFERENCES_MAX 64
#define RECORD_RESULTS_MAX    64

/* Where a job is in its life (job/job.h has the transitions). The order is the record's format. */
enum job_state {
    JOB_WAITING,   /* registered: the prompt is durable, its directory not yet quiet */
    JOB_QUEUED,    /* its inputs are frozen; it waits for its turn, or for the next try */
    JOB_SENDING,   /* on disk before the first byte leaves */
    JOB_RECEIVED,  /* the whole answer is on disk */
    JOB_DONE,      /* its pictures are visible */
    JOB_FAILED,    /* no picture; the failure says why */
    JOB_UNKNOWN,   /* may have been charged; not sent again by itself */
    JOB_CANCELLED, /* taken back before anything was sent */
    JOB_STATE_COUNT
};

struct record_reference {
    char *name;       /* in the workspace; owned */
    const char *mime; /* static, from imagetype */
    uint64_t bytes;
    char sha256[DIGEST_SIZE]; /* of what was sent; empty: not known */
};

struct record_result {
    char *staged; /* in store/staging until it is visible: "ID.N.EXT"; owned */
    char *name;   /* in the workspace, once it is visible; owned, NULL before */
};

/** All strings are owned and NULL where nothing is known, but for those that are said to be. */
struct record {
    char id[RECORD_ID_SIZE];
    enum job_state state;
    bool has_owner;     /* else it does not say whose it is */
    struct owner owner; /* who caused the commit */
    char *model;
    char *workspace;          /* path below the root, never NULL */
    char *prompt_name;        /* never NULL */
    char *prompt;             /* the file's text as it was committed, never NULL */
    struct settings settings; /* what was sent */
    int64_t created_ms, sent_ms, finished_ms;
    unsigned attempt_count;
    struct record_reference *references;
    size_t reference_count;
    struct record_result *results;
    size_t result_count;
    char *notes; /* what is not as it was asked for, a line each */
    char *finish_reason, *model_version, *response_id;
    int64_t prompt_tokens, candidates_tokens, thoughts_tokens, total_tokens;
    struct failure failure; /* of the last try */
};

/** Make an id out of the wall clock, a counter and random bits: that of a first sibling. */
void record_make_id(int64_t wall_ms, char id[RECORD_ID_SIZE]);

/** The id of sibling @index (0..15; 0 is the first) of the job @id. */
void record_sibling_id(const char *id, unsigned index, char sibling_id[RECORD_ID_SIZE]);

/** Which sibling @id is. */
unsigned record_sibling_index(const char *id);

/** Whether both are of the same prompt: siblings, or the same job. */
bool record_are_siblings(const char *id, const char *other_id);

/** Whether @text could be an id: safe as a file name. */
bool record_is_id(const char *text);

/** When the id was made, in milliseconds since the epoch. */
int64_t record_id_time_ms(const char *id);

/** An empty record. Allocates nothing. */
void record_init(struct record *record);

/** Free what it holds. */
void record_fini(struct record *record);

#define cleanup_record cleanup_(record_fini)

/** Add a reference or a result; the strings are copied. @return 0, -ENOMEM or -E2BIG. */
int record_add_reference(struct record *record, const char *name, const char *mime, uint64_t bytes);
int record_add_result(struct record *record, const char *staged);

/** Note something that is not as it was asked for, once. @return 0 or -ENOMEM. */
int record_add_note(struct record *record, const char *text);

/** Copy @from over the empty @to. @return 0, -ENOMEM, or -EBADMSG: no such record can be read. */
int record_copy(const struct record *from, struct record *to);

/** Forget the references. */
void record_drop_references(struct record *record);

/** Set a string member to a copy of @text (NULL: none). @return 0 or -ENOMEM. */
int record_set_text(char **member, const char *text);

/** Append the record as JSON. @return 0, -ENOMEM, or as buf_append(). */
int record_format(const struct record *record, struct buf *json);

/**
 * Read a record.
 *
 * @json a NUL follows its @length bytes
 *
 * @return 0 with @ret_record set (the caller calls record_fini()), -ENOMEM, or -EBADMSG where it is
 *         not a record of this version, or damaged.
 */
int record_parse(const char *json, size_t length, struct record *ret_record);

/** "waiting", "sending"... */
const char *record_state_name(enum job_state state);

#endif
