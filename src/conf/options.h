/* SPDX-License-Identifier: MIT
 *
 * What the user asked for: defaults, then /etc/easelfs/easelfs.conf, then
 * $XDG_CONFIG_HOME/easelfs/easelfs.conf (~/.config where that is not set), then the command line,
 * as one struct that never changes afterwards. All of it comes from the table in conf/option_table:
 * long options, -o names, configuration keys, --help and --print-config. The API key is not here.
 */
#ifndef EASELFS_CONF_OPTIONS_H
#define EASELFS_CONF_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/failure.h"
#include "base/log.h"
#include "conf/exit.h"
#include "conf/models.h"

/** How the key is sent (API.md, section 1). */
enum auth { AUTH_BEARER, AUTH_GOOG };

/** What becomes of a job that may have been charged when the daemon died. */
enum resend { RESEND_ASK, RESEND_ALWAYS };

/** The most entries of `result_hosts`. */
#define OPTIONS_RESULT_HOSTS_MAX 64

/** All owned by the struct; read-only after options_parse(); may be read from every thread. */
struct options {
    /* What to do */
    bool help;            /* -h: print options_print_help() and exit; all else may be unset */
    bool version;         /* -V: print the version and exit; the same */
    bool print_config;    /* print options_print_config() and exit */
    bool check;           /* look whether all would work, spend nothing, exit */
    bool demo;            /* start the stand-in API and mount that; url is then not used */
    bool foreground;      /* -f; set by -d too */
    bool debug;           /* -d */
    bool single_threaded; /* -s */
    bool debuggable;      /* core dumps and debuggers are not refused */
    bool keep_privileges; /* no no_new_privs, and every capability kept */
    bool no_landlock;     /* files are not confined */
    bool no_seccomp;      /* system calls are not filtered */
    bool shared;          /* one mount for many users: fuse_options has allow_other then */
    int log_level;        /* enum log_level; debug where -d was given */

    /* Where */
    char *mountpoint; /* absolute unless NULL (none was needed and none given) */
    char *url;        /* normal form of conf/url.h */
    bool google;      /* url is Google's own API */
    bool allow_http;  /* plain http to another machine, for the API and for results */
    char *store; /* absolute; /var/lib/easelfs where shared and not set; a demo's ends with "-demo"
                    but from the command line */
    char *api_key_file; /* absolute; NULL = not set */
    char *ca_file;      /* absolute; NULL = not set: CA bundle beside the system's */

    /* Speaking to the API */
    int auth;                    /* enum auth */
    uint64_t timeout_s;          /* a whole call */
    uint64_t connect_timeout_s;  /* connecting, TLS included */
    uint64_t max_response_bytes; /* the longest answer, and the largest picture by URL */
    uint64_t max_request_bytes;  /* the longest request body */
    char **result_hosts;         /* "host" or "host:port", lower case; more hosts for results */
    size_t result_host_count;

    /* Jobs */
    struct model_list models;         /* each with its settings from the configuration */
    uint64_t settle_ms;               /* quiet time of a directory before a job starts */
    uint64_t max_in_flight;           /* calls at the same time */
    uint64_t max_in_flight_per_model; /* 0: no limit but that */
    uint64_t drain_s;                 /* how long a stop waits for what is in flight */
    int resend;                       /* enum resend */
    uint64_t retry_server_errors;     /* further tries after a 5xx that may have been charged */
    uint64_t images_per_day;          /* 0 = no limit */
    uint64_t user_images_per_day;     /* the same for each user */
    uint64_t user_bytes;              /* what each user may keep; 0 = no limit */
    uint64_t user_unfinished_jobs;    /* pictures that wait or are under way; 0 = no limit */
    uint64_t requests_per_minute;     /* 0 = no limit */
    uint64_t disk_reserve_percent;    /* prompts are refused while less of the disk is free */
    uint64_t answer_room_bytes; /* set aside for an answer before it is asked for; 0: nothing */
    uint64_t keep_records_days; /* finished jobs' records; 0 = for ever */

    char *fuse_options;        /* for libfuse's -o, comma-separated: "allow_other,ro"; never NULL */
    char *notes;               /* lines to be logged as warnings: what was left aside; never NULL */
    struct sections *sections; /* [settings] and [model NAME] as read; private to conf/ */
};

/**
 * Read command line and configuration files.
 *
 * Forms: `easelfs [OPTIONS] [URL] MOUNTPOINT`, options anywhere; and what mount(8) and mount.fuse3
 * call, `easelfs URL MOUNTPOINT -o OPTIONS`, where a URL of "none" is the configured one. Started
 * under a name that begins with "mount.", the short options mean what mount(8) means by them: -s
 * (sloppy) leaves out unknown -o names, -f (fake) is --check, -n, -v, -t TYPE and -N NS are
 * ignored.
 *
 * @ret_options  written on success; the caller calls options_destroy()
 * @failure      set on error: a sentence that names option and, where it is one, file and line
 *
 * @return EXIT_STATUS_OK, or the status to exit with: _USAGE, _CONFIG, or _FAILURE (no memory).
 */
enum exit_status options_parse(int argc, char *const argv[], const struct options **ret_options,
                               struct failure *failure);

/** Whether mount(8) calls: @program, argv[0], is named "mount.easelfs" or the like. */
bool options_is_mount_helper(const char *program);

/** Free; NULL is fine. */
void options_destroy(const struct options *options);

/**
 * The models of `models = auto`, once their names are known: each with its profile and the settings
 * of the configuration, as options->models has them otherwise. Names that cannot be a directory are
 * left out, and so are those above MODELS_MAX.
 *
 * @ret_list  written on success; the caller calls models_fini()
 *
 * @return 0, or -ENOMEM.
 */
int options_make_models(const struct options *options, const char *const names[], size_t count,
                        struct model_list *ret_list);

/** Append the text of --help. @return 0, or as buf_append(). */
int options_print_help(struct buf *buf);

/**
 * Append the options in force as a configuration file that would set them again. It holds no
 * secret: the key is no option. @return 0, or as buf_append().
 */
int options_print_config(const struct options *options, struct buf *buf);

static inline void options_cleanup(const struct options **options)
{
    options_destroy(*options);
}

#define cleanup_options cleanup_(options_cleanup)

#endif
