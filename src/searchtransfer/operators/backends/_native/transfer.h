/* SPDX-License-Identifier: Apache-2.0 */
/* The texture in one pass: every output cell takes what its neighbours' matches say about it.
 *
 * Output cell q receives from each neighbour p = q - d the value cell index(p) + d. The d are taken in
 * row-major order, which is the order in which `fold` adds, so the sums have the same bits.
 */
#ifndef TRANSFER_H
#define TRANSFER_H

#include <stdlib.h>

#include "kernel.h"
#include "simd.h"
#include "workers.h"

struct sources {
    int64_t *offset; /* up to patch_size^2 value offsets of each cell of a row */
    int64_t *count;  /* how many */
};

struct transfer_plan {
    const struct transfer *transfer;
    struct sources *sources; /* one a worker */
};

/* For each cell of row y: the value pixels that contribute, as offsets into one channel. */
static void find_sources(const struct transfer *t, int64_t y, struct sources *s) {
    const int64_t size = 2 * t->radius + 1, pitch = t->scale * t->key_width;
    for (int64_t x = 0; x < t->width; x++) {
        int64_t count = 0;
        for (int64_t dy = -t->radius; dy <= t->radius; dy++)
            for (int64_t dx = -t->radius; dx <= t->radius; dx++) {
                const int64_t py = y - dy, px = x - dx;
                if (py < 0 || py >= t->height || px < 0 || px >= t->width) continue;
                const int64_t key = t->index[py * t->width + px];
                if (key < 0 || key >= t->key_height * t->key_width) continue; /* changed meanwhile */
                const int64_t Y = key / t->key_width + dy, X = key % t->key_width + dx;
                if (Y < 0 || Y >= t->key_height || X < 0 || X >= t->key_width) continue;
                s->offset[x * size * size + count++] = Y * t->scale * pitch + X * t->scale;
            }
        s->count[x] = count;
    }
}

INLINE void fill_row(const struct transfer *t, int64_t y, const struct sources *s,
                     const int64_t scale) {
    const int64_t size = 2 * t->radius + 1, area = size * size;
    const int64_t pitch = scale * t->key_width, out_pitch = scale * t->width;
    for (int64_t c = 0; c < t->channels; c++) {
        const float *value = t->value + c * scale * t->key_height * pitch;
        float *row = t->texture + (c * t->height + y) * scale * out_pitch;
        for (int64_t x = 0; x < t->width; x++) {
            const int64_t *offset = s->offset + x * area;
            const float count = (float)(t->constant ? area : s->count[x]);
            float sum[MOST_SCALE * MOST_SCALE] = {0};
            for (int64_t n = 0; n < s->count[x]; n++)
#pragma GCC unroll 4
                for (int64_t i = 0; i < scale; i++)
#pragma GCC unroll 4
                    for (int64_t j = 0; j < scale; j++)
                        sum[i * scale + j] += value[offset[n] + i * pitch + j];
            for (int64_t i = 0; i < scale; i++)
                for (int64_t j = 0; j < scale; j++)
                    row[i * out_pitch + x * scale + j] = sum[i * scale + j] / count;
        }
    }
}

static void transfer_row(void *context, int64_t y, int64_t worker) {
    const struct transfer_plan *plan = context;
    const struct transfer *t = plan->transfer;
    struct sources *s = &plan->sources[worker];
    find_sources(t, y, s);
    if (t->scale == 1) fill_row(t, y, s, 1);
    else if (t->scale == 2) fill_row(t, y, s, 2);
    else if (t->scale == 4) fill_row(t, y, s, 4);
    else fill_row(t, y, s, t->scale);
}

static int transfer_texture(const struct transfer *t) {
    struct transfer_plan plan = {.transfer = t};
    const int64_t workers = worker_count(t->threads, t->height);
    const int64_t size = 2 * t->radius + 1;
    int failed = !(plan.sources = calloc((size_t)workers, sizeof(struct sources)));
    for (int64_t w = 0; w < workers && !failed; w++) {
        plan.sources[w].offset = malloc((size_t)(t->width * size * size) * sizeof(int64_t));
        plan.sources[w].count = malloc((size_t)t->width * sizeof(int64_t));
        failed = !plan.sources[w].offset || !plan.sources[w].count;
    }
    if (!failed) share_work(t->height, workers, transfer_row, &plan);
    for (int64_t w = 0; w < workers && plan.sources; w++) {
        free(plan.sources[w].offset);
        free(plan.sources[w].count);
    }
    free(plan.sources);
    return failed ? -1 : 0;
}

#endif
