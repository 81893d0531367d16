/* SPDX-License-Identifier: MIT
 *
 * Configuration files, the whole way: a file is read as `--config`, and where it is accepted its
 * options are printed, read again and printed again, which must give the same.
 */
#include "fuzz_common.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "conf/ini_file.h"
#include "conf/options.h"

/* One file for all runs: descriptor and --config. */
static int config_fd = -1;
static char config_argument[64];

static void open_config(void)
{
    config_fd = memfd_create("config", MFD_CLOEXEC);
    CHECK(config_fd >= 0 && fchmod(config_fd, 0600) == 0);
    snprintf(config_argument, sizeof(config_argument), "--config=/proc/self/fd/%d", config_fd);
    setenv("HOME", "/home/of/nobody", 1);
    unsetenv("XDG_DATA_HOME");
}

static enum exit_status parse(const void *text, size_t length, const struct options **options,
                              struct failure *failure)
{
    static char program[] = "easelfs";
    static char mountpoint[] = "/mnt";
    char *argv[] = {program, config_argument, mountpoint, NULL};

    CHECK(ftruncate(config_fd, 0) == 0 && lseek(config_fd, 0, SEEK_SET) == 0);
    CHECK(io_write_all(config_fd, text, length) == 0);
    failure_init(failure);
    return options_parse(3, argv, options, failure);
}

static void print(const struct options *options, struct buf *buf)
{
    buf_init(buf, 1 << 24);
    CHECK(options_print_config(options, buf) == 0);
}

/* What INI cannot say in one line, as ini_file_print() has it. */
static bool is_beyond_ini(const struct buf *text)
{
    if (text->length > INI_FILE_MAX_BYTES || strchr(buf_text(text), ';'))
        return true;
    for (const char *line = buf_text(text); *line; line++) {
        size_t length = strcspn(line, "\n");

        if (length > INI_FILE_LINE_MAX_BYTES || strncmp(line, " #", 2) == 0)
            return true;
        line += length;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct options *first = NULL;
    const struct options *second = NULL;
    struct failure failure;
    cleanup_buf struct buf text = {0};
    cleanup_buf struct buf again = {0};

    if (config_fd < 0)
        open_config();
    if (parse(data, size, &first, &failure) != EXIT_STATUS_OK) {
        CHECK(failure.error < 0 && failure.text[0] && !strchr(failure.text, '\n'));
        return 0;
    }
    print(first, &text);
    options_destroy(first);
    if (is_beyond_ini(&text))
        return 0;
    CHECK(parse(buf_text(&text), text.length, &second, &failure) == EXIT_STATUS_OK);
    print(second, &again);
    options_destroy(second);
    CHECK(strcmp(buf_text(&again), buf_text(&text)) == 0);
    return 0;
}
