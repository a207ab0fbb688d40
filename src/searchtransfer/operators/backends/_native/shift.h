/* SPDX-License-Identifier: Apache-2.0 */
/* Gauss-Newton steps: each match to where it is most like its cell, by luma, while that raises the score.
 *
 * A step makes query = gain * (key + slopes * step) nearly true, by least squares.
 */
#ifndef SHIFT_H
#define SHIFT_H

#include "compare.h"

#define LUMA_VECTORS (LUMAS / LANES)

struct step {
    float down, right;
};

INLINE struct step step_to(const struct shifting *s, const float *samples, const float *query) {
    vec part[RGB][LUMA_VECTORS] = {{{0}}}; /* the key's coefficients, and their slopes */
    float other[LUMAS] = {0};
    memcpy(other, query, (size_t)s->lumas * sizeof(float));
    for (int64_t i = 0; i < s->comparing.sampling.step_count; i++)
        for (int64_t v = 0; v < LUMA_VECTORS; v++) {
            const vec filter = load(s->luma + i * LUMAS + v * LANES);
            for (int64_t c = 0; c < RGB; c++) part[c][v] += samples[RGB * i + c] * filter;
        }
    vec products[6] = {{0}}, right[RGB] = {{0}};
    for (int64_t v = 0; v < LUMA_VECTORS; v++) {
        const vec *key = &part[0][v], *down = &part[1][v], *across = &part[2][v];
        const vec cell = load(other + v * LANES);
        products[0] += *key * *key, products[1] += *key * *down, products[2] += *key * *across;
        products[3] += *down * *down, products[4] += *down * *across;
        products[5] += *across * *across;
        right[0] += cell * *key, right[1] += cell * *down, right[2] += cell * *across;
    }
    float a = total(products[0]), d = total(products[3]), f = total(products[5]);
    const float b = total(products[1]), c = total(products[2]), e = total(products[4]);
    const float x = total(right[0]), y = total(right[1]), z = total(right[2]);
    const float size = (a + d + f) / 3 + 1e-12f;
    a += 1e-4f * size, d += 1e-4f * size, f += 1e-4f * size;
    /* The adjugate, over the determinant. */
    const float p = d * f - e * e, q = c * e - b * f, r = b * e - c * d;
    const float det = a * p + b * q + c * r;
    const float gain = (p * x + q * y + r * z) / det;
    const float least = 1e-3f / sqrtf(size), by = gain > least ? gain : least;
    struct step step = {(q * x + (a * f - c * c) * y + (b * c - a * e) * z) / det / by,
                        (r * x + (b * c - a * e) * y + (a * d - b * b) * z) / det / by};
    const float length = sqrtf(step.down * step.down + step.right * step.right);
    const float longest = (float)s->longest, kept = longest / (length > longest ? length : longest);
    if (!(gain > 0) || !(length < INFINITY)) return (struct step){0, 0};
    return (struct step){step.down * kept, step.right * kept};
}

static void shift_match(const struct shifting *s, const struct sampling *slopes, int64_t match) {
    float row[MOST_STEPS], column[MOST_STEPS], samples[RGB * MOST_STEPS];
    const struct comparing *c = &s->comparing;
    const struct sampling *picture = &c->sampling;
    const float *query = c->query + match * c->coefficients, *turn = picture->jacobian + 4 * match;
    const int64_t count = picture->step_count;
    float *centre = s->centre + 2 * match;
    for (int64_t n = 0; n < s->rounds; n++) {
        find_places(slopes, centre, turn, 0, count, row, column);
        bilinear(slopes, count, row, column, samples);
        const struct step step = step_to(s, samples, query);
        const float tried[2] = {centre[0] + step.down, centre[1] + step.right};
        if (!lies_inside(c, tried)) return;
        find_places(picture, tried, turn, 0, count, row, column);
        bilinear(picture, count, row, column, samples);
        const float score = held(score_of(c, samples, query), -1, 1);
        if (!(score > s->score[match])) return;
        memcpy(centre, tried, sizeof tried);
        s->score[match] = score;
        if (!(fabsf(step.down) > s->shortest || fabsf(step.right) > s->shortest)) return;
    }
}

static void shift_some(void *context, int64_t task, int64_t worker) {
    const struct shifting *s = context;
    const struct sampling *given = &s->comparing.sampling;
    struct sampling slopes = *given;
    (void)worker;
    slopes.picture = s->slopes;
    const int64_t last = (task + 1) * MATCHES < given->count ? (task + 1) * MATCHES : given->count;
    for (int64_t match = task * MATCHES; match < last; match++) {
        memcpy(s->centre + 2 * match, given->centre + 2 * match, 2 * sizeof(float));
        s->score[match] = s->comparing.score[match];
        shift_match(s, &slopes, match);
    }
}

static int shift_matches(const struct shifting *s) {
    const struct sampling *given = &s->comparing.sampling;
    const int64_t tasks = (given->count + MATCHES - 1) / MATCHES;
    share_work(tasks, worker_count(given->threads, tasks), shift_some, (void *)s);
    return 0;
}

#endif
