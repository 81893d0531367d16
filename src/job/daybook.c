/* SPDX-License-Identifier: MIT */
#include "job/daybook.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/io.h"
#include "store/record.h"

/* Behind the name of a day that was yet to come and was counted for an earlier one. */
#define CARRIED ".carried"

/* A day's file, or that of one that was carried over. */
#define NAME_SIZE (ACCOUNTS_DAY_SIZE + sizeof(CARRIED))

#define LINE_BYTES (1 + RECORD_ID_SIZE + 11 + 1) /* sign, id, account, line end */

/* More than what is carried over from a day of the largest limit takes. */
#define CARRIED_MAX_BYTES (32u << 20)

/* Days of which the files are kept. */
#define DAYS_KEPT 40

/* The lines of a file while they are counted. */
struct reading {
    const char *day; /* for which they count */
    struct accounts *accounts;
    uint64_t asked;
    uint64_t returned;
    char sign;    /* of the line that was begun; 0: none */
    bool has_uid; /* and it came to its user */
    bool is_bad;  /* and what stands there is none */
    uint64_t uid; /* as far as it was read */
    unsigned uid_length;
    int error; /* what could not be counted, for lack of memory */
};

/* The line has ended; @whole: not cut by a crash. */
static void end_line(struct reading *reading, bool whole)
{
    bool knows = whole && reading->uid_length && !reading->is_bad && reading->uid < UINT32_MAX;
    struct account *account;
    int error;

    if (!reading->sign)
        return;
    error = accounts_get(reading->accounts, knows ? (uid_t)reading->uid : geteuid(), &account);
    if (error == -ENOMEM)
        reading->error = error;
    else if (!error && reading->sign == '+')
        accounts_count_add(&account->pictures, reading->day, 1);
    else if (!error)
        accounts_count_drop(&account->pictures, reading->day);
    reading->sign = '\0';
}

static void begin_line(struct reading *reading, char sign)
{
    reading->asked += sign == '+';
    reading->returned += sign == '-';
    reading->sign = sign;
    reading->has_uid = reading->is_bad = false;
    reading->uid = 0;
    reading->uid_length = 0;
}

static void read_digit(struct reading *reading, char c)
{
    if (c < '0' || c > '9' || reading->uid > UINT32_MAX) {
        reading->is_bad = true;
        return;
    }
    reading->uid = reading->uid * 10 + (unsigned)(c - '0');
    reading->uid_length++;
}

/* One that was cut by a crash counts by its sign. */
static void read_character(struct reading *reading, char c)
{
    if (c == '+' || c == '-') {
        end_line(reading, false);
        begin_line(reading, c);
    } else if (c == '\n') {
        end_line(reading, true);
    } else if (c == ' ' && !reading->has_uid) {
        reading->has_uid = true;
    } else if (reading->has_uid) {
        read_digit(reading, c);
    }
}

/* @return 0 also where there is no such file. */
static int count_file(int usage_fd, const char *name, struct reading *reading)
{
    cleanup_close int fd = openat(usage_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    char chunk[4096];
    ssize_t got;

    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    while ((got = read(fd, chunk, sizeof(chunk))) > 0) {
        for (ssize_t i = 0; i < got; i++)
            read_character(reading, chunk[i]);
    }
    end_line(reading, false);
    return got < 0 ? -errno : reading->error;
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

static int add_lines(const struct account *account, void *context)
{
    struct buf *lines = context;
    int error = 0;

    for (uint64_t i = 0; !error && i < account->pictures.count; i++)
        error = buf_printf(lines, "+" CARRIED " %u\n", account->uid);
    return error;
}

/* What was counted on the day @name, which is yet to come, counts for @day from now on. */
static int carry(int usage_fd, const char *name, const char *day, struct accounts *accounts)
{
    char coming[ACCOUNTS_DAY_SIZE] = "";
    struct reading reading = {.day = coming, .accounts = accounts};
    cleanup_buf struct buf lines = {.max = CARRIED_MAX_BYTES};
    char carried[NAME_SIZE];
    int error;

    memcpy(coming, name, strlen(name));
    accounts_turn_day(accounts, coming);
    error = count_file(usage_fd, name, &reading);
    if (!error)
        error = accounts_each(accounts, add_lines, &lines);
    if (!error && lines.length)
        error = append(usage_fd, day, lines.data, lines.length);
    if (!error)
        error = failpoint("limits.carry");
    if (error)
        return error;
    snprintf(carried, sizeof(carried), "%.10s" CARRIED, name);
    return renameat(usage_fd, name, usage_fd, carried) < 0 ? -errno : 0;
}

static int carry_alone(int usage_fd, const char *name, const char *day)
{
    struct accounts *accounts;
    int error = accounts_create(&accounts);

    if (error)
        return error;
    error = carry(usage_fd, name, day, accounts);
    accounts_destroy(accounts);
    return error;
}

static int is_day(const struct dirent *entry)
{
    int length = 0;

    sscanf(entry->d_name, "%*4[0-9]-%*2[0-9]-%*2[0-9]%n", &length);
    return length == 10 && (!entry->d_name[10] || strcmp(entry->d_name + 10, CARRIED) == 0);
}

/* Take over what was counted on days to come, and forget the oldest days. */
static int tidy(int usage_fd, const char *day)
{
    struct dirent **entries;
    int count = scandirat(usage_fd, ".", &entries, is_day, alphasort);
    int error = 0;

    if (count < 0)
        return -errno;
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;

        if (!error && !name[10] && strcmp(name, day) > 0)
            error = carry_alone(usage_fd, name, day);
        else if (!error && i < count - DAYS_KEPT && strncmp(name, day, 10) != 0)
            unlinkat(usage_fd, name, 0);
        free(entries[i]);
    }
    free(entries);
    return error;
}

int daybook_open(int usage_fd, const char *day, struct accounts *accounts, uint64_t *ret_count)
{
    struct reading reading = {.day = day, .accounts = accounts};
    char carried[NAME_SIZE];
    int error = tidy(usage_fd, day);

    if (!error)
        error = count_file(usage_fd, day, &reading);
    snprintf(carried, sizeof(carried), "%.10s" CARRIED, day);
    if (!error)
        error = count_file(usage_fd, carried, &reading);
    if (!error)
        *ret_count = reading.asked > reading.returned ? reading.asked - reading.returned : 0;
    return error;
}

int daybook_note(int usage_fd, const char *day, char sign, const char *id, uid_t uid)
{
    char line[LINE_BYTES + 1];
    int length = snprintf(line, sizeof(line), "%c%s %u\n", sign, id, uid);

    return append(usage_fd, day, line, (size_t)length);
}
