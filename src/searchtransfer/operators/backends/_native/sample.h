/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures between their pixels, at places around matches: bilinear, or bicubic with a = -0.75.
 *
 * A place is a match's centre and its Jacobian times a step, taken to the picture by a projective map.
 * The border of the picture goes on outside. Places that are not numbers show its first pixel.
 */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <string.h>

#include "kernel.h"
#include "simd.h"
#include "workers.h"

#define RGB 3
#define SAMPLES 1024 /* places that a worker computes at a time; they fit the fastest cache */
#define MATCHES 64   /* matches of a task */
#define BEYOND 3     /* pixels outside from which on a place shows the border alone */

typedef float four __attribute__((vector_size(16)));
typedef float loose_four __attribute__((vector_size(16), aligned(4), may_alias));

/* Rows and columns in the picture of steps `first` to `first + count` around a match: it lies `at`, and
 * `turn` is its Jacobian. */
INLINE void find_places(const struct sampling *s, const float *at, const float *turn, int64_t first,
                        int64_t count, float *restrict row, float *restrict column) {
    const float *to = s->map;
    const float *down = s->steps + first, *right = s->steps + s->step_count + first;
    for (int64_t i = 0; i < count; i++) {
        const float y = at[0] + (turn[0] * down[i] + turn[1] * right[i]);
        const float x = at[1] + (turn[2] * down[i] + turn[3] * right[i]);
        const float depth = to[6] * y + to[7] * x + to[8];
        row[i] = (to[0] * y + to[1] * x + to[2]) / depth;
        column[i] = (to[3] * y + to[4] * x + to[5]) / depth;
    }
}

INLINE float held(float value, float low, float high) {
    value = value > low ? value : low; /* so is what is not a number */
    return value < high ? value : high;
}

/* A pixel lies side by side in all its channels, RGB. Vectors hold one, and what follows it. */
INLINE void bilinear(const struct sampling *s, int64_t count, const float *restrict row,
                     const float *restrict column, float *restrict values) {
    const int64_t height = s->height, width = s->width;
    const int64_t lowest = height > 1 ? height - 2 : 0, rightmost = width > 1 ? width - 2 : 0;
    const int64_t below = height > 1 ? RGB * width : 0, beside = width > 1 ? RGB : 0;
    const float *last = s->picture + RGB * (lowest * width + rightmost);
    float end[4][4] = {{0}}; /* behind the last pixel lies nothing that may be read */
    const int64_t ends[4] = {0, beside, below, below + beside};
    for (int64_t n = 0; n < 4; n++) memcpy(end[n], last + ends[n], RGB * sizeof(float));
    for (int64_t i = 0; i < count; i++) {
        const float y = held(row[i], 0, (float)(height - 1));
        const float x = held(column[i], 0, (float)(width - 1));
        const int32_t top = y < (float)lowest ? (int32_t)y : (int32_t)lowest;
        const int32_t left = x < (float)rightmost ? (int32_t)x : (int32_t)rightmost;
        const float down = y - (float)top, right = x - (float)left;
        const float *at = s->picture + RGB * (top * width + left);
        const int at_end = at == last;
        const four a = *(const loose_four *)(at_end ? end[0] : at);
        const four b = *(const loose_four *)(at_end ? end[1] : at + beside);
        const four c = *(const loose_four *)(at_end ? end[2] : at + below);
        const four d = *(const loose_four *)(at_end ? end[3] : at + below + beside);
        const four above = a + right * (b - a);
        const four under = c + right * (d - c);
        const four value = above + down * (under - above);
        if (i + 1 < count) *(loose_four *)(values + RGB * i) = value; /* the next lies over the rest */
        else memcpy(values + RGB * i, &value, RGB * sizeof(float));
    }
}

/* The weights of four pixels, for a place `t` behind the second. */
INLINE four cubic_weights(float t) {
    const float a = -0.75f;
    const four none = {0, 1, 0, 0}, once = {a, 0, -a, 0};
    const four twice = {-2 * a, -(a + 3), 2 * a + 3, a}, thrice = {a, a + 2, -(a + 2), -a};
    return none + t * (once + t * (twice + t * thrice));
}

INLINE float sum_of_four(four v) { return (v[0] + v[2]) + (v[1] + v[3]); }

INLINE int64_t within(int64_t n, int64_t size) { return n < 0 ? 0 : n < size ? n : size - 1; }

/* Four by four pixels of which some lie outside. */
static float at_border(const struct sampling *s, int64_t channel, int64_t top, int64_t left,
                       const float *down, const float *right) {
    const float *plane = s->picture + channel * s->height * s->width;
    float sum = 0;
    for (int64_t i = 0; i < 4; i++)
        for (int64_t j = 0; j < 4; j++)
            sum += down[i] * right[j] *
                   plane[within(top + i, s->height) * s->width + within(left + j, s->width)];
    return sum;
}

INLINE void bicubic(const struct sampling *s, int64_t count, const float *restrict row,
                    const float *restrict column, float *restrict values) {
    const int64_t height = s->height, width = s->width;
    for (int64_t i = 0; i < count; i++) {
        const float y = held(row[i], -BEYOND, (float)(height - 1 + BEYOND));
        const float x = held(column[i], -BEYOND, (float)(width - 1 + BEYOND));
        const int64_t top = (int32_t)(y + BEYOND) - BEYOND, left = (int32_t)(x + BEYOND) - BEYOND;
        const four down = cubic_weights(y - (float)top), right = cubic_weights(x - (float)left);
        if (top < 1 || left < 1 || top + 2 >= height || left + 2 >= width) {
            for (int64_t c = 0; c < RGB; c++)
                values[c * s->step_count + i] = at_border(s, c, top - 1, left - 1,
                                                          (const float *)&down, (const float *)&right);
            continue;
        }
        const float *at = s->picture + (top - 1) * width + left - 1;
        for (int64_t c = 0; c < RGB; c++, at += height * width) {
            const four sum = down[0] * *(const loose_four *)at +
                             down[1] * *(const loose_four *)(at + width) +
                             down[2] * *(const loose_four *)(at + 2 * width) +
                             down[3] * *(const loose_four *)(at + 3 * width);
            values[c * s->step_count + i] = sum_of_four(right * sum);
        }
    }
}

static void sample_matches(void *context, int64_t task, int64_t worker) {
    const struct sampling *s = context;
    float row[SAMPLES], column[SAMPLES];
    const int64_t last = (task + 1) * MATCHES < s->count ? (task + 1) * MATCHES : s->count;
    (void)worker;
    for (int64_t match = task * MATCHES; match < last; match++)
        for (int64_t first = 0; first < s->step_count; first += SAMPLES) {
            const int64_t left = s->step_count - first, count = left < SAMPLES ? left : SAMPLES;
            float *values = s->values + match * RGB * s->step_count;
            find_places(s, s->centre + 2 * match, s->jacobian + 4 * match, first, count, row, column);
            if (s->cubic) bicubic(s, count, row, column, values + first);
            else bilinear(s, count, row, column, values + RGB * first);
        }
}

static int sample_picture(const struct sampling *s) {
    const int64_t tasks = (s->count + MATCHES - 1) / MATCHES;
    share_work(tasks, worker_count(s->threads, tasks), sample_matches, (void *)s);
    return 0;
}

#endif
