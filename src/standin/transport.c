/* SPDX-License-Identifier: MIT */
#include "standin/transport.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>

#include "standin/noise.h"
#include "standin/vocabulary.h"

#define CHUNK_BYTES   16384
#define STORED_MAX    65535u /* bytes of a stored block of deflate */
#define FILLER_BYTES  1024   /* of one of the huge headers, with its line's end */
#define GARBAGE_BYTES 512

/* Status line and headers. @length < 0 leaves the length open: chunked, or until the close. */
static void write_head(const struct answer *answer, int64_t length, bool chunked,
                       struct body *bytes)
{
    body_printf(bytes, "HTTP/1.1 %u %s\r\n", answer->status,
                MHD_get_reason_phrase_for(answer->status));
    for (size_t i = 0; i < answer->header_count; i++)
        body_printf(bytes, "%s: %s\r\n", answer->headers[i].name, answer->headers[i].value);
    if (length >= 0)
        body_printf(bytes, "Content-Length: %lld\r\n", (long long)length);
    if (chunked)
        body_printf(bytes, "Transfer-Encoding: chunked\r\n");
    body_printf(bytes, "Connection: close\r\n\r\n");
}

static size_t limit(const struct answer *answer, int64_t wanted, size_t otherwise)
{
    if (wanted < 0)
        return otherwise;
    return (uint64_t)wanted < answer->body.length ? (size_t)wanted : answer->body.length;
}

/* Headers that say the whole length, and the first @length bytes. */
static void write_part(const struct answer *answer, size_t length, struct body *bytes)
{
    write_head(answer, (int64_t)answer->body.length, false, bytes);
    body_add_body(bytes, &answer->body, 0, length);
}

static void write_chunks(const struct answer *answer, size_t length, struct body *bytes)
{
    write_head(answer, -1, true, bytes);
    for (size_t at = 0; at < length; at += CHUNK_BYTES) {
        size_t size = length - at < CHUNK_BYTES ? length - at : CHUNK_BYTES;

        body_printf(bytes, "%zx\r\n", size);
        body_add_body(bytes, &answer->body, at, size);
        body_printf(bytes, "\r\n");
    }
}

static void write_huge_headers(const struct answer *answer, int64_t size, struct body *bytes)
{
    char filler[FILLER_BYTES];

    memset(filler, 'x', sizeof(filler));
    body_printf(bytes, "HTTP/1.1 %u %s\r\n", answer->status,
                MHD_get_reason_phrase_for(answer->status));
    for (int64_t i = 0; i * FILLER_BYTES < size; i++)
        body_printf(bytes, "X-Filler-%06lld: %.*s\r\n", (long long)i, FILLER_BYTES - 19, filler);
    for (size_t i = 0; i < answer->header_count; i++)
        body_printf(bytes, "%s: %s\r\n", answer->headers[i].name, answer->headers[i].value);
    body_printf(bytes, "Content-Length: %zu\r\nConnection: close\r\n\r\n", answer->body.length);
    body_add_body(bytes, &answer->body, 0, answer->body.length);
}

static void write_overlong(const struct answer *answer, int64_t more, struct body *bytes)
{
    write_part(answer, answer->body.length, bytes);
    for (int64_t i = 0; i < more; i++)
        body_add(bytes, "#", 1);
}

static int write_garbage(struct body *bytes)
{
    struct blob *noise;
    int error = noise_random(GARBAGE_BYTES, 1, &noise);

    if (error)
        return error;
    body_add_blob(bytes, noise, 0, blob_size(noise));
    blob_unref(noise);
    return 0;
}

static void put_little32(unsigned char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(value >> (8 * i));
}

/* Gzip (RFC 1952) of stored blocks: as valid as any, and made in one pass. */
static size_t write_gzip(const struct body *body, unsigned char *out)
{
    static const unsigned char head[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};
    unsigned char *at = out + sizeof(head);
    uint32_t crc = 0;
    size_t left = body->length;

    memcpy(out, head, sizeof(head));
    do {
        size_t block = left < STORED_MAX ? left : STORED_MAX;

        for (size_t done = 0; done < block;)
            done += body_read(body, body->length - left + done, at + 5 + done, block - done);
        crc = noise_crc32(crc, at + 5, block);
        at[0] = block == left; /* the last one */
        at[1] = (unsigned char)block;
        at[2] = (unsigned char)(block >> 8);
        at[3] = (unsigned char)~block;
        at[4] = (unsigned char)(~block >> 8);
        at += 5 + block;
        left -= block;
    } while (left);
    put_little32(at, crc);
    put_little32(at + 4, (uint32_t)body->length);
    return (size_t)(at + 8 - out);
}

static int pack(struct answer *answer)
{
    size_t blocks = answer->body.length / STORED_MAX + 1;
    struct blob *blob;
    unsigned char *out;
    int error = blob_create(18 + blocks * 5 + answer->body.length, &out, &blob);
    size_t length;

    if (error)
        return error;
    length = write_gzip(&answer->body, out);
    body_fini(&answer->body);
    body_add_blob(&answer->body, blob, 0, length);
    blob_unref(blob);
    error = body_seal(&answer->body);
    return error ? error : answer_header(answer, "Content-Encoding", "gzip");
}

/* Faults within HTTP. @return whether @fault is one. */
static bool prepare_http(struct answer *answer, int fault, int64_t argument, bool *chunked,
                         int *error)
{
    switch (fault) {
    case FAULT_GZIP:
        *error = pack(answer);
        return true;
    case FAULT_CHUNKED:
        *chunked = true;
        return true;
    case FAULT_WRONG_LENGTH:
        body_cut(&answer->body, limit(answer, argument, answer->body.length / 2));
        return true;
    default:
        return fault == 0;
    }
}

/* The bytes of a raw answer. */
static int write_plan(const struct answer *answer, int fault, int64_t argument, struct body *bytes)
{
    size_t length = answer->body.length;

    switch (fault) {
    case FAULT_CLOSE_BEFORE_ANSWER:
    case FAULT_RESET_BEFORE_ANSWER:
        break;
    case FAULT_CLOSE_AFTER_HEADERS:
        write_part(answer, 0, bytes);
        break;
    case FAULT_TRUNCATE:
    case FAULT_RESET_AFTER:
        write_part(answer, limit(answer, argument, length), bytes);
        break;
    case FAULT_TRUNCATE_CHUNKED:
        write_chunks(answer, limit(answer, argument, length / 2), bytes);
        break;
    case FAULT_UNTIL_CLOSE:
        write_head(answer, -1, false, bytes);
        body_add_body(bytes, &answer->body, 0, limit(answer, argument, length));
        break;
    case FAULT_OVERLONG:
        write_overlong(answer, argument, bytes);
        break;
    case FAULT_HUGE_HEADERS:
        write_huge_headers(answer, argument, bytes);
        break;
    case FAULT_GARBAGE:
        return write_garbage(bytes);
    case FAULT_HTTP100:
        body_printf(bytes, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n");
        write_part(answer, length, bytes);
        break;
    default:
        write_part(answer, length, bytes);
    }
    return 0;
}

int transport_prepare(struct answer *answer, int fault, int64_t argument, struct plan *plan,
                      bool *ret_raw, bool *ret_chunked)
{
    int error = 0;

    *ret_chunked = false;
    *ret_raw = !prepare_http(answer, fault, argument, ret_chunked, &error);
    if (!*ret_raw)
        return error;
    error = write_plan(answer, fault, argument, &plan->bytes);
    if (!error)
        error = body_seal(&plan->bytes);
    if (error)
        return error;
    if (fault == FAULT_DRIP)
        plan->rate = argument > 0 ? argument : 1;
    if (fault == FAULT_STALL || fault == FAULT_STALL_MID)
        plan->pause_ms = argument;
    if (fault == FAULT_STALL_MID)
        plan->pause_at = plan->bytes.length - (answer->body.length + 1) / 2;
    if (fault == FAULT_RESET_BEFORE_ANSWER || fault == FAULT_RESET_AFTER)
        plan->end = PLAN_RESET;
    if (fault == FAULT_EARLY_ANSWER)
        plan->end = PLAN_LINGER;
    return 0;
}
