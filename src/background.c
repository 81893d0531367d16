/* SPDX-License-Identifier: MIT */
#include "background.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/exit.h"

/* Until the child is ready or gone. Whoever starts it may end it before: it has left the terminal.
 */
static bool becomes_ready(pid_t pid, int ready_fd)
{
    struct pollfd sources[2] = {{.fd = ready_fd, .events = POLLIN}, {.events = POLLIN}};
    struct signalfd_siginfo info;
    sigset_t signals;
    char byte;

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    sources[1].fd = signalfd(-1, &signals, SFD_CLOEXEC);
    while (poll(sources, 2, -1) < 0 || !sources[0].revents) {
        if (sources[1].revents && read(sources[1].fd, &info, sizeof(info)) == sizeof(info))
            kill(pid, SIGTERM);
    }
    return read(ready_fd, &byte, 1) == 1;
}

/* The parent's whole rest of life. */
static void wait_for_child(pid_t pid, int ready_fd)
{
    int status = 0;

    if (becomes_ready(pid, ready_fd))
        _exit(EXIT_STATUS_OK);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    _exit(WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : EXIT_STATUS_FAILURE);
}

int background_start(int *ret_ready_fd, struct failure *failure)
{
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return failure_set_errno(failure, -errno, "easelfs");
    pid = fork();
    if (pid < 0)
        return failure_set_errno(failure, -errno, "easelfs");
    if (pid > 0) {
        close(ends[1]);
        wait_for_child(pid, ends[0]);
    }
    close(ends[0]);
    setsid();
    *ret_ready_fd = ends[1];
    return 0;
}

void background_ready(int ready_fd)
{
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null_fd >= 0) {
        dup2(null_fd, STDIN_FILENO);
        dup2(null_fd, STDOUT_FILENO);
        dup2(null_fd, STDERR_FILENO);
        close(null_fd);
    }
    if (write(ready_fd, "", 1) != 1)
        log_warning("whoever started easelfs is gone");
    close(ready_fd);
}
