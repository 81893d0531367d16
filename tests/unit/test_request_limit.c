/* SPDX-License-Identifier: MIT
 *
 * How the kernel's limit on unanswered requests is read: from a directory made like its own.
 */
#include "store_place.h"

#include "mount/request_limit.h"

static void set(const struct place *place, const char *usual, const char *most)
{
    if (usual)
        write_text(place->fd, "default_request_timeout", usual);
    if (most)
        write_text(place->fd, "max_request_timeout", most);
}

static void there_is_none_on_older_kernels(void **state)
{
    const struct place *place = *state;

    assert_int_equal(request_limit_ms(place->path), 0);
    assert_int_equal(request_limit_ms("/nowhere/at/all"), 0);
}

static void zero_is_none(void **state)
{
    const struct place *place = *state;

    set(place, "0\n", "0\n");
    assert_int_equal(request_limit_ms(place->path), 0);
    assert_int_equal(request_patience_ms(0), 0);
}

static void the_default_holds_below_the_maximum(void **state)
{
    const struct place *place = *state;

    set(place, "60\n", NULL);
    assert_int_equal(request_limit_ms(place->path), 60000);
    set(place, NULL, "0\n");
    assert_int_equal(request_limit_ms(place->path), 60000);
    set(place, NULL, "600\n");
    assert_int_equal(request_limit_ms(place->path), 60000);
    set(place, NULL, "59\n");
    assert_int_equal(request_limit_ms(place->path), 59000);
}

static void the_maximum_holds_without_a_default(void **state)
{
    const struct place *place = *state;

    set(place, "0\n", "65535\n");
    assert_int_equal(request_limit_ms(place->path), 65535000);
}

static void what_is_no_number_is_none(void **state)
{
    static const char *const texts[] = {"",     "\n",     "x\n",
                                        "-1\n", "60 s\n", "99999999999999999999\n"};
    const struct place *place = *state;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        set(place, texts[i], texts[i]);
        assert_int_equal(request_limit_ms(place->path), 0);
    }
    set(place, "x\n", "15\n");
    assert_int_equal(request_limit_ms(place->path), 15000);
}

static void a_request_is_answered_well_before(void **state)
{
    (void)state;
    assert_int_equal(request_patience_ms(1000), 750);
    assert_int_equal(request_patience_ms(15000), 11250);
    assert_int_equal(request_patience_ms(65535000), 49151250);
}

#define with_place(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_place(there_is_none_on_older_kernels),
        with_place(zero_is_none),
        with_place(the_default_holds_below_the_maximum),
        with_place(the_maximum_holds_without_a_default),
        with_place(what_is_no_number_is_none),
        cmocka_unit_test(a_request_is_answered_well_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
