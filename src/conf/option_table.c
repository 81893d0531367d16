/* SPDX-License-Identifier: MIT */
#include "conf/option_table.h"

#include <string.h>

#include "conf/url.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define FIELD(field) offsetof(struct draft, field)

#define KIB ((int64_t)1 << 10)
#define GIB ((int64_t)1 << 30)

static const char *const auth_words[] = {[AUTH_BEARER] = "bearer", [AUTH_GOOG] = "goog", NULL};
static const char *const resend_words[] = {[RESEND_ASK] = "ask", [RESEND_ALWAYS] = "always", NULL};
static const char *const level_words[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
    NULL,
};

/* clang-format off */
static const struct option_spec table[] = {
    {.name = "help", .letter = 'h', .action = true, .kind = OPTION_FLAG, .group = GROUP_START,
     .offset = FIELD(options.help),
     .help = "print this text and exit"},
    {.name = "version", .letter = 'V', .action = true, .kind = OPTION_FLAG, .group = GROUP_START,
     .offset = FIELD(options.version),
     .help = "print the version and exit"},
    {.name = "demo", .kind = OPTION_FLAG, .group = GROUP_START,
     .offset = FIELD(options.demo),
     .help = "mount a stand-in API on this machine: no key, no cost"},
    {.name = "check", .action = true, .kind = OPTION_FLAG, .group = GROUP_START,
     .offset = FIELD(options.check),
     .help = "check configuration, key and API without spending, and exit"},
    {.name = "print_config", .action = true, .kind = OPTION_FLAG, .group = GROUP_START,
     .offset = FIELD(options.print_config),
     .help = "print the configuration in force and exit"},
    {.name = "config", .action = true, .kind = OPTION_PATH, .group = GROUP_START,
     .offset = FIELD(config_file), .argument = "FILE",
     .help = "read this file in place of the two below"},

    {.name = "url", .kind = OPTION_TEXT, .group = GROUP_API,
     .offset = FIELD(url_text), .argument = "URL", .initial = url_default,
     .help = "address of the API, without /v1beta"},
    {.name = "api_key_file", .kind = OPTION_PATH, .group = GROUP_API,
     .offset = FIELD(options.api_key_file), .argument = "FILE",
     .help = "file with the API key, readable by you only"},
    {.name = "auth", .kind = OPTION_WORD, .group = GROUP_API,
     .offset = FIELD(options.auth), .argument = "WORD",
     .words = auth_words,
     .help = "how the key is sent: bearer or goog (goog at Google, else bearer)"},
    {.name = "models", .kind = OPTION_TEXT, .group = GROUP_API,
     .offset = FIELD(models_text), .argument = "LIST", .initial = models_default,
     .help = "models to mount (three by default); auto: all that the API has"},
    {.name = "allow_http", .kind = OPTION_FLAG, .group = GROUP_API,
     .offset = FIELD(options.allow_http),
     .help = "allow a plain http:// URL that is not on this machine"},
    {.name = "ca_file", .kind = OPTION_PATH, .group = GROUP_API,
     .offset = FIELD(options.ca_file), .argument = "FILE",
     .help = "more CA certificates to trust (PEM), as for a company's gateway"},
    {.name = "result_hosts", .kind = OPTION_HOSTS, .group = GROUP_API,
     .offset = FIELD(options.result_hosts), .argument = "LIST",
     .help = "hosts in private networks that may serve result pictures"},
    {.name = "timeout", .kind = OPTION_NUMBER, .group = GROUP_API,
     .offset = FIELD(options.timeout_s), .argument = "SECONDS", .initial = "600",
     .low = 1, .high = 86400, .unit = "seconds",
     .help = "give up a request after this long"},
    {.name = "connect_timeout", .kind = OPTION_NUMBER, .group = GROUP_API,
     .offset = FIELD(options.connect_timeout_s), .argument = "SECONDS", .initial = "15",
     .low = 1, .high = 600, .unit = "seconds",
     .help = "give up connecting after this long"},
    {.name = "max_request", .kind = OPTION_BYTES, .group = GROUP_API,
     .offset = FIELD(options.max_request_bytes), .argument = "BYTES", .initial = "20M",
     .low = KIB, .high = 2 * GIB, .unit = "bytes",
     .help = "largest request, references included"},
    {.name = "max_response", .kind = OPTION_BYTES, .group = GROUP_API,
     .offset = FIELD(options.max_response_bytes), .argument = "BYTES", .initial = "256M",
     .low = KIB, .high = 16 * GIB, .unit = "bytes",
     .help = "largest answer, and largest picture by URL"},

    {.name = "settle", .kind = OPTION_NUMBER, .group = GROUP_JOBS,
     .offset = FIELD(options.settle_ms), .argument = "MS", .initial = "200",
     .low = 0, .high = 60000, .unit = "milliseconds",
     .help = "a job starts when its directory was quiet for this long"},
    {.name = "max_in_flight", .kind = OPTION_NUMBER, .group = GROUP_JOBS,
     .offset = FIELD(options.max_in_flight), .argument = "COUNT", .initial = "16",
     .low = 1, .high = 4096, .unit = "requests",
     .help = "most requests at the same time"},
    {.name = "max_in_flight_per_model", .kind = OPTION_NUMBER, .group = GROUP_JOBS,
     .offset = FIELD(options.max_in_flight_per_model), .argument = "COUNT", .initial = "0",
     .low = 0, .high = 4096, .unit = "requests",
     .help = "most of them to one model; 0: no limit but the first"},
    {.name = "requests_per_minute", .kind = OPTION_NUMBER, .group = GROUP_JOBS,
     .offset = FIELD(options.requests_per_minute), .argument = "COUNT", .initial = "0",
     .low = 0, .high = 100000, .unit = "requests",
     .help = "most requests in a minute; 0: no limit"},
    {.name = "images_per_day", .kind = OPTION_NUMBER, .group = GROUP_JOBS,
     .offset = FIELD(options.images_per_day), .argument = "COUNT", .initial = "200",
     .low = 0, .high = 1000000, .unit = "pictures",
     .help = "most pictures asked for in a day; 0: no limit"},
    {.name = "user_images_per_day", .kind = OPTION_NUMBER, .group = GROUP_JOBS,
     .offset = FIELD(options.user_images_per_day), .argument = "COUNT", .initial = "0",
     .low = 0, .high = 1000000, .unit = "pictures",
     .help = "most of them for each user; 0: no limit but the first"},
    {.name = "user_unfinished_jobs", .kind = OPTION_NUMBER, .group = GROUP_JOBS,
     .offset = FIELD(options.user_unfinished_jobs), .argument = "COUNT", .initial = "0",
     .low = 0, .high = 1000000, .unit = "pictures",
     .help = "most unfinished pictures of each user; 0: no limit"},
    {.name = "user_bytes", .kind = OPTION_BYTES, .group = GROUP_JOBS,
     .offset = FIELD(options.user_bytes), .argument = "BYTES", .initial = "0",
     .low = 0, .high = 1024 * 1024 * GIB, .unit = "bytes",
     .help = "most that each user may keep in the mount; 0: no limit"},
    {.name = "retry_server_errors", .kind = OPTION_NUMBER, .group = GROUP_JOBS,
     .offset = FIELD(options.retry_server_errors), .argument = "COUNT", .initial = "0",
     .low = 0, .high = 100, .unit = "tries",
     .help = "more tries after server errors that may have been charged"},
    {.name = "resend", .kind = OPTION_WORD, .group = GROUP_JOBS,
     .offset = FIELD(options.resend), .argument = "WORD", .initial = "ask",
     .words = resend_words,
     .help = "what a crash cut off: ask, or always send it again"},
    {.name = "drain", .kind = OPTION_NUMBER, .group = GROUP_JOBS,
     .offset = FIELD(options.drain_s), .argument = "SECONDS", .initial = "300",
     .low = 0, .high = 86400, .unit = "seconds",
     .help = "when stopped, wait this long for requests under way"},
    {.name = "disk_reserve", .kind = OPTION_NUMBER, .group = GROUP_JOBS,
     .offset = FIELD(options.disk_reserve_percent), .argument = "PERCENT", .initial = "5",
     .low = 0, .high = 90, .unit = "percent of the store's file system",
     .help = "refuse prompts while less than this is free"},
    {.name = "answer_room", .kind = OPTION_BYTES, .group = GROUP_JOBS,
     .offset = FIELD(options.answer_room_bytes), .argument = "BYTES", .initial = "32M",
     .low = 0, .high = 16 * GIB, .unit = "bytes",
     .help = "set this aside for an answer before asking for it"},
    {.name = "keep_records", .kind = OPTION_NUMBER, .group = GROUP_JOBS,
     .offset = FIELD(options.keep_records_days), .argument = "DAYS", .initial = "365",
     .low = 0, .high = 36500, .unit = "days",
     .help = "keep the records of finished jobs; 0: for ever"},

    {.name = "store", .kind = OPTION_PATH, .group = GROUP_RUN,
     .offset = FIELD(options.store), .argument = "DIR",
     .help = "where everything is kept (~/.local/share/easelfs)"},
    {.name = "shared", .kind = OPTION_FLAG, .group = GROUP_RUN,
     .offset = FIELD(options.shared),
     .help = "one mount for all users, each with a place of their own"},
    {.name = "foreground", .letter = 'f', .kind = OPTION_FLAG, .group = GROUP_RUN,
     .offset = FIELD(options.foreground),
     .help = "stay in the foreground, log to standard error"},
    {.name = "debug", .letter = 'd', .kind = OPTION_FLAG, .group = GROUP_RUN,
     .offset = FIELD(options.debug),
     .help = "as -f, and log everything"},
    {.name = "single_threaded", .letter = 's', .kind = OPTION_FLAG, .group = GROUP_RUN,
     .offset = FIELD(options.single_threaded),
     .help = "answer the kernel with one thread"},
    {.name = "log_level", .kind = OPTION_WORD, .group = GROUP_RUN,
     .offset = FIELD(options.log_level), .argument = "WORD", .initial = "info",
     .words = level_words,
     .help = "what is logged: error, warning, info or debug"},
    {.name = "debuggable", .kind = OPTION_FLAG, .group = GROUP_RUN,
     .offset = FIELD(options.debuggable),
     .help = "allow debuggers and core dumps, which have the key in them"},
    {.name = "keep_privileges", .kind = OPTION_FLAG, .group = GROUP_RUN,
     .offset = FIELD(options.keep_privileges),
     .help = "do not give up privileges once mounted, for debugging"},
    {.name = "no_landlock", .kind = OPTION_FLAG, .group = GROUP_RUN,
     .offset = FIELD(options.no_landlock),
     .help = "do not confine it to its own files, for debugging"},
    {.name = "no_seccomp", .kind = OPTION_FLAG, .group = GROUP_RUN,
     .offset = FIELD(options.no_seccomp),
     .help = "do not filter its system calls, for debugging"},
    {.name = "fuse_options", .kind = OPTION_FUSE, .group = GROUP_RUN,
     .offset = FIELD(options.fuse_options), .argument = "LIST",
     .help = "mount options, as in allow_other,ro"},
};
/* clang-format on */

const struct option_spec *option_table(size_t *ret_count)
{
    *ret_count = ARRAY_SIZE(table);
    return table;
}

static char plain(char c)
{
    return c == '-' ? '_' : c;
}

static bool is_same_name(const char *name, const char *written, size_t length)
{
    if (strlen(name) != length)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (name[i] != plain(written[i]))
            return false;
    }
    return true;
}

/* mount(8) takes `shared` for itself, and does not hand it on. */
static const char shared_alias[] = "multiuser";

const struct option_spec *option_find(const char *name, size_t length)
{
    if (is_same_name(shared_alias, name, length))
        return option_find("shared", strlen("shared"));
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (is_same_name(table[i].name, name, length))
            return &table[i];
    }
    return NULL;
}

const struct option_spec *option_find_letter(char letter)
{
    for (size_t i = 0; letter && i < ARRAY_SIZE(table); i++) {
        if (table[i].letter == letter)
            return &table[i];
    }
    return NULL;
}

#define NEAREST_MAX_BYTES 32

/* Levenshtein's distance, one row at a time. Both names are at most NEAREST_MAX_BYTES long. */
static size_t distance(const char *name, const char *written, size_t length)
{
    size_t row[NEAREST_MAX_BYTES + 1];

    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 0; name[i]; i++) {
        size_t diagonal = row[0];

        row[0] = i + 1;
        for (size_t j = 0; j < length; j++) {
            size_t changed = diagonal + (name[i] != plain(written[j]));
            size_t shorter = (row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;

            diagonal = row[j + 1];
            row[j + 1] = changed < shorter ? changed : shorter;
        }
    }
    return row[length];
}

const char *option_nearest(const char *name, size_t length)
{
    const char *nearest = NULL;
    size_t least = length < 6 ? 2 : 4; /* no nearer than that is no likeness */

    if (length > NEAREST_MAX_BYTES)
        return NULL;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        size_t far = distance(table[i].name, name, length);
        if (far < least) {
            least = far;
            nearest = table[i].name;
        }
    }
    return nearest;
}
