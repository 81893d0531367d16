/* SPDX-License-Identifier: MIT */
#include "base/failpoint.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define CHOSEN_MAX 8

struct chosen {
    char name[64];
    char way[16];
    unsigned hit; /* which visit */
    atomic_uint visit_count;
};

static struct {
    struct chosen chosen[CHOSEN_MAX];
    size_t count;
} plan; /* constant once it is read, but for the counts */

static void read_plan(void)
{
    const char *at = getenv("EASELFS_FAIL");
    int length;

    for (; at && *at && plan.count < CHOSEN_MAX; at += length) {
        struct chosen *chosen = &plan.chosen[plan.count];

        chosen->hit = 1;
        at += *at == ',';
        length = 0;
        if (sscanf(at, "%63[^:,]:%15[^:,]%n:%u%n", chosen->name, chosen->way, &length, &chosen->hit,
                   &length) < 2) {
            log_error("EASELFS_FAIL cannot be understood: %s", at);
            abort();
        }
        plan.count++;
    }
}

static int fail(const struct chosen *chosen)
{
    log_warning("failpoint %s: %s", chosen->name, chosen->way);
    if (strcmp(chosen->way, "kill") == 0)
        raise(SIGKILL);
    return strcmp(chosen->way, "ENOSPC") == 0 ? -ENOSPC : -EIO;
}

int failpoint(const char *name)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, read_plan);
    for (size_t i = 0; i < plan.count; i++) {
        struct chosen *chosen = &plan.chosen[i];

        if (strcmp(chosen->name, name) == 0 &&
            atomic_fetch_add(&chosen->visit_count, 1) + 1 == chosen->hit)
            return fail(chosen);
    }
    return 0;
}
