/* SPDX-License-Identifier: MIT */
#include "demo.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/log.h"

#define STANDIN_NAME "easelfs-standin"
/* Long enough to see that something is going on, short enough to play with. */
#define STANDIN_DELAY_MS "2000"

extern char **environ;

/* The stand-in beside this program, where it was built or installed with it. */
static const char *find_standin(char path[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - sizeof(STANDIN_NAME) - 1);
    char *slash;

    if (length < 0)
        return STANDIN_NAME;
    path[length] = '\0';
    slash = strrchr(path, '/');
    if (!slash)
        return STANDIN_NAME;
    memcpy(slash + 1, STANDIN_NAME, sizeof(STANDIN_NAME));
    return access(path, X_OK) == 0 ? path : STANDIN_NAME;
}

static int spawn(const char *program, int stdin_fd, int stdout_fd, int *ret_pid)
{
    char *const arguments[] = {(char *)STANDIN_NAME, (char *)"--exit-with-stdin", (char *)"--delay",
                               (char *)STANDIN_DELAY_MS, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    pid_t pid;
    int error;

    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, stdin_fd, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, stdout_fd, STDOUT_FILENO);
    /* Whoever starts us in the background may read what we print to its end. */
    if (!log_is_on_stderr())
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0); /* Ctrl-C is for us: it is needed until the end */
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    error = -posix_spawnp(&pid, program, &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (!error)
        *ret_pid = pid;
    return error;
}

/* Its first line is its URL. */
static int read_url(int fd, char url[DEMO_URL_SIZE])
{
    cleanup_fclose FILE *file = fdopen(fd, "r");

    if (!file) {
        close(fd);
        return -ENOMEM;
    }
    if (!fgets(url, DEMO_URL_SIZE, file) || !strchr(url, '\n'))
        return -EPROTO;
    *strchr(url, '\n') = '\0';
    return strncmp(url, "http://127.0.0.1:", 17) == 0 ? 0 : -EPROTO;
}

int demo_start(struct demo *ret_demo, struct failure *failure)
{
    struct demo demo = {.stdin_fd = -1};
    char path[PATH_MAX];
    int to[2];
    int from[2];
    int error;

    if (pipe2(to, O_CLOEXEC) < 0)
        return failure_set_errno(failure, -errno, STANDIN_NAME);
    if (pipe2(from, O_CLOEXEC) < 0) {
        error = -errno;
        close(to[0]);
        close(to[1]);
        return failure_set_errno(failure, error, STANDIN_NAME);
    }
    error = spawn(find_standin(path), to[0], from[1], &demo.pid);
    close(to[0]);
    close(from[1]);
    demo.stdin_fd = to[1];
    if (error)
        close(from[0]);
    else
        error = read_url(from[0], demo.url);
    if (error) {
        demo_stop(&demo);
        return failure_set(failure, error, "The stand-in API (%s) did not start.", STANDIN_NAME);
    }
    *ret_demo = demo;
    return 0;
}

void demo_stop(struct demo *demo)
{
    if (demo->stdin_fd >= 0)
        close(demo->stdin_fd);
    demo->stdin_fd = -1;
    if (demo->pid > 0)
        waitpid(demo->pid, NULL, 0);
    demo->pid = 0;
}
