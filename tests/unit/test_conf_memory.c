/* SPDX-License-Identifier: MIT
 *
 * Memory that runs out: each allocation of conf/ and base/ fails in turn, in every parser. What
 * must come of it is -ENOMEM and nothing else; the sanitizers see to it that nothing is leaked.
 */
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
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "conf/key.h"
#include "conf/models.h"
#include "conf/options.h"
#include "conf/prompt.h"
#include "conf/settings.h"
#include "conf/url.h"

static int countdown; /* the allocation that fails; 0 = none */
static bool failed;   /* it came to that */

/* Also counted: what cmocka asks for between two scenarios, with the countdown at 0. */
static bool is_refused(void)
{
    if (countdown == 0 || --countdown > 0)
        return false;
    failed = true;
    return true;
}

/* The linker sends every call of NAME to __wrap_NAME, and __real_NAME to the C library. */
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
    return is_refused() ? NULL : __real_malloc(size);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return is_refused() ? NULL : __real_calloc(count, size);
}

void *__real_realloc(void *pointer, size_t size);
void *__wrap_realloc(void *pointer, size_t size);
void *__wrap_realloc(void *pointer, size_t size)
{
    return is_refused() ? NULL : __real_realloc(pointer, size);
}

void *__real_reallocarray(void *pointer, size_t count, size_t size);
void *__wrap_reallocarray(void *pointer, size_t count, size_t size);
void *__wrap_reallocarray(void *pointer, size_t count, size_t size)
{
    return is_refused() ? NULL : __real_reallocarray(pointer, count, size);
}

char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *__wrap_strdup(const char *text)
{
    return is_refused() ? NULL : __real_strdup(text);
}

char *__real_strndup(const char *text, size_t length);
char *__wrap_strndup(const char *text, size_t length);
char *__wrap_strndup(const char *text, size_t length)
{
    return is_refused() ? NULL : __real_strndup(text, length);
}

/* asprintf(3) leaves the pointer undefined on error: so does this, as unkindly as it can. */
int __wrap_asprintf(char **result, const char *format, ...) printf_like_(2, 3);
int __wrap_asprintf(char **result, const char *format, ...)
{
    va_list arguments;
    int length;

    if (is_refused()) {
        *result = (char *)1;
        return -1;
    }
    va_start(arguments, format);
    length = vasprintf(result, format, arguments);
    va_end(arguments);
    return length;
}

int __wrap___asprintf_chk(char **result, int flag, const char *format, ...) printf_like_(3, 4);
int __wrap___asprintf_chk(char **result, int flag, const char *format, ...)
{
    va_list arguments;
    int length;

    (void)flag;
    if (is_refused()) {
        *result = (char *)1;
        return -1;
    }
    va_start(arguments, format);
    length = vasprintf(result, format, arguments);
    va_end(arguments);
    return length;
}

/* Run @scenario with its 1st, 2nd, 3rd... allocation refused, until it needs no more of them. */
static void run(int (*scenario)(struct failure *failure))
{
    struct failure failure;
    int refusals = 0;
    int result;

    do {
        failure_init(&failure);
        failed = false;
        countdown = refusals + 1;
        result = scenario(&failure);
        countdown = 0;
        if (failed) {
            assert_int_equal(result, -ENOMEM);
            refusals++;
        }
    } while (failed);
    assert_int_equal(result, 0);
    assert_true(refusals > 0);
}

static const struct model_profile *pro(void)
{
    return models_find_profile("gemini-3-pro-image-preview", false);
}

static int set_each(struct failure *failure)
{
    static const char *const values[SETTING_MAX] = {
        "16:9", "2K",    "2",         "a\nb", "0.5", "1",   "3",   "4",
        "5",    "IMAGE", "Be brief.", "OFF",  "OFF", "OFF", "OFF",
    };
    cleanup_settings struct settings settings = {0};
    int error = 0;

    for (int i = 0; i < SETTING_MAX && !error; i++)
        error =
            settings_set(&settings, (enum setting)i, values[i], strlen(values[i]), pro(), failure);
    return error;
}

/* A refusal needs memory too: its sentence names what is allowed. */
static int refuse_each(struct failure *failure)
{
    cleanup_settings struct settings settings = {0};

    for (int i = 0; i < SETTING_MAX; i++) {
        int error = settings_set(&settings, (enum setting)i, "/", 1, pro(), failure);

        if (i != SETTING_SYSTEM_INSTRUCTION && error == 0)
            return -EDOM;
        if (error == -ENOMEM)
            return error;
    }
    return 0;
}

static int overlay(struct failure *failure)
{
    cleanup_settings struct settings base = {0};
    cleanup_settings struct settings over = {0};
    cleanup_settings struct settings copy = {0};
    int error = settings_set(&base, SETTING_SEED, "1", 1, pro(), failure);

    if (!error)
        error = settings_set_line(&over, SETTING_REFERENCES, "a, b", 4, pro(), failure);
    if (!error)
        error = settings_overlay(&base, &over);
    if (!error)
        error = settings_copy(&copy, &base);
    return error;
}

static int parse_prompt(struct failure *failure)
{
    static const char text[] = "---\nseed: 1\nreferences:\n - a\n - b\nimage_size: 2K\n---\nA cat";
    cleanup_prompt struct prompt prompt = {0};

    return prompt_parse(text, strlen(text), pro(), &prompt, failure);
}

static int parse_models(struct failure *failure)
{
    cleanup_models struct model_list list = {0};

    return models_parse("a, b/c=permissive, gemini-3-pro-image-preview", false, &list, failure);
}

static int normalise_url(struct failure *failure)
{
    cleanup_free char *url = NULL;

    return url_normalise("https://Gate.example:8443/way", false, &url, failure);
}

/* Named by the test that made it. */
static char directory[] = "/tmp/easelfs-memory-XXXXXX";

static int load_credential(struct failure *failure)
{
    cleanup_key struct key *key = NULL;

    setenv("CREDENTIALS_DIRECTORY", directory, 1);
    return key_load(NULL, &key, failure);
}

static int parse_options(struct failure *failure)
{
    static char arguments[][96] = {
        "easelfs", "--result-hosts=a b", "-o",  "allow_other,ro,drain=1,ca_file=~/x",
        "-f",      "https://h",          "mnt",
    };
    char *argv[8] = {0};
    cleanup_options const struct options *options = NULL;
    cleanup_models struct model_list list = {0};
    cleanup_buf struct buf text;
    static const char *const names[] = {"x", "y"};
    enum exit_status status;
    int error;

    for (size_t i = 0; i < 7; i++)
        argv[i] = arguments[i];
    buf_init(&text, 65536);
    status = options_parse(7, argv, &options, failure);
    if (status != EXIT_STATUS_OK)
        return status == EXIT_STATUS_FAILURE ? -ENOMEM : -EDOM;
    error = options_print_config(options, &text);
    if (!error)
        error = options_print_help(&text);
    if (!error)
        error = options_make_models(options, names, 2, &list);
    return error;
}

static void settings(void **state)
{
    (void)state;
    run(set_each);
    run(refuse_each);
    run(overlay);
}

static void prompts(void **state)
{
    (void)state;
    run(parse_prompt);
}

static void models(void **state)
{
    (void)state;
    run(parse_models);
}

static void urls(void **state)
{
    (void)state;
    run(normalise_url);
}

static void write_file(const char *name, const char *text)
{
    cleanup_close int dirfd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_true(dirfd >= 0);
    assert_int_equal(io_replace_file(dirfd, name, text, strlen(text), 0600), 0);
}

static void keys(void **state)
{
    (void)state;
    write_file("api_key", "sk-canary\n");
    run(load_credential);
}

static void options(void **state)
{
    char path[64];

    (void)state;
    snprintf(path, sizeof(path), "%s/easelfs", directory);
    assert_int_equal(mkdir(path, 0700), 0);
    write_file("easelfs/easelfs.conf",
               "models = a, b\nstore = ~/store\nresult_hosts = c\nfuse_options = noatime\n"
               "[settings]\nimage_size = 2K\nsystem_instruction = one\n two\n"
               "[model b]\nprofile = gemini-2.5-flash-image\nimage_size = 1K\n"
               "[model unused]\nseed = 1\n");
    setenv("XDG_CONFIG_HOME", directory, 1);
    setenv("HOME", "/home/of/nobody", 1);
    run(parse_options);
}

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    return io_remove_tree(AT_FDCWD, directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings), cmocka_unit_test(prompts), cmocka_unit_test(models),
        cmocka_unit_test(urls),     cmocka_unit_test(keys),    cmocka_unit_test(options),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
