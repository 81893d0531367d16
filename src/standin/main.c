/* SPDX-License-Identifier: MIT
 *
 * easelfs-standin: an image API that paints what it is asked for, and plays every fault that one
 * can have. It shares no code with easelfs, so that a misreading of the API in one cannot hide the
 * same in the other.
 *
 *     main, options          lifetime and command line
 *     server, receive        HTTP by libmicrohttpd: requests in, answers out
 *     route                  what a request is for
 *     exchange, work         one request from its last byte to its answer's first
 *     request, members, json_check, base64, magic, model
 *                            the strict reading of a generateContent call
 *     vocabulary, directive, script, tally, early
 *                            what makes one answer differ from the usual one
 *     generate, forms, sparse, document, wrap
 *                            the answer's JSON
 *     fault, models, gallery errors, model lists, pictures by URL
 *     picture, paint, backdrop, lettering, thumbnail, encode, noise
 *                            the pictures
 *     transport, wire        transport faults and delays
 *     journal, sha256        the log
 *     answer, body, text, pool
 *                            what all of them are made of
 *
 * Threads: MHD's, one; the pool's, one for each processor; the wire's, one; and this one, which
 * waits for the end.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "standin/options.h"
#include "standin/script.h"
#include "standin/server.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* Connections are descriptors; the soft limit is often 1024. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit))
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* What is heeded, as a descriptor. Blocked before there is a second thread, so in all. */
static int open_signals(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGUSR1);
    signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &signals, NULL))
        return -errno;
    return signalfd(-1, &signals, SFD_CLOEXEC);
}

/* Take a signal. @return whether it means the end. */
static bool take_signal(int signals, struct server *server)
{
    struct signalfd_siginfo signal;

    if (read(signals, &signal, sizeof(signal)) != sizeof(signal) || signal.ssi_signo != SIGUSR1)
        return true;
    server_hurry(server);
    return false;
}

/* Wait for a signal, or for the end of standard input where that is asked for. */
static void wait_for_end(int signals, bool with_stdin, struct server *server)
{
    struct pollfd polls[2] = {{.fd = signals, .events = POLLIN},
                              {.fd = with_stdin ? STDIN_FILENO : -1, .events = POLLIN}};
    char buffer[256];

    for (;;) {
        if (poll(polls, 2, -1) < 0) {
            if (errno == EINTR)
                continue;
            return;
        }
        if (polls[0].revents && take_signal(signals, server))
            return;
        if (polls[1].revents && read(STDIN_FILENO, buffer, sizeof(buffer)) <= 0 && errno != EINTR)
            return;
    }
}

static int load_script(const char *path, struct script **script)
{
    char reason[DIRECTIVE_REASON_SIZE] = "";
    int error = path ? script_load(path, script, reason) : 0;

    if (error)
        fprintf(stderr, "easelfs-standin: %s: %s\n", path, *reason ? reason : strerror(-error));
    return error;
}

static int run(const struct options *options)
{
    struct script *script = NULL;
    struct server *server = NULL;
    int signals;
    int error;

    if (load_script(options->script, &script))
        return EXIT_USAGE;
    raise_descriptor_limit();
    signals = open_signals();
    error = signals < 0 ? signals : server_start(options, script, &server);
    if (error) {
        fprintf(stderr, "easelfs-standin: cannot start: %s\n", strerror(-error));
    } else {
        printf("http://127.0.0.1:%u\n", server_port(server));
        fflush(stdout);
        wait_for_end(signals, options->exit_with_stdin, server);
    }
    server_stop(server);
    script_free(script);
    if (signals >= 0)
        close(signals);
    return error ? EXIT_FAILED : EXIT_OK;
}

int main(int argc, char **argv)
{
    struct options options;
    char problem[200];

    switch (options_parse(argc, argv, &options, problem)) {
    case OPTIONS_HELP:
        options_print_help();
        return EXIT_OK;
    case OPTIONS_VERSION:
        puts("easelfs-standin " EASELFS_VERSION);
        return EXIT_OK;
    case OPTIONS_BAD:
        fprintf(stderr, "easelfs-standin: %s\nTry easelfs-standin --help.\n", problem);
        return EXIT_USAGE;
    case OPTIONS_RUN:
        return run(&options);
    }
    return EXIT_USAGE;
}
