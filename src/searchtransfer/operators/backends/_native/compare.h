/* SPDX-License-Identifier: Apache-2.0 */
/* How like its match a cell is: the match is sampled, described, and compared, in one pass. */
#ifndef COMPARE_H
#define COMPARE_H

#include <math.h>

#include "kernel.h"
#include "sample.h"
#include "simd.h"
#include "workers.h"

#define FLAT 1e-5f /* of the largest sample: a norm below is rounding of a constant patch */
#define WHOLE (COEFFICIENTS / LANES)

INLINE float score_of(const struct comparing *c, const float *samples, const float *query) {
    vec sum[WHOLE] = {{0}}, size = {0}, weighted = {0}, product = {0};
    float largest = 0, other[COEFFICIENTS] = {0};
    for (int64_t i = 0; i < RGB * c->sampling.step_count; i++) {
        const float *filter = c->filters + i * COEFFICIENTS;
        for (int64_t v = 0; v < WHOLE; v++) sum[v] += samples[i] * load(filter + v * LANES);
        largest = fabsf(samples[i]) > largest ? fabsf(samples[i]) : largest;
    }
    memcpy(other, query, (size_t)c->coefficients * sizeof(float));
    for (int64_t v = 0; v < WHOLE; v++) {
        const vec key = sum[v] * load(c->weights + v * LANES);
        size += sum[v] * sum[v];
        weighted += key * key;
        product += key * load(other + v * LANES);
    }
    const float norm = sqrtf(total(weighted));
    if (sqrtf(total(size)) <= FLAT * largest || !(norm > 0)) return 0;
    return total(product) / norm;
}

static int lies_inside(const struct comparing *c, const float *centre) {
    const int64_t height = c->sampling.height, width = c->sampling.width;
    if (!(centre[0] >= 0 && centre[0] <= (float)(height - 1))) return 0;
    if (!(centre[1] >= 0 && centre[1] <= (float)(width - 1))) return 0;
    return !c->shown || c->shown[(int64_t)rintf(centre[0]) * width + (int64_t)rintf(centre[1])];
}

static void compare_some(void *context, int64_t task, int64_t worker) {
    const struct comparing *c = context;
    const struct sampling *s = &c->sampling;
    float row[MOST_STEPS], column[MOST_STEPS], samples[RGB * MOST_STEPS];
    const int64_t last = (task + 1) * MATCHES < s->count ? (task + 1) * MATCHES : s->count;
    (void)worker;
    for (int64_t match = task * MATCHES; match < last; match++) {
        c->score[match] = -1;
        if (!lies_inside(c, s->centre + 2 * match)) continue;
        find_places(s, s->centre + 2 * match, s->jacobian + 4 * match, 0, s->step_count, row, column);
        bilinear(s, s->step_count, row, column, samples);
        c->score[match] = held(score_of(c, samples, c->query + match * c->coefficients), -1, 1);
    }
}

static int compare_matches(const struct comparing *c) {
    const int64_t tasks = (c->sampling.count + MATCHES - 1) / MATCHES;
    share_work(tasks, worker_count(c->sampling.threads, tasks), compare_some, (void *)c);
    return 0;
}

#endif
