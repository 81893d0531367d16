/* SPDX-License-Identifier: MIT */
#include "notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/failure.h"

#define MESSAGE_SIZE 512

static struct sockaddr_un address; /* sun_family 0: nobody asked for messages */
static socklen_t address_length;

void notify_open(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    size_t length = path ? strlen(path) : 0;

    /* A path, or a name in the abstract name space, for which '@' stands in place of its NUL. */
    if (length > 1 && length < sizeof(address.sun_path) && (*path == '/' || *path == '@')) {
        address.sun_family = AF_UNIX;
        memcpy(address.sun_path, path, length);
        address.sun_path[0] = *path == '@' ? '\0' : '/';
        address_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    }
    unsetenv("NOTIFY_SOCKET");
}

static void send_message(const char *message)
{
    cleanup_close int fd = -1;

    if (address.sun_family != AF_UNIX)
        return;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || sendto(fd, message, strlen(message), MSG_NOSIGNAL,
                         (const struct sockaddr *)&address, address_length) < 0)
        log_debug("the service manager cannot be told: %s", error_text(-errno));
}

void notify_ready(const char *status)
{
    char message[MESSAGE_SIZE];

    snprintf(message, sizeof(message), "READY=1\nSTATUS=%s\n", status);
    send_message(message);
}

void notify_stopping(const char *status, int64_t limit_ms)
{
    char message[MESSAGE_SIZE];

    snprintf(message, sizeof(message), "STOPPING=1\nEXTEND_TIMEOUT_USEC=%" PRId64 "\nSTATUS=%s\n",
             limit_ms * 1000, status);
    send_message(message);
}
