/* SPDX-License-Identifier: Apache-2.0 */
/* Share numbered tasks among threads that live for one call: no pool, no state, re-entrant. */
#ifndef WORKERS_H
#define WORKERS_H

#include <pthread.h>
#include <stdint.h>

#include "watch.h"

#define MOST_WORKERS 256
typedef void (*work_function)(void *context, int64_t task, int64_t worker);

struct crew {
    work_function work;
    void *context;
    int64_t tasks, next;
    struct watch *watch;
};

struct worker {
    struct crew *crew;
    int64_t number;
};

static void *take_tasks(void *argument) {
    struct worker *self = argument;
    struct crew *crew = self->crew;
    watch = crew->watch;
    while (!stopped()) {
        int64_t task = __atomic_fetch_add(&crew->next, 1, __ATOMIC_RELAXED);
        if (task >= crew->tasks) return NULL;
        crew->work(crew->context, task, self->number);
    }
    return NULL;
}

static int64_t worker_count(int64_t threads, int64_t tasks) {
    int64_t count = threads < tasks ? threads : tasks;
    if (count > MOST_WORKERS) count = MOST_WORKERS;
    return count < 1 ? 1 : count;
}

/* A thread that cannot be started is done without: the others take its tasks. */
static void share_work(int64_t tasks, int64_t threads, work_function work, void *context) {
    struct crew crew = {work, context, tasks, 0, watch};
    struct worker workers[MOST_WORKERS];
    pthread_t handles[MOST_WORKERS];
    int64_t count = worker_count(threads, tasks), started = 1;
    for (int64_t i = 0; i < count; i++) workers[i] = (struct worker){&crew, i};
    while (started < count &&
           pthread_create(&handles[started], NULL, take_tasks, &workers[started]) == 0)
        started++;
    take_tasks(&workers[0]);
    for (int64_t i = 1; i < started; i++) pthread_join(handles[i], NULL);
}

#endif
