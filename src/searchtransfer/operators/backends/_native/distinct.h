/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks that are bitwise copies of an earlier one can never win: ties go to the lowest position.
 *
 * Flat and repeating images are full of them, and without this each copy would have to be evaluated.
 */
#ifndef DISTINCT_H
#define DISTINCT_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "blocks.h"
#include "workers.h"

struct hashing {
    const struct distinct *distinct;
    const struct map *key;
    uint64_t *cell_hash;  /* [H + 2r][W + 2r] of this key */
    uint64_t *block_hash; /* [all key cells] */
};

INLINE uint64_t stir(uint64_t h) { /* a bijection of 64-bit words */
    h ^= h >> 32;
    h *= 0xD6E8FEB86659FD93u;
    h ^= h >> 29;
    return h;
}

static void hash_cells(void *context, int64_t row, int64_t worker) {
    const struct hashing *h = context;
    const int64_t step = h->distinct->cell_step;
    const int64_t columns = h->key->width + 2 * h->distinct->radius;
    (void)worker;
    for (int64_t x = 0; x < columns; x++) {
        const float *cell = h->key->cells + (row * columns + x) * step;
        uint64_t lane[4] = {1, 2, 3, 4};
        for (int64_t k = 0; k + 8 <= step; k += 8)
            for (int j = 0; j < 4; j++) {
                uint64_t word;
                memcpy(&word, cell + k + 2 * j, 8);
                lane[j] = (lane[j] ^ word) * 0x9E3779B97F4A7C15u;
                lane[j] ^= lane[j] >> 32;
            }
        h->cell_hash[row * columns + x] =
            stir(lane[0]) + 3 * stir(lane[1]) + 5 * stir(lane[2]) + 7 * stir(lane[3]);
    }
}

static void hash_blocks(void *context, int64_t row, int64_t worker) {
    const struct hashing *h = context;
    const int64_t radius = h->distinct->radius, columns = h->key->width + 2 * radius;
    (void)worker;
    for (int64_t x = 0; x < h->key->width; x++) {
        uint64_t hash = 0;
        for (int64_t i = 0; i <= 2 * radius; i++)
            for (int64_t j = 0; j <= 2 * radius; j++)
                hash = stir(hash + h->cell_hash[(row + i) * columns + x + j] + 1);
        h->block_hash[h->key->first + row * h->key->width + x] = hash;
    }
}

static const struct map *key_of(const struct distinct *d, int64_t position) {
    int64_t k = 0;
    while (k + 1 < d->key_count && d->keys[k + 1].first <= position) k++;
    return &d->keys[k];
}

static int same_block(const struct distinct *d, int64_t one, int64_t other) {
    const struct map *a = key_of(d, one), *b = key_of(d, other);
    const int64_t size = 2 * d->radius + 1, at = one - a->first, bt = other - b->first;
    const float *p = block_at(a->cells, a, d->radius, d->cell_step, at / a->width, at % a->width);
    const float *q = block_at(b->cells, b, d->radius, d->cell_step, bt / b->width, bt % b->width);
    for (int64_t i = 0; i < size; i++) {
        if (memcmp(p, q, (size_t)(size * d->cell_step) * 4)) return 0;
        p += (a->width + 2 * d->radius) * d->cell_step;
        q += (b->width + 2 * d->radius) * d->cell_step;
    }
    return 1;
}

static float *scale_of(const struct distinct *d, int64_t position) {
    const struct map *key = key_of(d, position);
    const int64_t at = position - key->first;
    return key->scale + at / key->width * ((key->width + 15) / 16 * 16) + at % key->width;
}

static int mark_distinct(const struct distinct *d) {
    const struct map *last = &d->keys[d->key_count - 1];
    const int64_t blocks = last->first + last->height * last->width;
    int64_t most = 0, room = 16;
    for (int64_t k = 0; k < d->key_count; k++) {
        const int64_t cells =
            (d->keys[k].height + 2 * d->radius) * (d->keys[k].width + 2 * d->radius);
        if (cells > most) most = cells;
    }
    while (room < 2 * blocks) room *= 2;
    struct hashing hashing = {.distinct = d};
    hashing.cell_hash = malloc((size_t)most * sizeof(uint64_t));
    hashing.block_hash = malloc((size_t)blocks * sizeof(uint64_t));
    int64_t *table = malloc((size_t)room * sizeof(int64_t));
    const int failed = !hashing.cell_hash || !hashing.block_hash || !table;
    if (!failed) {
        for (int64_t k = 0; k < d->key_count; k++) {
            hashing.key = &d->keys[k];
            share_work(hashing.key->height + 2 * d->radius, d->threads, hash_cells, &hashing);
            share_work(hashing.key->height, d->threads, hash_blocks, &hashing);
        }
        memset(table, 0xFF, (size_t)room * sizeof(int64_t));
        for (int64_t block = 0; block < blocks; block++) {
            if (block % 4096 == 0 && stopped()) break;
            const uint64_t hash = hashing.block_hash[block];
            int64_t slot = (int64_t)(hash & (uint64_t)(room - 1)), seen;
            while ((seen = table[slot]) >= 0 &&
                   !(hashing.block_hash[seen] == hash && same_block(d, seen, block)))
                slot = (slot + 1) & (room - 1);
            if (seen < 0) table[slot] = block;
            else *scale_of(d, block) = NAN;
        }
    }
    free(hashing.cell_hash);
    free(hashing.block_hash);
    free(table);
    return failed ? -1 : 0;
}

#endif
