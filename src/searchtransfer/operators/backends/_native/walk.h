/* SPDX-License-Identifier: Apache-2.0 */
/* Walk down one row diagonal of the pixel correlations, inside the cache.
 *
 * On the diagonal `offset = key row - query row`, each step multiplies one query row with one key row.
 * The last patch_size row products are kept in a ring; their sum, summed again along the column
 * diagonals, is the product of every query block of the middle row with every key block. Wide rows are
 * cut into column blocks so that the ring stays in cache.
 */
#ifndef WALK_H
#define WALK_H

#include <stdlib.h>

#include "best.h"
#include "product.h"
#include "prune.h"
#include "workers.h"

#define RING_BYTES (384 * 1024) /* of a second-level cache of 1 MiB or more */
#define WIDEST_KEY_BLOCK 1024   /* columns */
#define ROW_PART 64             /* query columns between two looks at the watch */

struct ring {
    float *rows;  /* [patch_size][query columns][row_step] row products */
    float *lines; /* [patch_size][line_step] sums of rows, with zeros on both sides */
    float *zeros; /* [line_step] */
    int64_t row_step, line_step, slot_step;
};

struct diagonal {
    const struct search *search;
    const struct map *key;
    int64_t offset;
    int64_t x0, x1;         /* query columns to match */
    int64_t px0, px1;       /* query columns to multiply: with the halo */
    int64_t panel0, panel1; /* key panels to multiply */
    int64_t X0, X1;         /* key columns to match */
};

/* Columns of one line: the sum over the row products of `count` ring slots; zeros beyond. */
INLINE void sum_rows(float *line, const float *const *rows, int64_t count, int64_t columns) {
    for (int64_t X = columns; X < columns + PANEL; X += LANES) store(line + X, (vec){0});
    if (count == 3) {
        for (int64_t X = 0; X < columns; X += LANES)
            store(line + X, load(rows[0] + X) + load(rows[1] + X) + load(rows[2] + X));
        return;
    }
    for (int64_t X = 0; X < columns; X += LANES) {
        vec sum = load(rows[0] + X);
        for (int64_t i = 1; i < count; i++) sum += load(rows[i] + X);
        store(line + X, sum);
    }
}

/* Compare one query block with all key blocks of a row; hand over those that may beat its best. */
INLINE void compare_row(const struct diagonal *d, int64_t y, int64_t x, const float *const *lines,
                        const int64_t patch_size, const int walk, struct tally *tally) {
    const struct search *search = d->search;
    const int64_t radius = patch_size / 2, cell = y * search->query.width + x;
    const int64_t Y = y + d->offset;
    const int64_t key_row = Y * ((d->key->width + PANEL - 1) / PANEL * PANEL);
    const float *scale = d->key->scale + key_row;
    const float *tail = walk == WALK_HEADS ? d->key->tail + key_row : NULL;
    const vec weight = fill(walk == WALK_HEADS ? search->query.tail[cell] : 0);
    float bar = height_of_bar(search, cell);
    vec bars = fill(bar);
    for (int64_t X = d->X0; X < d->X1; X += 2 * LANES) {
        vec value[2], partial[2];
        uint32_t above = 0;
#pragma GCC unroll 2
        for (int v = 0; v < 2; v++) {
            const int64_t at = X + v * LANES;
            vec sum = load(lines[0] + at - radius);
#pragma GCC unroll 8
            for (int64_t i = 1; i < patch_size; i++) sum += load(lines[i] + at - radius + i);
            value[v] = partial[v] = sum * load(scale + at);
            if (walk == WALK_HEADS) value[v] += weight * load(tail + at);
            above |= at_least(value[v], bars) << (v * LANES);
        }
        if (__builtin_expect(above != 0, 0)) {
            if (d->X1 - X < 2 * LANES) above &= (1u << (d->X1 - X)) - 1;
            float partials[2 * LANES];
            store(partials, partial[0]);
            store(partials + LANES, partial[1]);
            if (walk != WALK_CELLS) {
                evaluate(search, d->key, y, x, Y, X, above, partials, tally);
            } else {
                const int64_t first = d->key->first + Y * d->key->width + X;
                for (; above; above &= above - 1) {
                    const int lane = __builtin_ctz(above);
                    raise_best(search->best + cell, pack_best(partials[lane], first + lane));
                }
            }
            bar = height_of_bar(search, cell);
            bars = fill(bar);
        }
    }
}

INLINE void match_row(const struct diagonal *d, struct ring *ring, const float *const *slots,
                      int64_t slot_count, int64_t y, const int64_t patch_size, const int walk,
                      struct tally *tally) {
    const int64_t radius = patch_size / 2, width = d->search->query.width;
    const int64_t columns = (d->panel1 - d->panel0) * PANEL;
    const float *lines[MOST_PATCH], *rows[MOST_PATCH];
    int64_t summed = d->px0;
    for (int64_t x = d->x0; x < d->x1; x++) {
        if (x % ROW_PART == ROW_PART - 1 && stopped()) return;
        for (; summed < d->px1 && summed <= x + radius; summed++) {
            for (int64_t i = 0; i < slot_count; i++)
                rows[i] = slots[i] + (summed - d->px0) * ring->row_step;
            sum_rows(ring->lines + summed % patch_size * ring->line_step + PANEL, rows, slot_count,
                     columns);
        }
        for (int64_t i = 0; i < patch_size; i++) {
            const int64_t px = x + i - radius;
            const float *line = px < 0 || px >= width
                                    ? ring->zeros
                                    : ring->lines + px % patch_size * ring->line_step;
            lines[i] = line + PANEL - d->panel0 * PANEL;
        }
        compare_row(d, y, x, lines, patch_size, walk, tally);
    }
}

INLINE void walk_as(const struct diagonal *d, struct ring *ring, const int64_t patch_size,
                    const int walk, struct tally *tally) {
    const struct search *search = d->search;
    const struct map *query = &search->query;
    const int64_t radius = patch_size / 2;
    const int64_t step = search->walked_step;
    const int64_t panel_step = search->panel_depth * PANEL;
    const int64_t panels = (d->key->width + PANEL - 1) / PANEL;
    const int64_t first = d->offset < 0 ? -d->offset : 0;
    int64_t last = d->key->height - d->offset;
    if (last > query->height) last = query->height;
    const float *slots[MOST_PATCH];
    for (int64_t y = first; y < last + radius && !stopped(); y++) {
        if (y < last)
            product(block_at(query->walked, query, radius, step, y + radius, d->px0 + radius), step,
                    d->px1 - d->px0,
                    d->key->panels + ((y + d->offset) * panels + d->panel0) * panel_step, panel_step,
                    d->panel1 - d->panel0, search->depth,
                    ring->rows + y % patch_size * ring->slot_step, ring->row_step);
        const int64_t middle = y - radius;
        if (middle < first) continue;
        int64_t count = 0;
        for (int64_t row = middle - radius; row <= middle + radius; row++)
            if (row >= first && row < last)
                slots[count++] = ring->rows + row % patch_size * ring->slot_step;
        match_row(d, ring, slots, count, middle, patch_size, walk, tally);
        tally->pairs += (d->x1 - d->x0) * (d->X1 - d->X0);
    }
}

/* The usual patch sizes are compiled with their loops unrolled. */
static void walk_diagonal(const struct diagonal *d, struct ring *ring, struct tally *tally) {
    const int64_t patch_size = d->search->patch_size;
    if (d->search->walk == WALK_HEADS) {
        if (patch_size == 3) walk_as(d, ring, 3, WALK_HEADS, tally);
        else if (patch_size == 1) walk_as(d, ring, 1, WALK_HEADS, tally);
        else walk_as(d, ring, patch_size, WALK_HEADS, tally);
    } else {
        if (patch_size == 3) walk_as(d, ring, 3, WALK_CELLS, tally);
        else if (patch_size == 1) walk_as(d, ring, 1, WALK_CELLS, tally);
        else walk_as(d, ring, patch_size, WALK_CELLS, tally);
    }
}

#endif
