/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix product of one query row with one key row, held in registers tile by tile.
 *
 *   out[x][X] = sum over k of query[x][k] * panels[X / 16][k][X % 16]
 *
 * Query cells are read in place, one value broadcast at a time; key cells come as panels of 16 columns.
 * Every output is one chain of fused multiply-adds over k, so its bits do not depend on the tiling.
 */
#ifndef PRODUCT_H
#define PRODUCT_H

#include "kernel.h"
#include "simd.h"

#define VECTORS (PANEL / LANES) /* vectors in one panel row */

/* Tile height and panels a tile: accumulators + one panel row + one broadcast fill the register file. */
#if LANES == 16
#define TILE_ROWS 14
#define TILE_PANELS 2
#elif LANES == 8
#define TILE_ROWS 6
#define TILE_PANELS 1
#elif defined(__aarch64__)
#define TILE_ROWS 6
#define TILE_PANELS 1
#else
#define TILE_ROWS 3
#define TILE_PANELS 1
#endif

INLINE void tile(const float *query, int64_t query_step, const float *panels, int64_t panel_step,
                 int64_t depth, float *out, int64_t out_step, const int rows, const int wide) {
    vec sum[TILE_ROWS][TILE_PANELS * VECTORS];
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 16
        for (int v = 0; v < wide * VECTORS; v++) sum[r][v] = (vec){0};
    for (int64_t k = 0; k < depth; k++) {
        vec column[TILE_PANELS * VECTORS];
#pragma GCC unroll 16
        for (int v = 0; v < wide * VECTORS; v++)
            column[v] = load(panels + (v / VECTORS) * panel_step + k * PANEL + v % VECTORS * LANES);
#pragma GCC unroll 16
        for (int r = 0; r < rows; r++) {
            const vec value = fill(query[r * query_step + k]);
#pragma GCC unroll 16
            for (int v = 0; v < wide * VECTORS; v++) sum[r][v] += value * column[v];
        }
    }
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 16
        for (int v = 0; v < wide * VECTORS; v++) store(out + r * out_step + v * LANES, sum[r][v]);
}

#define TILE_CASE(n)                                                                             \
    case n:                                                                                      \
        tile(query, query_step, panels, panel_step, depth, out, out_step, n, wide);              \
        break;

INLINE void tile_of(int64_t rows, const float *query, int64_t query_step, const float *panels,
                    int64_t panel_step, int64_t depth, float *out, int64_t out_step,
                    const int wide) {
    switch (rows) {
        TILE_CASE(1)
        TILE_CASE(2)
        TILE_CASE(3)
#if TILE_ROWS > 3
        TILE_CASE(4)
        TILE_CASE(5)
        TILE_CASE(6)
#endif
#if TILE_ROWS > 6
        TILE_CASE(7)
        TILE_CASE(8)
        TILE_CASE(9)
        TILE_CASE(10)
        TILE_CASE(11)
        TILE_CASE(12)
        TILE_CASE(13)
        TILE_CASE(14)
#endif
    }
}

static void product(const float *query, int64_t query_step, int64_t rows, const float *panels,
                    int64_t panel_step, int64_t panel_count, int64_t depth, float *out,
                    int64_t out_step) {
    const int64_t tiles = (rows + TILE_ROWS - 1) / TILE_ROWS; /* of nearly equal height */
    for (int64_t p = 0; p < panel_count; p += TILE_PANELS) {
        const float *panel = panels + p * panel_step;
        for (int64_t t = 0; t < tiles; t++) {
            const int64_t from = rows * t / tiles, to = rows * (t + 1) / tiles;
            const float *q = query + from * query_step;
            float *o = out + from * out_step + p * PANEL;
            if (panel_count - p >= TILE_PANELS)
                tile_of(to - from, q, query_step, panel, panel_step, depth, o, out_step,
                        TILE_PANELS);
            else
                tile_of(to - from, q, query_step, panel, panel_step, depth, o, out_step, 1);
        }
    }
}

#endif
