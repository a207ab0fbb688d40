/* SPDX-License-Identifier: Apache-2.0 */
/* Cells in bfloat16 that carry their own error: products of them are never too small.
 *
 * A cell x is kept as n rounded components h, of which N is the norm, and two numbers: R bounds the
 * norm of what rounding took from these components, E that of everything which h does not hold.
 * With (h, E, N, R) for a query and (h, E, R, N) for a key, Cauchy-Schwarz says
 *
 *     <x, y>  <=  <h_x, h_y> + E_x E_y + N_x R_y + R_x N_y,
 *
 * which is the product of the two extended cells. Summed over a block it bounds the block's product.
 * Of rotated cells the bounds take three places inside the first 32, where the basis has zeros; so a
 * deeper product goes on where this one ends.
 */
#ifndef ROUNDED_H
#define ROUNDED_H

#include <math.h>

#include "kernel.h"
#include "simd.h"
#include "workers.h"

#define ROUNDED_ROWS 32 /* query columns at a time: two tiles */

/* Sixteen numbers, whatever the width of the registers. */
typedef float floats __attribute__((vector_size(64)));
typedef uint32_t words __attribute__((vector_size(64)));
typedef uint16_t halves __attribute__((vector_size(32)));
typedef double doubles __attribute__((vector_size(128)));

INLINE double sum_of(const doubles *values) {
    double sum = 0;
    for (int j = 0; j < 16; j++) sum += (*values)[j];
    return sum;
}

INLINE uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    return bits;
}

/* The next bfloat16 that is not below a number that is not negative. */
INLINE uint16_t not_below(double value) {
    return (uint16_t)((bits_of((float)(value * (1 + 0x1p-20))) + 0xFFFF) >> 16);
}

INLINE float widened(uint16_t rounded) {
    const uint32_t bits = (uint32_t)rounded << 16;
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

/* One cell: its components, the bounds, zeros. */
INLINE void round_cell(const struct rounding *job, int64_t at, uint16_t *out) {
    const int64_t cells = (job->height + 2 * job->radius) * (job->width + 2 * job->radius);
    const double energy = job->energy[at];
    doubles held = {0}, lost = {0}, norm = {0};
    memset(out, 0, (size_t)job->depth * sizeof(uint16_t));
    for (int64_t k = 0; k < job->kept; k += 16) { /* behind the last component are zeros */
        floats value;
        memcpy(&value, job->cells + (k / job->plane * cells + at) * job->plane + k % job->plane,
               sizeof value);
        const words bits = (words)value;
        const words rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16; /* nearest, ties to even */
        const floats back = (floats)(rounded << 16);
        const doubles whole = __builtin_convertvector(value, doubles);
        const doubles kept = __builtin_convertvector(back, doubles), rest = whole - kept;
        const halves narrow = __builtin_convertvector(rounded, halves);
        memcpy(out + k, &narrow, sizeof narrow);
        held += whole * whole;
        lost += rest * rest;
        norm += kept * kept;
    }
    const double e = job->error;
    const double lost_norm = sqrt(sum_of(&lost)) + e * sqrt(energy), norm_bound = sqrt(sum_of(&norm));
    double rest = energy * (1 + e * (2 + e) + 0x1p-40) - sum_of(&held);
    if (!(rest > 0) || e == 0) rest = 0; /* no error: all channels are here */
    out[job->bounds] = not_below(sqrt(rest + lost_norm * lost_norm));
    out[job->bounds + 1] = not_below(job->key ? lost_norm : norm_bound);
    out[job->bounds + 2] = not_below(job->key ? norm_bound : lost_norm);
}

/* The part of a bound that the E of the cells account for. */
INLINE float rest_product(const struct search *search, const struct map *key, int64_t y, int64_t x,
                          int64_t Y, int64_t X) {
    const struct map *query = &search->query;
    const int64_t radius = search->patch_size / 2, depth = search->rounded_depth, e = search->bounds;
    const int64_t query_columns =
        (query->width + ROUNDED_ROWS - 1) / ROUNDED_ROWS * ROUNDED_ROWS;
    const int64_t panels = (key->width + 15) / 16;
    float sum = 0;
    for (int64_t i = -radius; i <= radius; i++) {
        if (y + i < 0 || y + i >= query->height || Y + i < 0 || Y + i >= key->height) continue;
        for (int64_t j = -radius; j <= radius; j++) {
            const int64_t column = x + j, key_column = X + j;
            if (column < 0 || column >= query->width || key_column < 0 || key_column >= key->width)
                continue;
            const uint16_t *panel =
                key->rounded + ((Y + i) * panels + key_column / 16) * depth * 16;
            sum += widened(query->rounded[((y + i) * query_columns + column) * depth + e]) *
                   widened(panel[(e / 2 * 16 + key_column % 16) * 2 + e % 2]);
        }
    }
    return sum;
}

static void round_row(void *context, int64_t y, int64_t worker) {
    const struct rounding *job = context;
    const int64_t columns = job->width + 2 * job->radius, depth = job->depth;
    const int64_t from = (y + job->radius) * columns + job->radius;
    (void)worker;
    if (!job->key) {
        const int64_t padded = (job->width + ROUNDED_ROWS - 1) / ROUNDED_ROWS * ROUNDED_ROWS;
        uint16_t *row = job->rounded + y * padded * depth;
        for (int64_t x = 0; x < job->width; x++)
            round_cell(job, from + x, row + x * depth);
        memset(row + job->width * depth, 0,
               (size_t)((padded - job->width) * depth) * sizeof(uint16_t));
        return;
    }
    uint32_t pairs[MOST_ROUNDED / 2];
    for (int64_t p = 0; p < (job->width + 15) / 16; p++) {
        uint16_t *panel = job->rounded + (y * ((job->width + 15) / 16) + p) * depth * 16;
        for (int64_t x = 0; x < 16; x++) {
            if (p * 16 + x < job->width)
                round_cell(job, from + p * 16 + x, (uint16_t *)pairs);
            else memset(pairs, 0, (size_t)depth * sizeof(uint16_t));
            for (int64_t k = 0; k < depth / 2; k++)
                memcpy(panel + (k * 16 + x) * 2, &pairs[k], sizeof(uint32_t));
        }
    }
}

static int round_cells(const struct rounding *job) {
    share_work(job->height, job->threads, round_row, (void *)job);
    return 0;
}

#endif
