/* SPDX-License-Identifier: MIT
 *
 * Owners on record: what a new file inherits, what is kept, and what is made of damage.
 */
#include "store_place.h"

#include <errno.h>
#include <sys/xattr.h>

#include "store/ownership.h"

#define DAEMON 998

static struct ownership inherit(mode_t type, mode_t parent_mode, gid_t parent_gid, mode_t mode)
{
    const struct ownership parent = {1000, parent_gid, parent_mode};
    const struct ownership maker = {1001, 1002, mode};
    struct ownership own;

    ownership_inherit(&parent, &maker, type, DAEMON, &own);
    assert_int_equal(own.uid, 1001);
    return own;
}

static void assert_owned(struct ownership own, gid_t gid, mode_t mode)
{
    assert_int_equal(own.gid, gid);
    assert_int_equal(own.mode, mode);
}

static void what_new_files_have(void **state)
{
    (void)state;
    assert_owned(inherit(S_IFREG, 0770, DAEMON, 0640), 1002, 0640);
    assert_owned(inherit(S_IFREG, 0770, DAEMON, 04755), 1002, 04755);
    assert_owned(inherit(S_IFREG, 02770, 1234, 0640), 1234, 0640);
    assert_int_equal(ownership_store_mode(S_IFREG | 0644), 0600);
}

/* Results can enter, whatever the umask; a directory of another group is not opened to that. */
static void what_new_directories_have(void **state)
{
    (void)state;
    assert_owned(inherit(S_IFDIR, 0770, DAEMON, 0700), DAEMON, 0770);
    assert_owned(inherit(S_IFDIR, 0770, 5, 0755), DAEMON, 0775);
    assert_owned(inherit(S_IFDIR, 02770, DAEMON, 0), DAEMON, 02070);
    assert_owned(inherit(S_IFDIR, 02770, 1234, 0700), 1234, 02700);
    assert_owned(inherit(S_IFDIR, 0770, DAEMON, 01700), DAEMON, 01770);
    assert_int_equal(ownership_store_mode(S_IFDIR | 0755), 0700);
}

static int open_path(const struct place *place, const char *name)
{
    int fd = openat(place->fd, name, O_PATH | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

static void what_is_recorded_is_read(void **state)
{
    const struct ownership all[] = {{0, 0, 0}, {1000, 100, 0644}, {4294967294, 4294967294, 07777}};
    const struct place *place = *state;
    struct ownership own = {1, 2, 3};
    cleanup_close int fd = -1;
    struct stat status;
    char text[64];

    write_text(place->fd, "file", "x");
    fd = open_path(place, "file");
    assert_int_equal(ownership_get(fd, &own), -ENODATA);
    assert_int_equal(own.mode, 3);
    assert_int_equal(fstat(fd, &status), 0);
    ownership_show(fd, &status);
    assert_int_equal(status.st_mode, S_IFREG | 0600);
    assert_int_equal(status.st_uid, geteuid());
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        assert_int_equal(ownership_set(fd, &all[i]), 0);
        assert_int_equal(ownership_get(fd, &own), 0);
        assert_true(own.uid == all[i].uid && own.gid == all[i].gid && own.mode == all[i].mode);
        ownership_show(fd, &status);
        assert_true(status.st_uid == all[i].uid && status.st_gid == all[i].gid);
        assert_int_equal(status.st_mode, S_IFREG | all[i].mode);
        snprintf(text, sizeof(text), "/proc/self/fd/%d", fd);
        assert_int_equal(getxattr(text, OWNERSHIP_XATTR, NULL, 0), 26);
    }
}

static void what_is_damaged_is_nobody_s(void **state)
{
    static const char *const damaged[] = {
        "",
        "0",
        "0000001000:0000000100:064",
        "0000001000:0000000100:06444",
        "0000001000:0000000100:0648",
        "0000001000:0000000100 0644",
        "000000100x:0000000100:0644",
        "0000001000:0000000100:0644:0000001000:0000000100:0644",
    };
    const struct place *place = *state;
    struct ownership own = {1, 2, 3};
    cleanup_close int fd = -1;
    struct stat status;
    char path[96];

    write_text(place->fd, "file", "x");
    snprintf(path, sizeof(path), "%s/file", place->path);
    fd = open_path(place, "file");
    for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
        assert_int_equal(setxattr(path, OWNERSHIP_XATTR, damaged[i], strlen(damaged[i]), 0), 0);
        assert_int_equal(ownership_get(fd, &own), -EBADMSG);
        assert_true(own.uid == 1 && own.gid == 2 && own.mode == 3);
        assert_int_equal(fstat(fd, &status), 0);
        ownership_show(fd, &status);
        assert_int_equal(status.st_uid, geteuid());
        assert_int_equal(status.st_mode, S_IFREG | 0600);
    }
}

static void who_may_read(void **state)
{
    const struct owner owner = {1000, 100};
    const struct owner mate = {1001, 100};
    const struct owner other = {1002, 102};
    const struct owner root = {0, 0};
    const struct place *place = *state;
    cleanup_close int fd = -1;

    for (mode_t mode = 0; mode <= 0777; mode++) {
        const struct ownership own = {1000, 100, mode};

        assert_int_equal(ownership_lets_read(&own, &owner), (mode & 0400) != 0);
        assert_int_equal(ownership_lets_read(&own, &mate), (mode & 0040) != 0);
        assert_int_equal(ownership_lets_read(&own, &other), (mode & 0004) != 0);
        assert_true(ownership_lets_read(&own, &root));
    }
    write_text(place->fd, "file", "x");
    fd = open_path(place, "file");
    assert_false(ownership_may_read(fd, &owner));
    assert_true(ownership_may_read(fd, &root));
    assert_int_equal(ownership_set(fd, &(struct ownership){1000, 100, 0600}), 0);
    assert_true(ownership_may_read(fd, &owner));
    assert_false(ownership_may_read(fd, &mate));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_new_files_have),
        cmocka_unit_test(what_new_directories_have),
        cmocka_unit_test_setup_teardown(what_is_recorded_is_read, make_place, remove_place),
        cmocka_unit_test_setup_teardown(who_may_read, make_place, remove_place),
        cmocka_unit_test_setup_teardown(what_is_damaged_is_nobody_s, make_place, remove_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
