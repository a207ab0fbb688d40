/* SPDX-License-Identifier: Apache-2.0 */
/* How a call is stopped early.
 *
 * All threads of a call look at its watch now and then; the one that called asks every so often whether
 * to go on. Signals and exceptions of Python could not end a long search otherwise: they wait until the
 * interpreter gets to run.
 */
#ifndef WATCH_H
#define WATCH_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

#define ASK_EVERY 50000000 /* nanoseconds */

struct watch {
    int (*ask)(void *context); /* 1: stop */
    void *context;
    pthread_t asker;
    int64_t next; /* when to ask again */
    int stopped;
};

extern _Thread_local struct watch *watch; /* of the call that this thread works for; may be NULL */

static inline int64_t nanoseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Whether to leave off. Costs about as much as a hundred multiply-adds. */
static inline int stopped(void) {
    struct watch *w = watch;
    if (!w) return 0;
    if (__atomic_load_n(&w->stopped, __ATOMIC_RELAXED)) return 1;
    if (!pthread_equal(w->asker, pthread_self())) return 0;
    const int64_t now = nanoseconds();
    if (now < w->next) return 0;
    w->next = now + ASK_EVERY;
    if (w->ask(w->context)) __atomic_store_n(&w->stopped, 1, __ATOMIC_RELAXED);
    return __atomic_load_n(&w->stopped, __ATOMIC_RELAXED);
}

#endif
