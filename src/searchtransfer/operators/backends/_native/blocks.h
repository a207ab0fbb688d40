/* SPDX-License-Identifier: Apache-2.0 */
/* Exact products of two blocks. A block is patch_size runs of patch_size neighbouring cells. */
#ifndef BLOCKS_H
#define BLOCKS_H

#include "kernel.h"
#include "simd.h"

/* Lanes that sum side by side in `run`; the tests' error bound relies on this many chains. */
#define CHAINS (4 * LANES)

/* First component of the block around (row, column): borders make this plain arithmetic. */
INLINE const float *block_at(const float *cells, const struct map *map, int64_t radius,
                             int64_t step, int64_t row, int64_t column) {
    return cells + (row * (map->width + 2 * radius) + column) * step;
}

/* Add the product of two runs of n floats (a multiple of LANES) to four chains of lanes. */
INLINE void run(const float *a, const float *b, int64_t n, vec chain[4]) {
    int64_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES)
#pragma GCC unroll 4
        for (int c = 0; c < 4; c++) chain[c] += load(a + i + c * LANES) * load(b + i + c * LANES);
    for (; i < n; i += LANES) chain[0] += load(a + i) * load(b + i);
}

/* The dot product of two blocks of cells with `step` floats each, in a fixed order. */
static inline float block_product(const float *a, int64_t a_width, const float *b, int64_t b_width,
                                  int64_t patch_size, int64_t step) {
    const int64_t radius = patch_size / 2;
    vec chain[4] = {{0}, {0}, {0}, {0}};
    for (int64_t i = 0; i < patch_size; i++)
        run(a + i * (a_width + 2 * radius) * step, b + i * (b_width + 2 * radius) * step,
            patch_size * step, chain);
    return total((chain[0] + chain[1]) + (chain[2] + chain[3]));
}

/* The first of 32 components, from `depth` on, of the first cell of the block around (row, column). */
INLINE const float *head_block(const struct map *map, int64_t radius, int64_t depth, int64_t row,
                               int64_t column) {
    const int64_t columns = map->width + 2 * radius, rows = map->height + 2 * radius;
    return map->heads + ((depth / PLANE * rows + row) * columns + column) * PLANE + depth % PLANE;
}

/* The product of two blocks, `count` components (16 or 32) of every cell only. */
INLINE float span_of(const float *a, int64_t a_row, const float *b, int64_t b_row,
                     const int64_t patch_size, const int64_t count) {
    vec even = {0}, odd = {0};
#pragma GCC unroll 3
    for (int64_t i = 0; i < patch_size; i++)
#pragma GCC unroll 3
        for (int64_t j = 0; j < patch_size; j++) {
            const float *p = a + i * a_row + j * PLANE, *q = b + i * b_row + j * PLANE;
#pragma GCC unroll 8
            for (int64_t k = 0; k < count; k += LANES) {
                if (k / LANES % 2) odd += load(p + k) * load(q + k);
                else even += load(p + k) * load(q + k);
            }
        }
    return total(even + odd);
}

/* The product of query block (y, x) and key block (Y, X), components [from, to) of one plane only. */
static inline float span_product(const struct search *search, const struct map *key, int64_t y,
                                 int64_t x, int64_t Y, int64_t X, int64_t from, int64_t to) {
    const int64_t patch_size = search->patch_size, radius = patch_size / 2;
    const float *a = head_block(&search->query, radius, from, y, x);
    const float *b = head_block(key, radius, from, Y, X);
    const int64_t a_row = (search->query.width + 2 * radius) * PLANE;
    const int64_t b_row = (key->width + 2 * radius) * PLANE;
    if (patch_size == 3 && to - from == PLANE) /* the usual cases, unrolled */
        return span_of(a, a_row, b, b_row, 3, PLANE);
    if (patch_size == 1 && to - from == PLANE) return span_of(a, a_row, b, b_row, 1, PLANE);
    return span_of(a, a_row, b, b_row, patch_size, to - from);
}

#endif
