/* SPDX-License-Identifier: MIT
 *
 * Memory that runs out: each allocation of a scenario fails in turn, the N-th for N = 1, 2, 3...
 * until a run needs fewer. What must come of it is -ENOMEM, with everything freed that the scenario
 * had. The linker sends the allocators of the layers here (*.units.cmake), cJSON does by its hooks.
 */
#ifndef EASELFS_TESTS_FAILING_MEMORY_H
#define EASELFS_TESTS_FAILING_MEMORY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static unsigned countdown; /* the allocation that fails, counted from 1; 0 = none */
static bool has_failed;
static long live_count; /* blocks that are not freed */

void *__real_malloc(size_t size);
void *__real_calloc(size_t items, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t items, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_reallocarray(void *block, size_t items, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);
void __wrap_free(void *block);

static bool is_refused(void)
{
    if (!countdown || --countdown)
        return false;
    has_failed = true;
    errno = ENOMEM;
    return true;
}

static void *count_block(void *block)
{
    live_count += block != NULL;
    return block;
}

void *__wrap_malloc(size_t size)
{
    return is_refused() ? NULL : count_block(__real_malloc(size));
}

void *__wrap_calloc(size_t items, size_t size)
{
    return is_refused() ? NULL : count_block(__real_calloc(items, size));
}

void *__wrap_realloc(void *block, size_t size)
{
    void *moved = is_refused() ? NULL : __real_realloc(block, size);

    live_count += moved && !block;
    return moved;
}

void *__wrap_reallocarray(void *block, size_t items, size_t size)
{
    return __wrap_realloc(block, items * size);
}

char *__wrap_strndup(const char *text, size_t size)
{
    size_t length = strnlen(text, size);
    char *copy = __wrap_malloc(length + 1);

    if (copy) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

char *__wrap_strdup(const char *text)
{
    return __wrap_strndup(text, strlen(text));
}

void __wrap_free(void *block)
{
    live_count -= block != NULL;
    __real_free(block);
}

static inline void hook_cjson(void)
{
    cJSON_Hooks hooks = {__wrap_malloc, __wrap_free};

    cJSON_InitHooks(&hooks);
}

/* Run @scenario with each allocation failing in turn. @return how many there were */
static inline unsigned fail_each(int (*scenario)(void *context), void *context)
{
    for (unsigned n = 1;; n++) {
        long live_before = live_count;
        int result;

        has_failed = false;
        countdown = n;
        result = scenario(context);
        countdown = 0;
        assert_int_equal(live_count, live_before);
        if (!has_failed) {
            assert_int_equal(result, 0);
            return n - 1;
        }
        assert_int_equal(result, -ENOMEM);
    }
}

#endif
