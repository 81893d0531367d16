/* SPDX-License-Identifier: MIT */
#include "standin/tally.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "standin/sha256.h"

#define SLOTS ((size_t)2 * TALLY_MAX_KEYS) /* never more than half full; a power of two */

struct slot {
    unsigned char digest[SHA256_SIZE];
    size_t count; /* 0 = free */
};

struct tally {
    pthread_mutex_t mutex; /* guards all below */
    size_t keys;
    struct slot *slots; /* open addressing, SLOTS of them */
};

int tally_create(struct tally **ret_tally)
{
    struct tally *tally = calloc(1, sizeof(*tally));

    if (tally)
        tally->slots = calloc(SLOTS, sizeof(*tally->slots));
    if (!tally || !tally->slots) {
        free(tally);
        return -ENOMEM;
    }
    pthread_mutex_init(&tally->mutex, NULL);
    *ret_tally = tally;
    return 0;
}

void tally_destroy(struct tally *tally)
{
    if (!tally)
        return;
    pthread_mutex_destroy(&tally->mutex);
    free(tally->slots);
    free(tally);
}

size_t tally_next(struct tally *tally, const void *key, size_t length)
{
    unsigned char digest[SHA256_SIZE];
    size_t index;
    size_t seen = 0;

    sha256_digest(key, length, digest);
    memcpy(&index, digest, sizeof(index));
    pthread_mutex_lock(&tally->mutex);
    for (;; index++) {
        struct slot *slot = &tally->slots[index % SLOTS];

        if (slot->count && memcmp(slot->digest, digest, sizeof(digest)) != 0)
            continue;
        if (!slot->count && tally->keys == TALLY_MAX_KEYS)
            break;
        if (!slot->count) {
            memcpy(slot->digest, digest, sizeof(digest));
            tally->keys++;
        }
        seen = slot->count++;
        break;
    }
    pthread_mutex_unlock(&tally->mutex);
    return seen;
}
