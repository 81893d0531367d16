/* SPDX-License-Identifier: MIT
 *
 * One thread that keeps time and writes raw bytes: it wakes requests when their delay is over, and
 * plays the faults that an HTTP library is right not to offer, on sockets that the library has let
 * go of for the while. A thousand sleeping requests cost it a heap of a thousand pointers.
 */
#ifndef STANDIN_WIRE_H
#define STANDIN_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "standin/body.h"

struct wire;

enum plan_end {
    PLAN_CLOSE,  /* FIN */
    PLAN_RESET,  /* RST, once what was sent has arrived */
    PLAN_LINGER, /* FIN, then read until the peer is done: for answers before the request's end */
};

/* What to write to a socket, and how. */
struct plan {
    struct body bytes; /* sealed; owned by whoever owns the plan */
    size_t pause_at;   /* offset; only with pause_ms */
    int64_t pause_ms;  /* 0 = no pause */
    int64_t rate;      /* bytes per second; 0 = as fast as it goes */
    enum plan_end end;
};

/* Something for the thread to do, embedded in what it is about. Set `since_ms`, `due_ms`, `fd`,
 * `plan` and `done`; the rest is the thread's. */
struct wire_task {
    int64_t since_ms; /* when what it is about came; on wire_now_ms()'s clock, as the next */
    int64_t due_ms;   /* nothing happens before, but for wire_hurry() */
    int fd;           /* -1: only wait */
    struct plan *plan;
    /* Called once, on the thread or, with @cancelled, on the one that ends it. */
    void (*done)(struct wire_task *task, bool cancelled);

    struct wire_task *next;     /* in the inbox */
    struct wire_task *previous; /* among all that are under way, with `following` */
    struct wire_task *following;
    size_t position;     /* bytes written */
    int64_t deadline_ms; /* of lingering, or of waiting for what was sent to arrive */
    bool paused;         /* the pause is over */
    bool polled;         /* in the epoll set */
    bool finishing;      /* all is written */
};

/** Milliseconds of CLOCK_MONOTONIC. */
int64_t wire_now_ms(void);

/** Start the thread. @return 0 or a negative errno. */
int wire_create(struct wire **ret_wire);

/** Hand over @task. @return false once the wire is stopping: then nothing happens. Any thread. */
bool wire_submit(struct wire *wire, struct wire_task *task);

/** Have nothing wait to begin that came before now, submitted or not. Any thread. */
void wire_hurry(struct wire *wire);

/** Cancel what is under way, end the thread, free. Takes NULL. */
void wire_destroy(struct wire *wire);

/** Send an RST at once, whatever else the connection holds. */
void wire_reset(int fd);

#endif
