/* SPDX-License-Identifier: MIT */
#include "job/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/failpoint.h"
#include "base/io.h"
#include "store/record.h"

#define MINUTE_MS (60 * 1000)

/* Behind the name of a day that was yet to come and was counted for an earlier one. */
#define CARRIED ".carried"

#define LINE_BYTES (1 + RECORD_ID_SIZE) /* sign, id, line end */

/* More than what is carried over from a day of the largest limit takes. */
#define CARRIED_MAX_BYTES (16u << 20)

/* Days of which the files are kept. */
#define DAYS_KEPT 40

struct limits {
    int usage_fd; /* the store's */
    uint64_t per_minute;
    uint64_t per_day;
    int64_t wall_offset_ms; /* what the wall clock was ahead of ours at the start */

    char day[LIMITS_DAY_SIZE];
    uint64_t used; /* pictures counted on it */

    int64_t *sent_ms; /* of the last per_minute requests, a ring; NULL: no limit */
    size_t next;      /* where the next one goes: the oldest of them */
};

int64_t limits_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The local time @now_ms, by the clock as it was at the start. */
static void local_time(const struct limits *limits, int64_t now_ms, struct tm *tm)
{
    time_t seconds = (time_t)((now_ms + limits->wall_offset_ms) / 1000);

    localtime_r(&seconds, tm);
}

static void day_of(const struct limits *limits, int64_t now_ms, char day[LIMITS_DAY_SIZE])
{
    struct tm tm;

    local_time(limits, now_ms, &tm);
    if (!strftime(day, LIMITS_DAY_SIZE, "%Y-%m-%d", &tm))
        day[0] = '\0';
}

/* When the day after that of @now_ms begins, as seconds since the epoch. */
static time_t next_day(const struct limits *limits, int64_t now_ms)
{
    struct tm tm;

    local_time(limits, now_ms, &tm);
    tm.tm_mday++;
    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    tm.tm_isdst = -1;
    return mktime(&tm);
}

/* Count the pictures in the lines of a day's file. One that was cut by a crash counts by its sign.
 */
static int count_lines(int fd, uint64_t *count)
{
    char chunk[4096];
    uint64_t asked = 0;
    uint64_t returned = 0;
    ssize_t got;

    while ((got = read(fd, chunk, sizeof(chunk))) > 0) {
        for (ssize_t i = 0; i < got; i++) {
            asked += chunk[i] == '+';
            returned += chunk[i] == '-';
        }
    }
    *count += asked > returned ? asked - returned : 0;
    return got < 0 ? -errno : 0;
}

/* @return 0 also where there is no such file. */
static int count_file(int usage_fd, const char *name, uint64_t *count)
{
    cleanup_close int fd = openat(usage_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    return count_lines(fd, count);
}

static int append(int usage_fd, const char *day, const char *lines, size_t length)
{
    cleanup_close int fd = openat(usage_fd, day, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
    bool is_new = fd < 0 && errno == ENOENT;
    int error;

    if (is_new)
        fd = openat(usage_fd, day, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    error = failpoint("limits.write");
    if (!error)
        error = io_write_all(fd, lines, length);
    if (!error)
        error = failpoint("limits.fsync");
    if (!error && fsync(fd) < 0)
        error = -errno;
    return error || !is_new ? error : io_sync_dir(usage_fd);
}

/* What was counted on the day @name, which is yet to come, counts for @day from now on. */
static int carry(int usage_fd, const char *name, const char *day)
{
    cleanup_buf struct buf lines = {.max = CARRIED_MAX_BYTES};
    char carried[LIMITS_DAY_SIZE + sizeof(CARRIED)];
    uint64_t count = 0;
    int error = count_file(usage_fd, name, &count);

    while (!error && count--)
        error = buf_append_text(&lines, "+" CARRIED "\n");
    if (!error && lines.length)
        error = append(usage_fd, day, lines.data, lines.length);
    if (!error)
        error = failpoint("limits.carry");
    if (error)
        return error;
    snprintf(carried, sizeof(carried), "%.10s" CARRIED, name);
    return renameat(usage_fd, name, usage_fd, carried) < 0 ? -errno : 0;
}

static int is_day(const struct dirent *entry)
{
    int length = 0;

    sscanf(entry->d_name, "%*4[0-9]-%*2[0-9]-%*2[0-9]%n", &length);
    return length == 10 && (!entry->d_name[10] || strcmp(entry->d_name + 10, CARRIED) == 0);
}

/* Take over what was counted on days to come, and forget the oldest days. */
static int tidy(const struct limits *limits)
{
    struct dirent **entries;
    int count = scandirat(limits->usage_fd, ".", &entries, is_day, alphasort);
    int error = 0;

    if (count < 0)
        return -errno;
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;

        if (!error && !name[10] && strcmp(name, limits->day) > 0)
            error = carry(limits->usage_fd, name, limits->day);
        else if (!error && i < count - DAYS_KEPT && strncmp(name, limits->day, 10) != 0)
            unlinkat(limits->usage_fd, name, 0);
        free(entries[i]);
    }
    free(entries);
    return error;
}

/* Begin to count for the day of @now_ms. */
static int load_day(struct limits *limits, int64_t now_ms)
{
    char carried[LIMITS_DAY_SIZE + sizeof(CARRIED)];
    uint64_t used = 0;
    int error;

    day_of(limits, now_ms, limits->day);
    error = tidy(limits);
    if (!error)
        error = count_file(limits->usage_fd, limits->day, &used);
    snprintf(carried, sizeof(carried), "%s" CARRIED, limits->day);
    if (!error)
        error = count_file(limits->usage_fd, carried, &used);
    if (!error)
        limits->used = used;
    return error;
}

int limits_create(const struct store *store, uint64_t per_minute, uint64_t per_day, int64_t wall_ms,
                  int64_t now_ms, struct limits **ret_limits)
{
    struct limits *limits = calloc(1, sizeof(*limits));
    int error = 0;

    if (!limits)
        return -ENOMEM;
    limits->usage_fd = store->usage_fd;
    limits->per_minute = per_minute;
    limits->per_day = per_day;
    limits->wall_offset_ms = wall_ms - now_ms;
    if (per_minute) {
        limits->sent_ms = calloc(per_minute, sizeof(*limits->sent_ms));
        error = limits->sent_ms ? 0 : -ENOMEM;
    }
    for (uint64_t i = 0; !error && i < per_minute; i++)
        limits->sent_ms[i] = now_ms - MINUTE_MS;
    if (!error)
        error = load_day(limits, now_ms);
    if (error) {
        limits_destroy(limits);
        return error;
    }
    *ret_limits = limits;
    return 0;
}

void limits_destroy(struct limits *limits)
{
    if (!limits)
        return;
    free(limits->sent_ms);
    free(limits);
}

/*
 * A day has passed: the next one begins with nothing, as this process is the only one that counts
 * and no day but today is ever written to.
 */
static void turn_day(struct limits *limits, int64_t now_ms)
{
    char day[LIMITS_DAY_SIZE];

    day_of(limits, now_ms, day);
    if (strcmp(day, limits->day) > 0) {
        memcpy(limits->day, day, sizeof(day));
        limits->used = 0;
    }
}

int64_t limits_wait_ms(struct limits *limits, int64_t now_ms)
{
    int64_t wait_ms = 0;

    turn_day(limits, now_ms);
    if (limits->per_day && limits->used >= limits->per_day)
        wait_ms = (int64_t)next_day(limits, now_ms) * 1000 - (now_ms + limits->wall_offset_ms);
    if (limits->sent_ms && limits->sent_ms[limits->next] + MINUTE_MS - now_ms > wait_ms)
        wait_ms = limits->sent_ms[limits->next] + MINUTE_MS - now_ms;
    return wait_ms;
}

void limits_take(struct limits *limits, int64_t now_ms, char ret_day[LIMITS_DAY_SIZE])
{
    turn_day(limits, now_ms);
    limits->used++;
    memcpy(ret_day, limits->day, LIMITS_DAY_SIZE);
    if (!limits->sent_ms)
        return;
    limits->sent_ms[limits->next] = now_ms;
    limits->next = (limits->next + 1) % limits->per_minute;
}

void limits_give_back(struct limits *limits, const char *day)
{
    if (limits->used && strcmp(day, limits->day) == 0)
        limits->used--;
}

uint64_t limits_left(struct limits *limits, int64_t now_ms)
{
    turn_day(limits, now_ms);
    if (!limits->per_day)
        return UINT64_MAX;
    return limits->used < limits->per_day ? limits->per_day - limits->used : 0;
}

int limits_note(const struct limits *limits, const char *day, char sign, const char *id)
{
    char line[LINE_BYTES + 1];
    int length = snprintf(line, sizeof(line), "%c%s\n", sign, id);

    if (!limits->per_day)
        return 0;
    return append(limits->usage_fd, day, line, (size_t)length);
}

int limits_refuse(struct limits *limits, int64_t now_ms, struct failure *failure)
{
    time_t opens = next_day(limits, now_ms);
    struct tm tm;
    char when[64] = "";

    if (!localtime_r(&opens, &tm) || !strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &tm))
        when[0] = '\0';
    failure_advise(failure, "Save the prompt again then, or raise images_per_day.");
    return failure_set(failure, -EDQUOT,
                       "The limit of %" PRIu64 " pictures a day (images_per_day) is reached. "
                       "It opens again at %s.",
                       limits->per_day, when);
}

void limits_day(struct limits *limits, int64_t now_ms, char ret_day[LIMITS_DAY_SIZE])
{
    turn_day(limits, now_ms);
    memcpy(ret_day, limits->day, LIMITS_DAY_SIZE);
}

int limits_describe(struct limits *limits, int64_t now_ms, struct buf *text)
{
    turn_day(limits, now_ms);
    if (!limits->per_day)
        return buf_printf(text, "Pictures today: %" PRIu64 "\n", limits->used);
    return buf_printf(text, "Pictures today: %" PRIu64 " of %" PRIu64 "\n", limits->used,
                      limits->per_day);
}
