/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>

#include "base/redact.h"
#include "base/text.h"

/* Longer lines are cut: nothing that is logged needs more. */
#define LINE_MAX_BYTES 2048

/* Written before the first thread starts, read-only afterwards. */
static struct {
    enum log_level level;
    bool syslog;
    const char *secret;
} sink = {.level = LOG_LEVEL_INFO};

void log_set_level(enum log_level level)
{
    sink.level = level;
}

void log_hide(const char *secret)
{
    sink.secret = secret;
}

void log_to_syslog(void)
{
    openlog("easelfs", LOG_PID, LOG_DAEMON);
    sink.syslog = true;
}

bool log_is_on_stderr(void)
{
    return !sink.syslog;
}

void log_write(enum log_level level, const char *format, ...)
{
    static const int priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};
    static const char *const names[] = {"error: ", "warning: ", "", "debug: "};
    char line[LINE_MAX_BYTES];
    va_list arguments;

    if (level > sink.level)
        return;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    text_make_printable(line, '?');
    redact(line, sink.secret);
    if (sink.syslog)
        syslog(priorities[level], "%s", line);
    else
        fprintf(stderr, "easelfs: %s%s\n", names[level], line); /* one write: stderr is locked */
}
