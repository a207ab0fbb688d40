/* SPDX-License-Identifier: Apache-2.0 */
/* How many pairs would survive the bound at each depth: measured on a sample, to choose the depth. */
#ifndef PROBE_H
#define PROBE_H

#include <math.h>
#include <stdlib.h>

#include "prune.h"
#include "workers.h"

#define CHUNK 8 /* components from level to level */

typedef float chunk __attribute__((vector_size(4 * CHUNK)));
typedef float loose_chunk __attribute__((vector_size(4 * CHUNK), aligned(4), may_alias));

/* Products of the components of each level over all cells of two blocks, summed up level by level. */
static void level_products(const float *a, int64_t a_row, const float *b, int64_t b_row,
                           int64_t patch_size, int64_t step, double *products) {
    double sum = 0;
    for (int64_t k = 0; k < step; k += CHUNK) {
        chunk part = {0};
        for (int64_t i = 0; i < patch_size; i++)
            for (int64_t j = 0; j < patch_size; j++)
                part += *(const loose_chunk *)(a + i * a_row + j * step + k) *
                        *(const loose_chunk *)(b + i * b_row + j * step + k);
        for (int lane = 0; lane < CHUNK; lane++) sum += part[lane];
        products[k / CHUNK] = sum;
    }
}

static void probe_key(void *context, int64_t sample, int64_t worker) {
    const struct probe *probe = context;
    const struct search *search = &probe->search;
    const struct map *query = &search->query, *key = search->keys;
    const int64_t radius = search->patch_size / 2, step = search->head_step;
    const int64_t at = sample * probe->key_stride, levels = step / CHUNK;
    const int64_t Y = at / key->width, X = at % key->width;
    const int64_t query_row = (query->width + 2 * radius) * step;
    const int64_t key_row = (key->width + 2 * radius) * step;
    const float scale = key->scale[Y * ((key->width + 15) / 16 * 16) + X];
    const float *k = block_at(key->heads, key, radius, step, Y, X);
    double key_heads[levels], query_heads[levels], products[levels];
    (void)worker;
    if (!(scale >= 0)) return;
    level_products(k, key_row, k, key_row, search->patch_size, step, key_heads);
    for (int64_t cell = 0; cell < query->height * query->width; cell += probe->query_stride) {
        const double energy = probe->query_energy[cell];
        if (!(energy > 0)) continue;
        const float *q = block_at(query->heads, query, radius, step, cell / query->width,
                                  cell % query->width);
        const double bar = (double)best_score(read_best(search->best + cell)) -
                           probe->slack * sqrt(energy) - probe->tiny;
        level_products(q, query_row, q, query_row, search->patch_size, step, query_heads);
        level_products(q, query_row, k, key_row, search->patch_size, step, products);
        for (int64_t l = 0; l < levels; l++) {
            const double query_tail = fmax(0, energy - query_heads[l]);
            const double key_tail = fmax(0, probe->key_energy[at] - key_heads[l]);
            if (!(products[l] * scale + sqrt(query_tail * key_tail) * scale >= bar)) break;
            __atomic_fetch_add(&probe->survivors[l], 1, __ATOMIC_RELAXED);
        }
        __atomic_fetch_add(&probe->survivors[levels], 1, __ATOMIC_RELAXED);
    }
}

static int probe_depths(const struct probe *probe) {
    const struct map *key = probe->search.keys;
    const int64_t cells = key->height * key->width;
    share_work((cells + probe->key_stride - 1) / probe->key_stride, probe->search.threads,
               probe_key, (void *)probe);
    return 0;
}

#endif
