/* SPDX-License-Identifier: MIT
 *
 * The one log sink: standard error in the foreground, syslog in the background. It is the only
 * mutable state at file scope in the program. Every line has its control characters replaced, so
 * that text from a server cannot forge lines or drive a terminal. Safe from every thread.
 */
#ifndef EASELFS_BASE_LOG_H
#define EASELFS_BASE_LOG_H

#include <stdbool.h>

#define printf_like_(string, first) __attribute__((format(printf, string, first)))

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/** Lines above @level are dropped. Call before the first thread starts. Default: info. */
void log_set_level(enum log_level level);

/**
 * Nothing of @secret stands in any line from now on (base/redact.h). It stays the caller's, until
 * the next call. Call while there is one thread only.
 */
void log_hide(const char *secret);

/** From now on log to syslog instead of standard error. Call before the first thread starts. */
void log_to_syslog(void);

/** Whether the log goes to standard error: as long as log_to_syslog() was not called. */
bool log_is_on_stderr(void);

void log_write(enum log_level level, const char *format, ...) printf_like_(2, 3);

#define log_error(...)   log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
