/* SPDX-License-Identifier: Apache-2.0 */
/* Which pairs can still win, and what they are really worth.
 *
 * A pair's score is its head product plus a tail that Cauchy-Schwarz bounds by the product of the two
 * tail norms. A pair whose head product + bound + rounding margin stays below the query's best so far
 * cannot win. The others are looked at with all the head components, and if that does not settle it,
 * with all channels as given. Scores here are in units of the query block's norm.
 */
#ifndef PRUNE_H
#define PRUNE_H

#include <math.h>

#include "best.h"
#include "blocks.h"
#include "kernel.h"

struct tally {
    int64_t pairs, heads, exact;
};

/* What head product + bound must reach to matter; above everything for an all-zero query block. */
INLINE float height_of_bar(const struct search *search, int64_t cell) {
    if (!(search->query.scale[cell] > 0)) return INFINITY;
    const float best = best_score(read_best(search->best + cell));
    return search->pruned ? best - search->slack[cell] : best;
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
                                               uint32_t open, struct tally *tally) {
    const int64_t radius = search->patch_size / 2, step = search->head_step;
    const int64_t cell = y * search->query.width + x;
    const int64_t key_row = Y * ((key->width + 15) / 16 * 16);
    const float *head = block_at(search->query.heads, &search->query, radius, step, y, x);
    for (; open; open &= open - 1) {
        const int64_t column = X + __builtin_ctz(open);
        const float scale = key->scale[key_row + column];
        if (search->rest_slack) {
            const float best = best_score(read_best(search->best + cell));
            const float part =
                block_product(head, search->query.width,
                              block_at(key->heads, key, radius, step, Y, column), key->width,
                              search->patch_size, step);
            const float bound = search->query.rest[cell] * key->rest[key_row + column];
            tally->heads++;
            if (!(part * scale + bound >= best - search->rest_slack[cell])) continue;
        }
        tally->exact++;
        raise_best(search->best + cell,
                   pack_best(exact_score(search, key, y, x, Y, column, scale),
                             key->first + Y * key->width + column));
    }
}

#endif
