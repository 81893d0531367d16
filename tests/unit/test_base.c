/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/text.h"

static void natural_order_counts_by_value(void **state)
{
    (void)state;
    assert_true(text_natural_compare("cat2", "cat10") < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(natural_order_counts_by_value)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
