/* SPDX-License-Identifier: Apache-2.0 */
/* The walk over rounded cells, in matrix tiles (AMX): the bound itself is what the tiles multiply.
 *
 * A product costs so little there that the row products of a block are multiplied again on each step
 * instead of being kept: the tiles add them up. Query columns are taken 32 at a time; the last lines of
 * one group are the first of the next.
 */
#ifndef WALK_ROUNDED_H
#define WALK_ROUNDED_H

#include "rounded.h"
#include "walk.h"

#define ROUNDED_KEY_PANELS 10 /* at a time: their lines fit a first-level cache of 48 KiB */

#if defined(TILES)

struct tile_shape {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

static void start_tiles(void) {
    struct tile_shape shape = {.palette = 1};
    for (int t = 0; t < 8; t++) {
        shape.row_bytes[t] = 64;
        shape.rows[t] = 16;
    }
    _tile_loadconfig(&shape);
}

static void stop_tiles(void) { _tile_release(); }

/* One step of a tile group: 16 or 32 query columns by one or two panels. */
INLINE void tile_step(const uint16_t *a, int64_t stride, const uint16_t *b, int64_t panel_step,
                      const int tall, const int wide) {
    _tile_loadd(4, a, stride);
    _tile_loadd(6, b, 64);
    if (tall) _tile_loadd(5, a + 8 * stride, stride);
    if (wide) _tile_loadd(7, b + panel_step, 64);
    _tile_dpbf16ps(0, 4, 6);
    if (wide) _tile_dpbf16ps(1, 4, 7);
    if (tall) _tile_dpbf16ps(2, 5, 6);
    if (tall && wide) _tile_dpbf16ps(3, 5, 7);
}

INLINE void tile_group(const uint16_t *const *query, const uint16_t *const *key, int64_t count,
                       int64_t depth, float *out, int64_t line_step, const int tall,
                       const int wide) {
    const int64_t line_bytes = line_step * 4;
    _tile_zero(0);
    if (wide) _tile_zero(1);
    if (tall) _tile_zero(2);
    if (tall && wide) _tile_zero(3);
    for (int64_t i = 0; i < count; i++) {
        const uint16_t *a = query[i], *b = key[i];
        for (int64_t k = 0; k < depth; k += ROUNDED_STEP)
            tile_step(a + k, depth * 2, b + k * 16, depth * 16, tall, wide);
    }
    _tile_stored(0, out, line_bytes);
    if (wide) _tile_stored(1, out + PANEL, line_bytes);
    if (tall) _tile_stored(2, out + 16 * line_step, line_bytes);
    if (tall && wide) _tile_stored(3, out + 16 * line_step + PANEL, line_bytes);
}

/* Lines of 16 or 32 query columns and all panels: the sum over `count` rows of their products. */
static void tile_lines(const uint16_t *const *query, const uint16_t *const *key, int64_t count,
                       int64_t depth, int64_t panels, int tall, float *lines, int64_t line_step) {
    const uint16_t *b[MOST_PATCH];
    for (int64_t p = 0; p < panels; p += 2) {
        float *out = lines + p * PANEL;
        for (int64_t i = 0; i < count; i++) b[i] = key[i] + p * depth * PANEL;
        if (tall && panels - p > 1) tile_group(query, b, count, depth, out, line_step, 1, 1);
        else if (tall) tile_group(query, b, count, depth, out, line_step, 1, 0);
        else if (panels - p > 1) tile_group(query, b, count, depth, out, line_step, 0, 1);
        else tile_group(query, b, count, depth, out, line_step, 0, 0);
    }
}

INLINE void walk_rounded_as(const struct diagonal *d, struct ring *ring, const int64_t patch_size,
                            struct tally *tally) {
    const struct search *search = d->search;
    const struct map *query = &search->query, *key = d->key;
    const int64_t radius = patch_size / 2, depth = search->rounded_depth, width = query->width;
    const int64_t padded = (width + ROUNDED_ROWS - 1) / ROUNDED_ROWS * ROUNDED_ROWS;
    const int64_t key_panels = (key->width + PANEL - 1) / PANEL, panels = d->panel1 - d->panel0;
    const int64_t step = ring->line_step, line_bytes = step * (int64_t)sizeof(float);
    const int64_t first = d->offset < 0 ? -d->offset : 0;
    int64_t last = key->height - d->offset;
    if (last > query->height) last = query->height;
    for (int64_t i = 0; i < ROUNDED_ROWS + 2 * radius; i++)
        memset(ring->lines + i * step + PANEL + panels * PANEL, 0, PANEL * sizeof(float));
    for (int64_t y = first; y < last && !stopped(); y++) {
        start_tiles(); /* whoever was asked may have used them */
        const uint16_t *queries[MOST_PATCH], *keys[MOST_PATCH], *a[MOST_PATCH];
        const float *lines[MOST_PATCH];
        int64_t count = 0;
        for (int64_t row = y - radius; row <= y + radius; row++) {
            if (row < first || row >= last) continue;
            queries[count] = query->rounded + row * padded * depth;
            keys[count++] =
                key->rounded + ((row + d->offset) * key_panels + d->panel0) * depth * PANEL;
        }
        memset(ring->lines, 0, (size_t)(2 * radius * line_bytes));
        for (int64_t px = 0; px < width + radius; px += ROUNDED_ROWS) {
            float *fresh = ring->lines + 2 * radius * step;
            int64_t made = 0;
            if (px < width) {
                for (int64_t i = 0; i < count; i++) a[i] = queries[i] + px * depth;
                made = width - px > 16 ? 32 : 16;
                tile_lines(a, keys, count, depth, panels, made > 16, fresh + PANEL, step);
            }
            if (made < ROUNDED_ROWS) memset(fresh + made * step, 0, (size_t)(radius * line_bytes));
            const int64_t from = px < radius ? 0 : px - radius;
            const int64_t to = px + 32 - radius < width ? px + 32 - radius : width;
            for (int64_t x = from; x < to; x++) {
                for (int64_t i = 0; i < patch_size; i++)
                    lines[i] = ring->lines + (x - px + radius + i) * step + PANEL -
                               d->panel0 * PANEL;
                compare_row(d, y, x, lines, patch_size, WALK_ROUNDED, tally);
            }
            memcpy(ring->lines, ring->lines + ROUNDED_ROWS * step, (size_t)(2 * radius * line_bytes));
        }
        tally->pairs += width * (d->X1 - d->X0);
    }
}

static void walk_rounded(const struct diagonal *d, struct ring *ring, struct tally *tally) {
    const int64_t patch_size = d->search->patch_size;
    if (patch_size == 3) walk_rounded_as(d, ring, 3, tally);
    else if (patch_size == 1) walk_rounded_as(d, ring, 1, tally);
    else walk_rounded_as(d, ring, patch_size, tally);
    stop_tiles();
}

#endif
#endif
