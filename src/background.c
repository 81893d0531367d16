/* SPDX-License-Identifier: MIT */
#include "background.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/exit.h"

/* The parent's whole rest of life. */
static void wait_for_child(pid_t pid, int ready_fd)
{
    int status = 0;
    char byte;
    ssize_t got;

    do {
        got = read(ready_fd, &byte, 1);
    } while (got < 0 && errno == EINTR);
    if (got == 1)
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
