/* SPDX-License-Identifier: Apache-2.0 */
/* The best match of a query so far, packed into one word that any thread may raise.
 *
 * High half: the score's bits, reordered so that unsigned comparison orders floats. Low half: the
 * complement of the position. A greater word is a higher score or, at the same score, a lower position;
 * so the final word is the same whatever the order of arrival.
 */
#ifndef BEST_H
#define BEST_H

#include <stdint.h>
#include <string.h>

#include "kernel.h"

static inline uint64_t pack_best(float score, int64_t position) {
    uint32_t bits;
    score += 0.0f; /* -0 becomes +0: they are equal */
    memcpy(&bits, &score, 4);
    bits = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
    return (uint64_t)bits << 32 | (0xFFFFFFFFu - (uint32_t)position);
}

static inline float best_score(uint64_t packed) {
    uint32_t bits = (uint32_t)(packed >> 32);
    float score;
    bits = bits & 0x80000000u ? bits & 0x7FFFFFFFu : ~bits;
    memcpy(&score, &bits, 4);
    return score;
}

static inline int64_t best_position(uint64_t packed) {
    return (int64_t)(0xFFFFFFFFu - (uint32_t)packed);
}

static inline uint64_t read_best(const uint64_t *best) {
    return __atomic_load_n(best, __ATOMIC_RELAXED);
}

static inline void raise_best(uint64_t *best, uint64_t candidate) {
    uint64_t seen = read_best(best);
    while (candidate > seen && !__atomic_compare_exchange_n(best, &seen, candidate, 1,
                                                            __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
}

#endif
