/* SPDX-License-Identifier: MIT
 *
 * A mount that was handed over is found in mountinfo, by its number or, where the kernel does not
 * tell that, among all that the daemon's user has; and is not served without its options.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mount/handed.h"

#define FLAGS "rw,nosuid,nodev,noexec,relatime"
#define SUPER "rw,user_id=998,group_id=998,default_permissions,allow_other"
#define GOOD  "43 27 0:41 / /mnt " FLAGS " shared:5 - fuse.easelfs https://x " SUPER "\n"
#define OTHER                                                               \
    "27 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"               \
    "40 27 0:40 / /net rw - fuse.sshfs host: rw,user_id=998,group_id=998\n" \
    "41 27 0:39 / /theirs rw - fuse.easelfs x rw,user_id=1000,group_id=998\n"

/* @return as handed_parse(), with @ret_paths and the sentence in @failure. */
static int parse(const char *fdinfo, const char *mountinfo, bool shared, struct handed *ret_paths,
                 struct failure *failure)
{
    cleanup_fclose FILE *info = fdinfo ? fmemopen((void *)fdinfo, strlen(fdinfo), "r") : NULL;
    cleanup_fclose FILE *mounts = fmemopen((void *)mountinfo, strlen(mountinfo), "r");

    failure_init(failure);
    assert_non_null(mounts);
    return handed_parse(info, mounts, 998, shared, ret_paths, failure);
}

static void assert_paths(const char *fdinfo, const char *mountinfo, size_t count, const char *last)
{
    struct handed paths = {.abort_fd = -1};
    struct failure failure;

    assert_int_equal(parse(fdinfo, mountinfo, true, &paths, &failure), 0);
    assert_int_equal(paths.count, count);
    assert_string_equal(paths.path[count - 1], last);
    handed_fini(&paths);
}

static void assert_refused(const char *mountinfo, bool shared, int error, const char *sentence)
{
    struct handed paths = {.count = 7, .abort_fd = -1};
    struct failure failure;

    assert_int_equal(parse("pos:\t0\nfuse_connection:\t41\n", mountinfo, shared, &paths, &failure),
                     error);
    assert_string_equal(failure.text, sentence);
    assert_int_equal(paths.count, 7);
}

static void descriptors(void **state)
{
    (void)state;
    assert_int_equal(handed_descriptor("/dev/fd/3"), 3);
    assert_int_equal(handed_descriptor("/dev/fd/1000"), 1000);
    assert_int_equal(handed_descriptor("/dev/fd/"), -1);
    assert_int_equal(handed_descriptor("/dev/fd/3x"), -1);
    assert_int_equal(handed_descriptor("/dev/fd/-3"), -1);
    assert_int_equal(handed_descriptor("/dev/fd/99999999999999999999"), -1);
    assert_int_equal(handed_descriptor("/dev/fd"), -1);
    assert_int_equal(handed_descriptor("/mnt"), -1);
    assert_int_equal(handed_descriptor(NULL), -1);
}

static void by_its_number(void **state)
{
    (void)state;
    assert_paths("fuse_connection:\t41\n", OTHER GOOD, 1, "/mnt");
    assert_paths("fuse_connection: 41\n",
                 OTHER "43 27 0:41 / /a\\040b\\134\\011 " FLAGS " - fuse./opt/run x " SUPER "\n", 1,
                 "/a b\\\t");
    assert_refused(OTHER, true, -ENOENT, "The mount that was handed over is not to be seen.");
    assert_refused("", true, -ENOENT, "The mount that was handed over is not to be seen.");
    assert_refused("41\n1 2 0:41 / /mnt\n1 2 0:41 / /mnt rw -\n1 2 0:41 / /mnt rw - fuse.easelfs\n",
                   true, -ENOENT, "The mount that was handed over is not to be seen.");
}

static void among_one_s_own(void **state)
{
    (void)state;
    assert_paths(NULL, OTHER GOOD, 1, "/mnt");
    assert_paths("pos:\t0\n",
                 OTHER GOOD "44 27 0:42 / /two " FLAGS " - fuse./bin/easelfs x " SUPER "\n", 2,
                 "/two");
}

static void not_without_its_options(void **state)
{
    (void)state;
    assert_refused("1 2 0:41 / /mnt rw,relatime - fuse.easelfs x rw,user_id=998\n", true, -EPERM,
                   "/mnt was mounted without nosuid,nodev,noexec,default_permissions,allow_other.");
    assert_refused("1 2 0:41 / /mnt rw,nosuid,nodev - fuse.easelfs x " SUPER "\n", true, -EPERM,
                   "/mnt was mounted without noexec.");
    assert_refused("1 2 0:41 / /mnt " FLAGS " - fuse.easelfs x rw,allow_other\n", true, -EPERM,
                   "/mnt was mounted without default_permissions.");
    assert_refused("1 2 0:41 / /mnt " FLAGS " - fuse.easelfs x rw,allow_other\n", false, -EPERM,
                   "/mnt was mounted without default_permissions.");
    assert_refused("1 2 0:41 / /mnt " FLAGS " - fuse.easelfs x rw,default_permissions\n", true,
                   -EPERM, "/mnt was mounted without allow_other.");
}

/* One's own alone may do without allow_other. */
static void alone(void **state)
{
    struct handed paths = {.abort_fd = -1};
    struct failure failure;

    (void)state;
    assert_int_equal(parse("fuse_connection:\t41\n",
                           "1 2 0:41 / /mnt " FLAGS " - fuse.easelfs x rw,default_permissions\n",
                           false, &paths, &failure),
                     0);
    handed_fini(&paths);
}

static void as_many_as_there_may_be(void **state)
{
    cleanup_free char *text = calloc(HANDED_PATHS_MAX + 2, sizeof(GOOD));
    struct handed paths = {.abort_fd = -1};
    struct failure failure;

    (void)state;
    assert_non_null(text);
    for (int i = 0; i < HANDED_PATHS_MAX + 1; i++)
        strcat(text, GOOD);
    assert_int_equal(parse(NULL, text, true, &paths, &failure), 0);
    assert_int_equal(paths.count, HANDED_PATHS_MAX);
    handed_fini(&paths);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptors),     cmocka_unit_test(by_its_number),
        cmocka_unit_test(among_one_s_own), cmocka_unit_test(not_without_its_options),
        cmocka_unit_test(alone),           cmocka_unit_test(as_many_as_there_may_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
