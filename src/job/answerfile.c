/* SPDX-License-Identifier: MIT */
#include "job/answerfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/hash.h"
#include "base/io.h"
#include "job/flight.h"
#include "job/staging.h"

#define FILE_NAME     "answer"
#define CHECK_FORMAT  "easelfs answer 2 %016llx\n"
#define FIRST_FORMAT  "%u %llu %zu\n"
#define LINE_MAX_SIZE 256
/* The skeleton, at its default limit with its closing brackets, two lines, and a line a part. */
#define FILE_MAX (LIFT_SKELETON_MAX + LIFT_COMPLETION_MAX + (2 + LIFT_PARTS_MAX) * LINE_MAX_SIZE)

static int sync_part(int spool_fd, const char *id, unsigned part, enum lift_encoding encoding)
{
    char name[FLIGHT_NAME_SIZE];
    cleanup_close int fd = -1;
    int error;

    flight_part_name(part, name);
    fd = openat(spool_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (encoding == LIFT_BYTES)
        return staging_mark(fd, id);
    error = failpoint("recv.part_sync");
    return error ? error : io_sync(fd);
}

static int format_part(const struct lift_part *part, struct buf *text)
{
    return buf_printf(text, "%u %llu %d %d %llu %u %s\n", (unsigned)part->encoding,
                      (unsigned long long)part->bytes, part->complete, part->damaged,
                      (unsigned long long)part->damaged_offset, part->rest,
                      part->mime[0] ? part->mime : "-");
}

/* The line that stands before @text: damage anywhere behind it is found by that. */
static void make_check(const char *text, size_t length, char line[LINE_MAX_SIZE])
{
    snprintf(line, LINE_MAX_SIZE, CHECK_FORMAT,
             (unsigned long long)hash_bytes(HASH_START, text, length));
}

static int write_checked(int spool_fd, const struct buf *text)
{
    cleanup_buf struct buf file = {.max = FILE_MAX};
    char check[LINE_MAX_SIZE];
    int error;

    make_check(buf_text(text), text->length, check);
    error = buf_append_text(&file, check);
    if (!error)
        error = buf_append(&file, buf_text(text), text->length);
    if (error)
        return error;
    error = io_replace_file(spool_fd, FILE_NAME, buf_text(&file), file.length, 0600);
    if (error == -EIO) /* it was paid for: once more, in a new file that lies elsewhere */
        error = io_replace_file(spool_fd, FILE_NAME, buf_text(&file), file.length, 0600);
    return error;
}

int answerfile_save(int spool_fd, const char *id, const struct lift_result *result)
{
    cleanup_buf struct buf text = {.max = FILE_MAX};
    int error = buf_printf(&text, FIRST_FORMAT, (unsigned)result->verdict,
                           (unsigned long long)result->total_bytes, result->part_count);

    for (size_t i = 0; !error && i < result->part_count; i++) {
        error = format_part(&result->parts[i], &text);
        if (!error)
            error = sync_part(spool_fd, id, (unsigned)i, result->parts[i].encoding);
    }
    if (!error)
        error = buf_append(&text, result->skeleton, result->skeleton_length);
    return error ? error : write_checked(spool_fd, &text);
}

bool answerfile_exists(int spool_fd)
{
    return faccessat(spool_fd, FILE_NAME, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The line at @at without its end; @at moves behind it. */
static bool take_line(const char **at, char line[LINE_MAX_SIZE])
{
    const char *end = strchr(*at, '\n');

    if (!end || end - *at >= LINE_MAX_SIZE)
        return false;
    memcpy(line, *at, (size_t)(end - *at));
    line[end - *at] = '\0';
    *at = end + 1;
    return true;
}

static int parse_part(const char **at, struct lift_part *part)
{
    unsigned long long bytes;
    unsigned long long offset;
    unsigned encoding;
    char line[LINE_MAX_SIZE];
    int complete;
    int damaged;

    if (!take_line(at, line) ||
        sscanf(line, "%u %llu %d %d %llu %u %63s", &encoding, &bytes, &complete, &damaged, &offset,
               &part->rest, part->mime) != 7 ||
        encoding > LIFT_REMAINDER)
        return -EBADMSG;
    part->encoding = (enum lift_encoding)encoding;
    part->bytes = bytes;
    part->complete = complete != 0;
    part->damaged = damaged != 0;
    part->damaged_offset = offset;
    if (strcmp(part->mime, "-") == 0)
        part->mime[0] = '\0';
    return 0;
}

/* Move @at behind the check. @return whether it is right for all that follows. */
static bool take_check(const char **at)
{
    const char *end = strchr(*at, '\n');
    char check[LINE_MAX_SIZE];

    if (!end)
        return false;
    make_check(end + 1, strlen(end + 1), check);
    if (strlen(check) != (size_t)(end + 1 - *at) || memcmp(check, *at, strlen(check)) != 0)
        return false;
    *at = end + 1;
    return true;
}

static int parse(struct answerfile *answer)
{
    const char *at = answer->text;
    char line[LINE_MAX_SIZE];
    unsigned long long total;
    unsigned verdict;
    size_t count;
    int error = 0;

    if (!take_check(&at) || !take_line(&at, line) ||
        sscanf(line, FIRST_FORMAT, &verdict, &total, &count) != 3 || verdict > LIFT_NOT_JSON ||
        count > LIFT_PARTS_MAX)
        return -EBADMSG;
    answer->parts = calloc(count + 1, sizeof(*answer->parts));
    if (!answer->parts)
        return -ENOMEM;
    for (size_t i = 0; !error && i < count; i++)
        error = parse_part(&at, &answer->parts[i]);
    answer->result = (struct lift_result){
        .verdict = (enum lift_verdict)verdict,
        .total_bytes = total,
        .skeleton = at,
        .skeleton_length = strlen(at),
        .parts = answer->parts,
        .part_count = count,
        .remainder = "",
    };
    return error;
}

/* The beginning of what is not JSON, as lift_finish() gives it. */
static int load_remainder(int spool_fd, unsigned part, struct answerfile *answer)
{
    char name[FLIGHT_NAME_SIZE];
    cleanup_close int fd = -1;
    ssize_t length;

    flight_part_name(part, name);
    fd = openat(spool_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    answer->remainder = calloc(1, LIFT_REMAINDER_MAX + 1);
    if (!answer->remainder)
        return -ENOMEM;
    length = pread(fd, answer->remainder, LIFT_REMAINDER_MAX, 0);
    if (length < 0)
        return -errno;
    answer->result.remainder = answer->remainder;
    answer->result.remainder_length = (size_t)length;
    return 0;
}

static int load_remainders(int spool_fd, struct answerfile *answer)
{
    int error = 0;

    for (size_t i = 0; !error && !answer->remainder && i < answer->result.part_count; i++) {
        if (answer->parts[i].encoding == LIFT_REMAINDER)
            error = load_remainder(spool_fd, (unsigned)i, answer);
    }
    return error;
}

int answerfile_load(int spool_fd, struct answerfile *ret_answer)
{
    cleanup_buf struct buf text = {.max = FILE_MAX};
    struct answerfile answer = {0};
    int error = io_read_file(spool_fd, FILE_NAME, &text);

    if (error)
        return error == -EFBIG ? -EBADMSG : error;
    if (strlen(buf_text(&text)) != text.length)
        return -EBADMSG;
    answer.text = buf_steal(&text);
    error = answer.text ? parse(&answer) : -EBADMSG;
    if (!error)
        error = load_remainders(spool_fd, &answer);
    if (error) {
        answerfile_unload(&answer);
        return error;
    }
    *ret_answer = answer;
    return 0;
}

void answerfile_unload(struct answerfile *answer)
{
    free(answer->text);
    free(answer->parts);
    free(answer->remainder);
    *answer = (struct answerfile){0};
}
