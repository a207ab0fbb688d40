/* SPDX-License-Identifier: Apache-2.0 */
/* Which pairs can still win, and what they are really worth.
 *
 * A pair's score is the product of its first components plus a tail that Cauchy-Schwarz bounds by the
 * product of the two tail norms. A pair whose partial product + bound + rounding margin stays below the
 * query's best so far cannot win. Those that the walk leaves open get more components, a few at a time,
 * until the bound settles them; the last ones are evaluated with all channels as given, and that
 * decides. Scores here are in units of the query block's norm.
 */
#ifndef PRUNE_H
#define PRUNE_H

#include <math.h>

#include "best.h"
#include "blocks.h"
#include "kernel.h"
#include "rounded.h"

struct tally {
    int64_t pairs, open, exact;
};

/* What head product + bound must reach to matter; above everything for an all-zero query block. */
INLINE float height_of_bar(const struct search *search, int64_t cell) {
    if (!(search->query.scale[cell] > 0)) return INFINITY;
    const float best = best_score(read_best(search->best + cell));
    return search->walk == WALK_CELLS ? best : best - search->slack[cell];
}

/* The score of a pair, from all channels as given: what decides, always summed in the same order. */
INLINE float exact_score(const struct search *search, const struct map *key, int64_t y, int64_t x,
                         int64_t Y, int64_t X, float scale) {
    const int64_t radius = search->patch_size / 2, step = search->cell_step;
    const float product = block_product(
        block_at(search->query.cells, &search->query, radius, step, y, x), search->query.width,
        block_at(key->cells, key, radius, step, Y, X), key->width, search->patch_size, step);
    return product * scale;
}

/* Settle the pairs of query (y, x) and key (Y, X + bit) for every bit of `open`. */
static __attribute__((noinline)) void evaluate(const struct search *search, const struct map *key,
                                               int64_t y, int64_t x, int64_t Y, int64_t X,
                                               uint32_t open, const float *partial,
                                               struct tally *tally) {
    const int64_t cell = y * search->query.width + x, heads = search->heads;
    const int64_t levels = heads / LEVEL;
    const float *scales = key->scale + Y * ((key->width + 15) / 16 * 16);
    const float *query_tails = search->query.tails + cell * levels - 1;
    const float slack = search->slack[cell];
    float bar = best_score(read_best(search->best + cell)) - slack;
    for (; open; open &= open - 1) {
        const int lane = __builtin_ctz(open);
        const int64_t column = X + lane, at = Y * key->width + column;
        const float *key_tails = key->tails + at * levels - 1;
        const float scale = scales[column];
        const int64_t from = search->depth;
        int64_t depth = from;
        float part = partial[lane];
        int settled = 0;
        tally->open++;
        if (from > 0 && search->walk == WALK_ROUNDED)
            part -= scale * rest_product(search, key, y, x, Y, column);
        while (from > 0 && !settled && depth < heads) {
            const int64_t plane = depth / PLANE * PLANE + PLANE;
            part += scale * span_product(search, key, y, x, Y, column, depth, plane);
            depth = plane;
            settled = !(part + query_tails[depth / LEVEL] * key_tails[depth / LEVEL] >= bar);
        }
        if (settled) continue;
        tally->exact++;
        raise_best(search->best + cell,
                   pack_best(exact_score(search, key, y, x, Y, column, scale), key->first + at));
        bar = best_score(read_best(search->best + cell)) - slack;
    }
}

#endif
