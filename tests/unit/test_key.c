/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "conf/key.h"

#define CANARY "sk-canary-0123456789"

struct place {
    char directory[64];
    char file[96];       /* in it */
    char credential[96]; /* in it, under the name that systemd gives */
};

static int make_place(void **state)
{
    struct place *place = calloc(1, sizeof(*place));

    if (!place)
        return -1;
    snprintf(place->directory, sizeof(place->directory), "/tmp/easelfs-key-XXXXXX");
    if (!mkdtemp(place->directory))
        return -1;
    snprintf(place->file, sizeof(place->file), "%s/key", place->directory);
    snprintf(place->credential, sizeof(place->credential), "%s/api_key", place->directory);
    unsetenv("CREDENTIALS_DIRECTORY");
    unsetenv("EASELFS_API_KEY");
    *state = place;
    return 0;
}

static int remove_place(void **state)
{
    struct place *place = *state;
    int error = io_remove_tree(AT_FDCWD, place->directory);

    free(place);
    return error;
}

static void write_file(const char *path, const void *data, size_t length, mode_t mode)
{
    cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(io_write_all(fd, data, length), 0);
    assert_int_equal(fchmod(fd, mode), 0);
}

static int load(const char *file, struct key **key, struct failure *failure)
{
    failure_init(failure);
    return key_load(file, key, failure);
}

static void no_key_anywhere(void **state)
{
    struct failure failure;
    struct key *key = NULL;

    (void)state;
    assert_int_equal(load(NULL, &key, &failure), -ENOKEY);
    assert_null(key);
    assert_string_equal(failure.text, "There is no API key.");
    assert_string_equal(failure.advice,
                        "Save the key in a file of mode 600 and name it as api_key_file in the "
                        "configuration, or set EASELFS_API_KEY.");
}

static void from_a_file(void **state)
{
    static const char *const texts[] = {CANARY, CANARY "\n", CANARY "\r\n"};
    const struct place *place = *state;

    for (size_t i = 0; i < 3; i++) {
        cleanup_key struct key *key = NULL;
        struct failure failure;

        write_file(place->file, texts[i], strlen(texts[i]), 0600);
        assert_int_equal(load(place->file, &key, &failure), 0);
        assert_string_equal(key_text(key), CANARY);
    }
}

static void a_file_that_others_can_use(void **state)
{
    static const mode_t modes[] = {0640, 0604, 0620, 0602, 0644, 0666};
    const struct place *place = *state;
    char expected[FAILURE_TEXT_SIZE];

    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        struct failure failure;
        struct key *key = NULL;

        write_file(place->file, CANARY, strlen(CANARY), modes[i]);
        assert_int_equal(load(place->file, &key, &failure), -EPERM);
        assert_null(key);
        snprintf(expected, sizeof(expected), "The key file %s can be used by others (mode %04o).",
                 place->file, (unsigned int)modes[i]);
        assert_string_equal(failure.text, expected);
        snprintf(expected, sizeof(expected), "chmod 600 %s", place->file);
        assert_string_equal(failure.advice, expected);
    }
}

static void a_file_of_another_user(void **state)
{
    const struct place *place = *state;
    struct failure failure;
    struct key *key = NULL;
    char expected[FAILURE_TEXT_SIZE];

    if (geteuid() != 0)
        skip(); /* only root can give a file away */
    write_file(place->file, CANARY, strlen(CANARY), 0600);
    assert_int_equal(chown(place->file, 12345, (gid_t)-1), 0);
    assert_int_equal(load(place->file, &key, &failure), -EPERM);
    snprintf(expected, sizeof(expected), "The key file %s belongs to another user.", place->file);
    assert_string_equal(failure.text, expected);
}

static void what_is_no_file(void **state)
{
    const struct place *place = *state;
    struct failure failure;
    struct key *key = NULL;
    char expected[FAILURE_TEXT_SIZE];

    assert_int_equal(load(place->file, &key, &failure), -ENOENT);
    snprintf(expected, sizeof(expected), "%s: No such file or directory.", place->file);
    assert_string_equal(failure.text, expected);
    assert_int_equal(load(place->directory, &key, &failure), -EINVAL);
    snprintf(expected, sizeof(expected), "The key file %s is not a regular file.",
             place->directory);
    assert_string_equal(failure.text, expected);
    assert_int_equal(mkfifo(place->file, 0600), 0);
    assert_int_equal(load(place->file, &key, &failure), -EINVAL); /* and does not wait */
    assert_null(key);
}

static void texts_that_are_no_key(void **state)
{
    static const struct {
        const char *text;
        size_t length;
    } rows[] = {
        {"", 0},     {"\n", 1},    {"\r\n", 2}, {"a b", 3},  {" a", 2},    {"a ", 2},
        {"a\nb", 3}, {"a\n\n", 3}, {"a\tb", 3}, {"a\0b", 3}, {"a\x7f", 2}, {"\xc3\xa9", 2},
    };
    const struct place *place = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct failure failure;
        struct key *key = NULL;

        write_file(place->file, rows[i].text, rows[i].length, 0600);
        assert_int_equal(load(place->file, &key, &failure), -EINVAL);
        assert_null(key);
    }
}

static void keys_have_a_limit(void **state)
{
    const struct place *place = *state;
    cleanup_key struct key *key = NULL;
    struct failure failure;
    char text[KEY_MAX_BYTES + 64];

    memset(text, 'k', sizeof(text));
    text[KEY_MAX_BYTES] = '\r';
    text[KEY_MAX_BYTES + 1] = '\n';
    write_file(place->file, text, KEY_MAX_BYTES + 2, 0600);
    assert_int_equal(load(place->file, &key, &failure), 0);
    assert_int_equal(strlen(key_text(key)), KEY_MAX_BYTES);
    key_destroy(key);
    key = NULL;
    memset(text, 'k', sizeof(text));
    write_file(place->file, text, KEY_MAX_BYTES + 1, 0600);
    assert_int_equal(load(place->file, &key, &failure), -EFBIG);
    write_file(place->file, text, sizeof(text), 0600);
    assert_int_equal(load(place->file, &key, &failure), -EFBIG);
    assert_null(key);
}

static void from_a_credential(void **state)
{
    const struct place *place = *state;
    cleanup_key struct key *key = NULL;
    struct failure failure;

    setenv("CREDENTIALS_DIRECTORY", place->directory, 1);
    setenv("EASELFS_API_KEY", "sk-from-the-environment", 1);
    write_file(place->credential, CANARY "\n", strlen(CANARY "\n"), 0440);
    assert_int_equal(load(NULL, &key, &failure), 0);
    assert_string_equal(key_text(key), CANARY);
    assert_null(getenv("EASELFS_API_KEY"));
}

static void a_credential_that_all_can_read(void **state)
{
    const struct place *place = *state;
    struct failure failure;
    struct key *key = NULL;

    setenv("CREDENTIALS_DIRECTORY", place->directory, 1);
    write_file(place->credential, CANARY, strlen(CANARY), 0444);
    assert_int_equal(load(NULL, &key, &failure), -EPERM);
}

static void a_file_goes_before_a_credential(void **state)
{
    const struct place *place = *state;
    cleanup_key struct key *key = NULL;
    struct failure failure;

    setenv("CREDENTIALS_DIRECTORY", place->directory, 1);
    write_file(place->credential, "other", 5, 0400);
    write_file(place->file, CANARY, strlen(CANARY), 0400);
    assert_int_equal(load(place->file, &key, &failure), 0);
    assert_string_equal(key_text(key), CANARY);
}

static void from_the_environment(void **state)
{
    const struct place *place = *state;
    cleanup_key struct key *key = NULL;
    struct failure failure;

    setenv("CREDENTIALS_DIRECTORY", place->directory, 1); /* without such a credential */
    setenv("EASELFS_API_KEY", CANARY, 1);
    assert_int_equal(load(NULL, &key, &failure), 0);
    assert_string_equal(key_text(key), CANARY);
    assert_null(getenv("EASELFS_API_KEY"));
}

static void an_empty_variable_is_no_key(void **state)
{
    struct failure failure;
    struct key *key = NULL;

    (void)state;
    setenv("EASELFS_API_KEY", "", 1);
    assert_int_equal(load(NULL, &key, &failure), -ENOKEY);
    assert_null(getenv("EASELFS_API_KEY"));
}

/* The strings that execve() made are still there after unsetenv(): /proc/PID/environ shows them. */
static void the_environment_is_wiped(void **state)
{
    static char first[] = "EASELFS_API_KEY=" CANARY;
    static char twin[] = "EASELFS_API_KEY=" CANARY "-again";
    static char other[] = "EASELFS_API_KEYS=kept";
    char *entries[] = {first, other, twin, NULL};
    char **saved = environ;
    const struct place *place = *state;
    cleanup_key struct key *key = NULL;
    struct failure failure;

    write_file(place->file, "from-file", 9, 0600);
    environ = entries;
    assert_int_equal(load(place->file, &key, &failure), 0);
    environ = saved;
    assert_string_equal(key_text(key), "from-file");
    assert_string_equal(first, "EASELFS_API_KEY=");
    assert_string_equal(twin, "EASELFS_API_KEY=");
    assert_string_equal(other, "EASELFS_API_KEYS=kept");
    assert_int_equal(first[sizeof(first) - 2], '\0');
}

static void the_environment_is_wiped_on_error_too(void **state)
{
    const struct place *place = *state;
    struct failure failure;
    struct key *key = NULL;

    setenv("EASELFS_API_KEY", CANARY, 1);
    assert_int_equal(load(place->file, &key, &failure), -ENOENT);
    assert_null(getenv("EASELFS_API_KEY"));
}

static void sentences_hold_nothing_of_the_key(void **state)
{
    static const char text[] = CANARY " " CANARY;
    const struct place *place = *state;
    struct failure failure;
    struct key *key = NULL;

    write_file(place->file, text, strlen(text), 0600);
    assert_int_equal(load(place->file, &key, &failure), -EINVAL);
    assert_null(memmem(&failure, sizeof(failure), "canary", strlen("canary")));
    setenv("EASELFS_API_KEY", text, 1);
    assert_int_equal(load(NULL, &key, &failure), -EINVAL);
    assert_string_equal(failure.text, "The key in EASELFS_API_KEY has blanks, line ends or other "
                                      "bytes in it that no key has.");
}

/* The flags of the mapping that holds @address, as the kernel has them. */
static void read_flags(const void *address, char flags[256])
{
    cleanup_fclose FILE *maps = fopen("/proc/self/smaps", "re");
    char line[512];
    bool found = false;

    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps)) {
        unsigned long low, high;

        if (sscanf(line, "%lx-%lx ", &low, &high) == 2)
            found = (uintptr_t)address >= low && (uintptr_t)address < high;
        if (found && sscanf(line, "VmFlags: %255[^\n]", flags) == 1)
            return;
    }
    fail_msg("no mapping");
}

static void the_memory_is_locked_and_left_out_of_dumps(void **state)
{
    const struct place *place = *state;
    cleanup_key struct key *key = NULL;
    struct failure failure;
    char flags[256];
    char *probe = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool can_lock;

    /* Not every machine lets us lock, and AddressSanitizer makes mlock(2) do nothing. */
    assert_ptr_not_equal(probe, MAP_FAILED);
    mlock(probe, 4096);
    read_flags(probe, flags);
    can_lock = strstr(flags, "lo") != NULL;
    munmap(probe, 4096);
    write_file(place->file, CANARY, strlen(CANARY), 0600);
    assert_int_equal(load(place->file, &key, &failure), 0);
    read_flags(key_text(key), flags);
    assert_non_null(strstr(flags, "dd"));
    assert_int_equal(strstr(flags, "lo") != NULL, can_lock);
}

/* Whether a child that is forked now would have the page of @text. */
static bool is_inherited(const char *text)
{
    uintptr_t page = (uintptr_t)text & ~(uintptr_t)4095;
    int status = -1;
    pid_t pid = fork();

    if (pid == 0)
        _exit(msync((void *)page, 1, MS_ASYNC) == 0); /* ENOMEM: nothing is mapped there */
    return pid < 0 || waitpid(pid, &status, 0) != pid || status != 0;
}

static void a_child_goes_on_with_it_and_its_children_do_not(void **state)
{
    const struct place *place = *state;
    cleanup_key struct key *key = NULL;
    struct failure failure;
    char parent[256];
    char child[256] = "";
    int status;
    pid_t pid;

    write_file(place->file, CANARY, strlen(CANARY), 0600);
    assert_int_equal(load(place->file, &key, &failure), 0);
    read_flags(key_text(key), parent);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        bool before = is_inherited(key_text(key));

        key_settle(key);
        read_flags(key_text(key), child);
        _exit(!before || is_inherited(key_text(key)) || strcmp(key_text(key), CANARY) != 0 ||
              !strstr(child, "dd") || (strstr(parent, "lo") && !strstr(child, "lo")));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void the_headers_are_in_the_same_memory(void **state)
{
    const struct place *place = *state;
    cleanup_key struct key *key = NULL;
    struct failure failure;
    uintptr_t first;

    assert_null(key_header(NULL, AUTH_BEARER, false));
    assert_string_equal(key_header(NULL, AUTH_BEARER, true), "Authorization: Bearer demo");
    assert_string_equal(key_header(NULL, AUTH_GOOG, true), "x-goog-api-key: demo");
    write_file(place->file, CANARY, strlen(CANARY), 0600);
    assert_int_equal(load(place->file, &key, &failure), 0);
    assert_string_equal(key_header(key, AUTH_BEARER, true), "Authorization: Bearer " CANARY);
    assert_string_equal(key_header(key, AUTH_GOOG, false), "x-goog-api-key: " CANARY);
    first = (uintptr_t)key_text(key);
    assert_in_range((uintptr_t)key_header(key, AUTH_BEARER, false) - first, 1, 16383);
    assert_in_range((uintptr_t)key_header(key, AUTH_GOOG, false) - first, 1, 16383);
}

static void destroying_nothing(void **state)
{
    (void)state;
    key_destroy(NULL);
}

#define each(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        each(no_key_anywhere),
        each(from_a_file),
        each(a_file_that_others_can_use),
        each(a_file_of_another_user),
        each(what_is_no_file),
        each(texts_that_are_no_key),
        each(keys_have_a_limit),
        each(from_a_credential),
        each(a_credential_that_all_can_read),
        each(a_file_goes_before_a_credential),
        each(from_the_environment),
        each(an_empty_variable_is_no_key),
        each(the_environment_is_wiped),
        each(the_environment_is_wiped_on_error_too),
        each(sentences_hold_nothing_of_the_key),
        each(the_memory_is_locked_and_left_out_of_dumps),
        each(a_child_goes_on_with_it_and_its_children_do_not),
        each(the_headers_are_in_the_same_memory),
        each(destroying_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
