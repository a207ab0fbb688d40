/* SPDX-License-Identifier: Apache-2.0 */
/* How many pairs the bound leaves open at each depth: measured on a sample, to choose the depth.
 *
 * What stays open depends on how good the best so far is, and the walk improves on the seeds. So each
 * sampled query first finds its best among the sampled keys, then counts.
 */
#ifndef PROBE_H
#define PROBE_H

#include "prune.h"
#include "workers.h"

struct pair {
    int64_t y, x, Y, X;
    const float *query_tails, *key_tails; /* bounds at each level */
    float scale;
};

/* The first level, from 0, whose bound is below the bar; `levels` when none is. */
INLINE int64_t settled_at(const struct search *search, const struct map *key,
                          const struct pair *pair, float bar) {
    const int64_t levels = search->heads / LEVEL;
    float part = 0;
    for (int64_t l = 0; l < levels; l++) {
        part += pair->scale * span_product(search, key, pair->y, pair->x, pair->Y, pair->X,
                                           l * LEVEL, (l + 1) * LEVEL);
        if (!(part + pair->query_tails[l] * pair->key_tails[l] >= bar)) return l;
    }
    return levels;
}

INLINE void take_key(const struct search *search, const struct map *key, int64_t at,
                     struct pair *pair) {
    pair->Y = at / key->width;
    pair->X = at % key->width;
    pair->key_tails = key->tails + at * (search->heads / LEVEL);
    pair->scale = key->scale[pair->Y * ((key->width + 15) / 16 * 16) + pair->X];
}

/* Whether no depth settles most pairs, from a few keys: then a closer look would be a waste. */
static int hopeless(const struct probe *probe, struct pair *pair, int64_t cell, int64_t *open) {
    const struct search *search = &probe->search;
    const struct map *key = search->keys;
    const int64_t levels = search->heads / LEVEL;
    const float bar = best_score(read_best(search->best + cell)) - search->slack[cell];
    int64_t seen = 0, unsettled = 0;
    for (int64_t at = 0; at < key->height * key->width; at += 16 * probe->key_stride) {
        take_key(search, key, at, pair);
        if (!(pair->scale >= 0)) continue;
        seen++;
        unsettled += settled_at(search, key, pair, bar) == levels;
    }
    if (4 * unsettled < 3 * seen || seen == 0) return 0;
    for (int64_t l = 0; l < levels; l++) open[l] = unsettled;
    open[levels] = seen;
    return 1;
}

static void probe_query(void *context, int64_t sample, int64_t worker) {
    const struct probe *probe = context;
    const struct search *search = &probe->search;
    const struct map *query = &search->query, *key = search->keys;
    const int64_t levels = search->heads / LEVEL, cell = sample * probe->query_stride;
    int64_t open[MOST_HEADS / LEVEL + 1] = {0};
    (void)worker;
    if (!(query->scale[cell] > 0)) return;
    struct pair pair = {.y = cell / query->width, .x = cell % query->width,
                        .query_tails = query->tails + cell * levels};
    if (hopeless(probe, &pair, cell, open)) goto report;
    for (int counting = 0; counting < 2; counting++)
        for (int64_t at = 0; at < key->height * key->width; at += probe->key_stride) {
            const float bar = best_score(read_best(search->best + cell)) - search->slack[cell];
            take_key(search, key, at, &pair);
            if (!(pair.scale >= 0)) continue;
            const int64_t level = settled_at(search, key, &pair, bar);
            if (counting) {
                for (int64_t l = 0; l < level; l++) open[l]++;
                open[levels]++;
            } else if (level == levels) {
                raise_best(search->best + cell,
                           pack_best(exact_score(search, key, pair.y, pair.x, pair.Y, pair.X, pair.scale),
                                     key->first + at));
            }
        }
report:
    for (int64_t l = 0; l <= levels; l++)
        __atomic_fetch_add(&probe->survivors[l], open[l], __ATOMIC_RELAXED);
}

static int probe_depths(const struct probe *probe) {
    const int64_t cells = probe->search.query.height * probe->search.query.width;
    share_work((cells + probe->query_stride - 1) / probe->query_stride, probe->search.threads,
               probe_query, (void *)probe);
    return 0;
}

#endif
