/* SPDX-License-Identifier: MIT */
#include "net/wiping.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

static void wipe_and_free(void *memory)
{
    if (memory)
        explicit_bzero(memory, malloc_usable_size(memory));
    free(memory);
}

/* realloc(3) would leave the old place as it was. */
static void *move(void *memory, size_t size)
{
    size_t old_size = memory ? malloc_usable_size(memory) : 0;
    void *moved;

    if (memory && size && size <= old_size)
        return memory;
    moved = malloc(size);
    if (moved && memory) {
        memcpy(moved, memory, old_size < size ? old_size : size);
        wipe_and_free(memory);
    }
    return moved;
}

int wiping_init(void)
{
    return curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, wipe_and_free, move, strdup, calloc)
               ? -ENOMEM
               : 0;
}
