/* SPDX-License-Identifier: MIT */
#include "api/duration.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* What is left of a text. */
struct cursor {
    const char *text;
    const char *end;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool take_text(struct cursor *cursor, const char *expected)
{
    size_t length = strlen(expected);

    if ((size_t)(cursor->end - cursor->text) < length ||
        memcmp(cursor->text, expected, length) != 0)
        return false;
    cursor->text += length;
    return true;
}

/* Take one of @count names. @return its index, or -1. */
static int take_name(struct cursor *cursor, const char *const *names, int count)
{
    for (int i = 0; i < count; i++) {
        if (take_text(cursor, names[i]))
            return i;
    }
    return -1;
}

/* Take exactly @digits digits. @return their value, or -1. */
static int take_number(struct cursor *cursor, int digits)
{
    int value = 0;

    if (cursor->end - cursor->text < digits)
        return -1;
    for (int i = 0; i < digits; i++) {
        if (!is_digit(cursor->text[i]))
            return -1;
        value = value * 10 + (cursor->text[i] - '0');
    }
    cursor->text += digits;
    return value;
}

/*
 * Take decimal seconds: digits, and a point with more of them. What is above the maximum becomes
 * the maximum, what is below a millisecond becomes one.
 *
 * @return milliseconds, or -1.
 */
static int64_t take_seconds(struct cursor *cursor)
{
    int64_t ms = 0;
    int64_t scale = 1000;

    if (cursor->text == cursor->end || !is_digit(*cursor->text))
        return -1;
    for (; cursor->text < cursor->end && is_digit(*cursor->text); cursor->text++) {
        ms = ms * 10 + (*cursor->text - '0') * 1000LL;
        if (ms > DURATION_MAX_MS)
            ms = DURATION_MAX_MS;
    }
    if (!take_text(cursor, "."))
        return ms;
    if (cursor->text == cursor->end || !is_digit(*cursor->text))
        return -1;
    for (bool rounded = false; cursor->text < cursor->end && is_digit(*cursor->text);
         cursor->text++) {
        scale /= 10;
        ms += (*cursor->text - '0') * scale;
        if (!scale && *cursor->text != '0' && !rounded) {
            ms++;
            rounded = true;
        }
    }
    return ms < DURATION_MAX_MS ? ms : DURATION_MAX_MS;
}

int duration_parse(const char *text, size_t length, int64_t *ret_ms)
{
    struct cursor cursor = {text, text + length};
    int64_t ms = take_seconds(&cursor);

    if (ms < 0 || !take_text(&cursor, "s") || cursor.text != cursor.end)
        return -EINVAL;
    *ret_ms = ms;
    return 0;
}

struct date {
    int year, month, day; /* month from 0 on */
    int hour, minute, second;
};

static const char *const month_names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const day_names[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
static const char *const long_day_names[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                             "Friday", "Saturday", "Sunday"};

static bool take_time(struct cursor *cursor, struct date *date)
{
    date->hour = take_number(cursor, 2);
    if (!take_text(cursor, ":"))
        return false;
    date->minute = take_number(cursor, 2);
    if (!take_text(cursor, ":"))
        return false;
    date->second = take_number(cursor, 2);
    return true;
}

static bool take_month(struct cursor *cursor, struct date *date)
{
    date->month = take_name(cursor, month_names, 12);
    return date->month >= 0;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static bool take_fixdate(struct cursor cursor, struct date *date)
{
    if (take_name(&cursor, day_names, 7) < 0 || !take_text(&cursor, ", "))
        return false;
    date->day = take_number(&cursor, 2);
    if (!take_text(&cursor, " ") || !take_month(&cursor, date) || !take_text(&cursor, " "))
        return false;
    date->year = take_number(&cursor, 4);
    return take_text(&cursor, " ") && take_time(&cursor, date) && take_text(&cursor, " GMT") &&
           cursor.text == cursor.end;
}

/*
 * "Sunday, 06-Nov-94 08:49:37 GMT": a year that seems to be more than 50 years ahead is the most
 * recent one with the same last digits.
 */
static bool take_rfc850_date(struct cursor cursor, int year_now, struct date *date)
{
    if (take_name(&cursor, long_day_names, 7) < 0 || !take_text(&cursor, ", "))
        return false;
    date->day = take_number(&cursor, 2);
    if (!take_text(&cursor, "-") || !take_month(&cursor, date) || !take_text(&cursor, "-"))
        return false;
    date->year = take_number(&cursor, 2);
    if (date->year < 0)
        return false;
    date->year += year_now - year_now % 100;
    if (date->year > year_now + 50)
        date->year -= 100;
    return take_text(&cursor, " ") && take_time(&cursor, date) && take_text(&cursor, " GMT") &&
           cursor.text == cursor.end;
}

/* "Sun Nov  6 08:49:37 1994" */
static bool take_asctime_date(struct cursor cursor, struct date *date)
{
    if (take_name(&cursor, day_names, 7) < 0 || !take_text(&cursor, " ") ||
        !take_month(&cursor, date) || !take_text(&cursor, " "))
        return false;
    date->day = take_number(&cursor, take_text(&cursor, " ") ? 1 : 2);
    if (!take_text(&cursor, " ") || !take_time(&cursor, date) || !take_text(&cursor, " "))
        return false;
    date->year = take_number(&cursor, 4);
    return cursor.text == cursor.end;
}

static bool date_is_valid(const struct date *date)
{
    static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return date->year >= 0 && date->day >= 1 && date->day <= lengths[date->month] &&
           date->hour >= 0 && date->hour <= 23 && date->minute >= 0 && date->minute <= 59 &&
           date->second >= 0 && date->second <= 60;
}

/* Seconds since the epoch, in the Gregorian calendar. */
static int64_t date_seconds(const struct date *date)
{
    /* Years begin in March here, so that the leap day comes last. */
    int64_t year = date->year - (date->month < 2);
    int64_t month = (date->month + 10) % 12;
    int64_t leap_days = year / 4 - year / 100 + year / 400;
    int64_t days = 365 * year + leap_days + (153 * month + 2) / 5 + date->day - 1;

    days -= 719468; /* from 1 March of the year 0 to the epoch */
    return ((days * 24 + date->hour) * 60 + date->minute) * 60 + date->second;
}

static void trim(struct cursor *cursor)
{
    while (cursor->text < cursor->end && strchr(" \t\r\n", *cursor->text) && *cursor->text)
        cursor->text++;
    while (cursor->text < cursor->end && strchr(" \t\r\n", cursor->end[-1]) && cursor->end[-1])
        cursor->end--;
}

int duration_parse_retry_after(const char *text, size_t length, int64_t wall_ms, int64_t *ret_ms)
{
    struct cursor cursor = {text, text + length};
    struct cursor seconds;
    struct date date;
    int year_now = 1970 + (int)(wall_ms / (365LL * 24 * 3600 * 1000 + 6LL * 3600 * 1000) % 8000);
    int64_t ms;

    trim(&cursor);
    seconds = cursor;
    ms = take_seconds(&seconds);
    if (ms >= 0 && seconds.text == seconds.end) {
        *ret_ms = ms;
        return 0;
    }
    if (!take_fixdate(cursor, &date) && !take_rfc850_date(cursor, year_now, &date) &&
        !take_asctime_date(cursor, &date))
        return -EINVAL;
    if (!date_is_valid(&date))
        return -EINVAL;
    if (__builtin_sub_overflow(date_seconds(&date) * 1000, wall_ms, &ms) || ms > DURATION_MAX_MS)
        ms = DURATION_MAX_MS;
    *ret_ms = ms > 0 ? ms : 0;
    return 0;
}
