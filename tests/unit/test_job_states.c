/* SPDX-License-Identifier: MIT
 *
 * The states of a job. Twice: against a table that is written out here, and with long random
 * sequences of events against a grammar of all lives that a job can have, and against the promises
 * that the grammar is there for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "job/job.h"

/* Every pair that leads somewhere; each other one is -EPROTO. */
static const struct {
    enum job_state state;
    enum job_event event;
    enum job_state next;
} moves[] = {
    {JOB_WAITING, JOB_FREEZE, JOB_QUEUED},     {JOB_WAITING, JOB_FAIL, JOB_FAILED},
    {JOB_WAITING, JOB_CANCEL, JOB_CANCELLED},  {JOB_QUEUED, JOB_SEND, JOB_SENDING},
    {JOB_QUEUED, JOB_FAIL, JOB_FAILED},        {JOB_QUEUED, JOB_CANCEL, JOB_CANCELLED},
    {JOB_SENDING, JOB_NOT_SERVED, JOB_QUEUED}, {JOB_SENDING, JOB_ARRIVE, JOB_RECEIVED},
    {JOB_SENDING, JOB_FAIL, JOB_FAILED},       {JOB_SENDING, JOB_AMBIGUOUS, JOB_UNKNOWN},
    {JOB_RECEIVED, JOB_DELIVER, JOB_DONE},     {JOB_RECEIVED, JOB_FAIL, JOB_FAILED},
};

#define MOVE_COUNT (sizeof(moves) / sizeof(moves[0]))

/* The row for the pair, or MOVE_COUNT. */
static size_t find_move(int state, int event)
{
    size_t i = 0;

    while (i < MOVE_COUNT && ((int)moves[i].state != state || (int)moves[i].event != event))
        i++;
    return i;
}

static void every_pair(void **state)
{
    size_t move_count = 0;

    (void)state;
    for (int from = 0; from < JOB_STATE_COUNT; from++) {
        for (int event = 0; event < JOB_EVENT_COUNT; event++) {
            size_t move = find_move(from, event);
            enum job_state next = JOB_STATE_COUNT;
            int error = job_next_state((enum job_state)from, (enum job_event)event, &next);

            assert_int_equal(error, move < MOVE_COUNT ? 0 : -EPROTO);
            assert_int_equal(next, move < MOVE_COUNT ? moves[move].next : JOB_STATE_COUNT);
            move_count += error == 0;
        }
    }
    assert_int_equal(move_count, MOVE_COUNT);
}

static void final_states(void **state)
{
    static const bool is_final[JOB_STATE_COUNT] = {
        [JOB_DONE] = true,
        [JOB_FAILED] = true,
        [JOB_UNKNOWN] = true,
        [JOB_CANCELLED] = true,
    };

    (void)state;
    for (int i = 0; i < JOB_STATE_COUNT; i++)
        assert_int_equal(job_state_is_final((enum job_state)i), is_final[i]);
}

/*
 * The life of a job as a word, a letter for each event that happened. Every word that this allows
 * can happen and no other.
 *
 *   F freeze   S send   N not served   A arrive   D deliver   X fail   Q ambiguous   C cancel
 */
#define LIVES "^(C|X|F(SN)*(C|X|S(X|Q|A(D|X)?)?)?)?$"

static const char letters[JOB_EVENT_COUNT] = {
    [JOB_FREEZE] = 'F',  [JOB_SEND] = 'S', [JOB_NOT_SERVED] = 'N', [JOB_ARRIVE] = 'A',
    [JOB_DELIVER] = 'D', [JOB_FAIL] = 'X', [JOB_AMBIGUOUS] = 'Q',  [JOB_CANCEL] = 'C',
};

/* Where a life has led, by its last letter. */
static enum job_state state_of(const char *life)
{
    size_t length = strlen(life);

    switch (length ? life[length - 1] : '\0') {
    case '\0':
        return JOB_WAITING;
    case 'F':
    case 'N':
        return JOB_QUEUED;
    case 'S':
        return JOB_SENDING;
    case 'A':
        return JOB_RECEIVED;
    case 'D':
        return JOB_DONE;
    case 'X':
        return JOB_FAILED;
    case 'Q':
        return JOB_UNKNOWN;
    default:
        return JOB_CANCELLED;
    }
}

static size_t count(const char *life, char letter)
{
    size_t found = 0;

    for (; *life; life++)
        found += *life == letter;
    return found;
}

/* What users are promised, said without the grammar. */
static void assert_promises(const char *life)
{
    const char *send = strchr(life, 'S');
    const char *freeze = strchr(life, 'F');
    const char *arrive = strchr(life, 'A');
    const char *end = strpbrk(life, "DXQC");

    assert_true(!send || (freeze && freeze < send)); /* what is sent was frozen before */
    assert_true(count(life, 'F') <= 1);              /* and never again */
    assert_true(count(life, 'A') <= 1);              /* one answer at most */
    assert_true(count(life, 'D') <= 1);
    assert_true(!strchr(life, 'D') || arrive);        /* no picture without an answer */
    assert_true(!arrive || !strpbrk(arrive, "SNQC")); /* and what was paid is not asked for again */
    assert_true(!end || !end[1]);                     /* the end is the end */
    assert_true(count(life, 'S') <= count(life, 'N') + 1); /* sent again only if not served */
    if (send && strchr(life, 'C'))
        assert_int_equal(count(life, 'S'), count(life, 'N')); /* none taken back under way */
}

#define SEED           20261122u
#define SEQUENCE_COUNT 200000
#define LIFE_MAX       48

static uint32_t next_random(uint32_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 17;
    *random ^= *random << 5;
    return *random;
}

/* Half of the events are what leads far: few jobs would live long by chance. */
static enum job_event draw_event(uint32_t *random)
{
    static const enum job_event usual[] = {JOB_FREEZE, JOB_SEND, JOB_NOT_SERVED, JOB_SEND};
    uint32_t drawn = next_random(random) >> 8;

    return drawn & 1 ? usual[drawn >> 1 & 3] : (enum job_event)((drawn >> 3) % JOB_EVENT_COUNT);
}

/* Live one life of up to @event_count events that are drawn. @return the state at its end */
static enum job_state live(const regex_t *lives, uint32_t *random, char life[LIFE_MAX + 1])
{
    enum job_state state = JOB_WAITING;
    size_t length = 0;

    life[0] = '\0';
    for (int i = 0; i < LIFE_MAX; i++) {
        enum job_event event = draw_event(random);
        enum job_state next = state;
        int error = job_next_state(state, event, &next);

        life[length] = letters[event];
        life[length + 1] = '\0';
        if (error != (regexec(lives, life, 0, NULL, 0) ? -EPROTO : 0))
            fail_msg("seed %u: %s: %d", SEED, life, error);
        if (error)
            life[length] = '\0';
        else
            length++;
        assert_int_equal(next, state_of(life));
        if (job_state_is_final(state))
            assert_int_equal(error, -EPROTO);
        state = next;
    }
    return state;
}

static void random_lives(void **state)
{
    unsigned seen[JOB_STATE_COUNT] = {0};
    unsigned long_count = 0;
    uint32_t random = SEED;
    char life[LIFE_MAX + 1];
    regex_t lives;

    (void)state;
    print_message("seed %u, %d sequences of %d events\n", SEED, SEQUENCE_COUNT, LIFE_MAX);
    assert_int_equal(regcomp(&lives, LIVES, REG_EXTENDED | REG_NOSUB), 0);
    for (int i = 0; i < SEQUENCE_COUNT; i++) {
        seen[live(&lives, &random, life)]++;
        assert_promises(life);
        long_count += count(life, 'N') >= 3;
    }
    regfree(&lives);
    for (int i = JOB_DONE; i < JOB_STATE_COUNT; i++) /* else nothing was tried */
        assert_true(seen[i] > 100);
    assert_true(long_count > 100);
}

static void waits_longer_each_time(void **state)
{
    static const int64_t delays_ms[] = {1000,  2000,  4000,  8000,  16000,
                                        32000, 60000, 60000, 60000, 60000};
    struct job job = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(delays_ms) / sizeof(delays_ms[0]); i++) {
        assert_int_equal(job_trouble(&job, -ENOSPC), delays_ms[i]);
        assert_int_equal(job.trouble, -ENOSPC);
        assert_int_equal(job.trouble_count, i + 1);
    }
    job.trouble_count = UINT32_MAX - 1;
    assert_int_equal(job_trouble(&job, -EMFILE), 60000);
    assert_int_equal(job.trouble, -EMFILE);
}

static void knows_what_passes(void **state)
{
    static const int passing[] = {ENOSPC, EDQUOT, ENOMEM, ENOBUFS, EMFILE, ENFILE};
    static const int lasting[] = {0, EIO, EACCES, EPERM, EROFS, ENOENT, EINVAL, EBADMSG};

    (void)state;
    for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
        assert_true(job_is_passing(-passing[i]));
    for (size_t i = 0; i < sizeof(lasting) / sizeof(lasting[0]); i++)
        assert_false(job_is_passing(-lasting[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair),        cmocka_unit_test(final_states),
        cmocka_unit_test(random_lives),      cmocka_unit_test(waits_longer_each_time),
        cmocka_unit_test(knows_what_passes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
