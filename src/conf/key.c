/* SPDX-License-Identifier: MIT */
#include "conf/key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

static const char variable[] = "EASELFS_API_KEY";

/* A key, CR LF, and one byte more, which tells a longer file from one at the limit. */
#define READ_MAX_BYTES (KEY_MAX_BYTES + 3)

/* With their NUL they have room for any of these. */
#define HEADER_NAME_SIZE 32

static const char *const header_names[] = {
    [AUTH_BEARER] = "Authorization: Bearer ",
    [AUTH_GOOG] = "x-goog-api-key: ",
};

/* What the stand-in of --demo is sent, which takes any. */
static const char *const demo_headers[] = {
    [AUTH_BEARER] = "Authorization: Bearer demo",
    [AUTH_GOOG] = "x-goog-api-key: demo",
};

/* Lives in a mapping of its own, so that nothing else is locked, left out of dumps or wiped. */
struct key {
    size_t length;
    char text[READ_MAX_BYTES + 1];
    char headers[sizeof(header_names) / sizeof(header_names[0])][HEADER_NAME_SIZE + READ_MAX_BYTES];
};

static struct key *key_create(void)
{
    struct key *key =
        mmap(NULL, sizeof(*key), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (key == MAP_FAILED)
        return NULL;
    madvise(key, sizeof(*key), MADV_DONTDUMP);
    mlock(key, sizeof(*key));
    return key;
}

/* It only lessens what a thief finds: a small RLIMIT_MEMLOCK is no reason to refuse. */
void key_settle(const struct key *key)
{
    if (mlock(key, sizeof(*key)) < 0)
        log_info("the API key's memory cannot be locked, and may be swapped: %s",
                 error_text(-errno));
    madvise((void *)key, sizeof(*key), MADV_DONTFORK);
}

void key_destroy(struct key *key)
{
    if (!key)
        return;
    explicit_bzero(key, sizeof(*key));
    munmap(key, sizeof(*key));
}

const char *key_text(const struct key *key)
{
    return key->text;
}

const char *key_header(const struct key *key, int auth, bool demo)
{
    if (key)
        return key->headers[auth];
    return demo ? demo_headers[auth] : NULL;
}

/* Not by printf(3), which has buffers of its own. */
static void make_headers(struct key *key)
{
    for (size_t i = 0; i < sizeof(header_names) / sizeof(header_names[0]); i++) {
        size_t length = strlen(header_names[i]);

        memcpy(key->headers[i], header_names[i], length);
        memcpy(key->headers[i] + length, key->text, key->length + 1);
    }
}

/* Where a key came from, for sentences and checks. */
struct source {
    const char *name;      /* a path, or the variable */
    mode_t forbidden_mode; /* permission bits that make a file unfit */
};

static int check_file(int fd, const struct source *source, struct failure *failure)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return failure_set_errno(failure, -errno, source->name);
    if (!S_ISREG(status.st_mode))
        return failure_set(failure, -EINVAL, "The key file %s is not a regular file.",
                           source->name);
    if (status.st_uid != geteuid() && status.st_uid != 0) {
        failure_advise(failure, "Make it yours: chown it, or copy it with mode 600.");
        return failure_set(failure, -EPERM, "The key file %s belongs to another user.",
                           source->name);
    }
    if (status.st_mode & source->forbidden_mode) {
        failure_advise(failure, "chmod 600 %s", source->name);
        return failure_set(failure, -EPERM, "The key file %s can be used by others (mode %04o).",
                           source->name, (unsigned int)(status.st_mode & 07777));
    }
    return 0;
}

static int read_file(int fd, struct key *key)
{
    while (key->length < READ_MAX_BYTES) {
        ssize_t got = read(fd, key->text + key->length, READ_MAX_BYTES - key->length);

        if (got < 0 && errno != EINTR)
            return -errno;
        if (got == 0)
            break;
        if (got > 0)
            key->length += (size_t)got;
    }
    return 0;
}

/* Drop one line end; what remains must be fit for a header's value. */
static int check_text(struct key *key, const struct source *source, struct failure *failure)
{
    if (key->length && key->text[key->length - 1] == '\n')
        key->length--;
    if (key->length && key->text[key->length - 1] == '\r')
        key->length--;
    key->text[key->length] = '\0';
    if (key->length > KEY_MAX_BYTES)
        return failure_set(failure, -EFBIG, "The key in %s is longer than %d bytes.", source->name,
                           KEY_MAX_BYTES);
    if (key->length == 0)
        return failure_set(failure, -EINVAL, "%s is empty: there is no key in it.", source->name);
    for (size_t i = 0; i < key->length; i++) {
        if (key->text[i] <= ' ' || key->text[i] > '~')
            return failure_set(failure, -EINVAL,
                               "The key in %s has blanks, line ends or other bytes in it that no "
                               "key has.",
                               source->name);
    }
    return 0;
}

static int load_file(struct key *key, const struct source *source, struct failure *failure)
{
    /* O_NONBLOCK: a fifo is to be refused, not waited for. */
    cleanup_close int fd = open(source->name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    int error;

    if (fd < 0)
        return failure_set_errno(failure, -errno, source->name);
    error = check_file(fd, source, failure);
    if (error)
        return error;
    error = read_file(fd, key);
    if (error)
        return failure_set_errno(failure, error, source->name);
    return check_text(key, source, failure);
}

/* @return 1 where there is no such credential; else as load_file(). */
static int load_credential(struct key *key, struct failure *failure)
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    cleanup_free char *path = NULL;
    struct source source = {.forbidden_mode = S_IRWXO};

    if (!directory || directory[0] != '/')
        return 1;
    if (asprintf(&path, "%s/api_key", directory) < 0) {
        path = NULL;
        return failure_set_errno(failure, -ENOMEM, "The API key");
    }
    if (access(path, F_OK) < 0 && errno == ENOENT)
        return 1;
    source.name = path;
    return load_file(key, &source, failure);
}

static const char *find_value(const char *entry)
{
    size_t length = sizeof(variable) - 1;

    return strncmp(entry, variable, length) == 0 && entry[length] == '=' ? entry + length + 1
                                                                         : NULL;
}

/* @return 1 where the variable is not set or empty. */
static int load_variable(struct key *key, struct failure *failure)
{
    struct source source = {.name = variable};
    const char *value = getenv(variable);

    if (!value || !*value)
        return 1;
    key->length = strnlen(value, READ_MAX_BYTES);
    memcpy(key->text, value, key->length);
    return check_text(key, &source, failure);
}

/* The bytes that /proc/PID/environ shows are those that execve() put on the stack. */
static void wipe_variable(void)
{
    for (char **entry = environ; *entry; entry++) {
        const char *value = find_value(*entry);
        if (value)
            explicit_bzero(*entry + (value - *entry), strlen(value));
    }
    unsetenv(variable);
}

static int load(const char *file, struct key *key, struct failure *failure)
{
    int result;

    if (file) {
        struct source source = {.name = file, .forbidden_mode = S_IRWXG | S_IRWXO};
        return load_file(key, &source, failure);
    }
    result = load_credential(key, failure);
    if (result == 1)
        result = load_variable(key, failure);
    if (result == 1) {
        failure_advise(failure, "Save the key in a file of mode 600 and name it as api_key_file "
                                "in the configuration, or set EASELFS_API_KEY.");
        return failure_set(failure, -ENOKEY, "There is no API key.");
    }
    return result;
}

int key_load(const char *file, struct key **ret_key, struct failure *failure)
{
    cleanup_key struct key *key = key_create();
    int error = key ? load(file, key, failure) : failure_set_errno(failure, -ENOMEM, "The API key");

    wipe_variable();
    if (error)
        return error;
    make_headers(key);
    *ret_key = steal_ptr(key);
    return 0;
}
