/* SPDX-License-Identifier: MIT
 *
 * The exit statuses of easelfs, as man/easelfs.1 documents them: a script can tell what to mend.
 */
#ifndef EASELFS_CONF_EXIT_H
#define EASELFS_CONF_EXIT_H

enum exit_status {
    EXIT_STATUS_OK = 0,      /* mounted and cleanly unmounted; or --check, --help found no fault */
    EXIT_STATUS_FAILURE = 1, /* the mount failed, or anything not named below */
    EXIT_STATUS_USAGE = 2,   /* a wrong option or argument on the command line */
    EXIT_STATUS_CONFIG = 3,  /* a wrong line in a configuration file, or a URL that
                                redirects */
    EXIT_STATUS_KEY = 4,     /* the API key cannot be used, or is refused */
    EXIT_STATUS_STORE = 5,   /* the store is in use or cannot be used */
    EXIT_STATUS_STANDIN = 6, /* the stand-in API of --demo did not start */
};

#endif
