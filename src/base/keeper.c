/* SPDX-License-Identifier: MIT */
#include "base/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* As ps shows it; 15 bytes at the most. */
#define PROCESS_NAME "easelfs-keeper"

/* Where the keeper has its end of the socket: behind standard error. */
#define KEEPER_FD 3

/* /proc answers at once, but the keeper may have to wait for a processor; whoever asks is about to
   answer the kernel. */
#define READ_LIMIT_S 10
/* fusermount3 has to be started. */
#define UNMOUNT_LIMIT_S 30

/* "/proc/-2147483648/syscall" */
#define PATH_SIZE 32

struct keeper {
    int fd; /* SOCK_SEQPACKET: each request is one message, so that threads need no lock */
    pid_t pid;
};

enum wish { WISH_READ, WISH_UNMOUNT };

/* With it goes a descriptor that the answer is written to. */
struct request {
    enum wish wish;
    enum keeper_file file;
    pid_t thread;
};

/* --- the keeper's side --- */

/* @return the descriptor for the answer; -1 at the end. */
static int receive(struct request *request)
{
    char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec piece = {.iov_base = request, .iov_len = sizeof(*request)};
    struct msghdr message = {
        .msg_iov = &piece,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof(control),
    };
    const struct cmsghdr *header;
    ssize_t length;
    int fd;

    do
        length = recvmsg(KEEPER_FD, &message, MSG_CMSG_CLOEXEC);
    while (length < 0 && errno == EINTR);
    header = CMSG_FIRSTHDR(&message);
    if (length != sizeof(*request) || !header || header->cmsg_type != SCM_RIGHTS)
        return -1;
    memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    return fd;
}

static size_t read_line(const struct request *request, char line[KEEPER_LINE_SIZE])
{
    char path[PATH_SIZE];
    cleanup_fclose FILE *file = NULL;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)request->thread,
             request->file == KEEPER_SYSCALL ? "syscall" : "stat");
    file = fopen(path, "re");
    return file && fgets(line, KEEPER_LINE_SIZE, file) ? strlen(line) : 0;
}

/* Only its socket, and nothing that a terminal, a log or a lock would wait for. */
static bool let_go(int fd)
{
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null_fd < 0)
        return false;
    for (int i = 0; i < KEEPER_FD; i++)
        dup2(null_fd, i);
    if (fd != KEEPER_FD && dup3(fd, KEEPER_FD, O_CLOEXEC) < 0)
        return false;
    return close_range(KEEPER_FD + 1, UINT_MAX, 0) == 0 && chdir("/") == 0;
}

_Noreturn static void keep(const struct keeper_setup *setup, int fd)
{
    struct request request;
    int reply_fd;

    setpgid(0, 0); /* Ctrl-C is for the daemon */
    prctl(PR_SET_NAME, PROCESS_NAME);
    if (!let_go(fd))
        _exit(1);
    while ((reply_fd = receive(&request)) >= 0) {
        if (request.wish == WISH_UNMOUNT) {
            int error = setup->unmount(setup->mountpoint);

            send(reply_fd, &error, sizeof(error), MSG_NOSIGNAL);
        } else {
            char line[KEEPER_LINE_SIZE];

            send(reply_fd, line, read_line(&request, line), MSG_NOSIGNAL);
        }
        close(reply_fd);
    }
    _exit(0);
}

/* --- the daemon's side --- */

int keeper_start(const struct keeper_setup *setup, struct keeper **ret_keeper)
{
    cleanup_free struct keeper *keeper = calloc(1, sizeof(*keeper));
    int ends[2];

    if (!keeper)
        return -ENOMEM;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    keeper->fd = ends[0];
    keeper->pid = fork();
    if (keeper->pid == 0)
        keep(setup, ends[1]);
    close(ends[1]);
    if (keeper->pid < 0) {
        int error = -errno;

        close(ends[0]);
        return error;
    }
    *ret_keeper = steal_ptr(keeper);
    return 0;
}

static bool send_request(const struct keeper *keeper, const struct request *request, int reply_fd)
{
    char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec piece = {.iov_base = (void *)request, .iov_len = sizeof(*request)};
    struct msghdr message = {
        .msg_iov = &piece,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof(control),
    };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    ssize_t length;

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(reply_fd));
    memcpy(CMSG_DATA(header), &reply_fd, sizeof(reply_fd));
    do
        length = sendmsg(keeper->fd, &message, MSG_NOSIGNAL);
    while (length < 0 && errno == EINTR);
    return length == sizeof(*request);
}

/* @return bytes of the answer, or -1: no keeper, or none that answers in time. */
static ssize_t ask(const struct keeper *keeper, const struct request *request, time_t limit_s,
                   void *answer, size_t size)
{
    struct timeval limit = {.tv_sec = limit_s};
    cleanup_close int own = -1;
    cleanup_close int theirs = -1;
    ssize_t length;
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -1;
    own = ends[0];
    theirs = ends[1];
    setsockopt(own, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (!send_request(keeper, request, theirs))
        return -1;
    close(steal_fd(&theirs));
    do
        length = recv(own, answer, size, 0);
    while (length < 0 && errno == EINTR);
    return length;
}

bool keeper_read(const struct keeper *keeper, pid_t thread, enum keeper_file file,
                 char line[KEEPER_LINE_SIZE])
{
    const struct request request = {.wish = WISH_READ, .file = file, .thread = thread};
    ssize_t length = ask(keeper, &request, READ_LIMIT_S, line, KEEPER_LINE_SIZE - 1);

    if (length <= 0)
        return false;
    line[length] = '\0';
    return true;
}

int keeper_unmount(const struct keeper *keeper)
{
    const struct request request = {.wish = WISH_UNMOUNT};
    int error;

    if (ask(keeper, &request, UNMOUNT_LIMIT_S, &error, sizeof(error)) != sizeof(error))
        return -EPIPE;
    return error;
}

void keeper_stop(struct keeper *keeper)
{
    if (!keeper)
        return;
    close(keeper->fd);
    while (waitpid(keeper->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    free(keeper);
}
