/* SPDX-License-Identifier: MIT */
#include "mount/request_limit.h"

#include <fcntl.h>
#include <string.h>

#include "base/buf.h"
#include "base/io.h"
#include "conf/number.h"

#define MS_PER_S       1000
#define TEXT_MAX_BYTES 64

static int64_t read_seconds(int directory_fd, const char *name)
{
    cleanup_buf struct buf text = {.max = TEXT_MAX_BYTES};
    int64_t seconds = 0;

    if (io_read_file(directory_fd, name, &text))
        return 0;
    if (number_parse(buf_text(&text), strcspn(buf_text(&text), "\n"), 0, UINT32_MAX, &seconds))
        return 0;
    return seconds;
}

int64_t request_limit_ms(const char *directory)
{
    cleanup_close int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int64_t usual, most;

    if (fd < 0)
        return 0;
    usual = read_seconds(fd, "default_request_timeout");
    most = read_seconds(fd, "max_request_timeout");
    if (!usual || (most && most < usual))
        usual = most;
    return usual * MS_PER_S;
}

/* The kernel counts from when the request was made, and looks now and then. */
int64_t request_patience_ms(int64_t limit_ms)
{
    return limit_ms - limit_ms / 4;
}
