/* SPDX-License-Identifier: Apache-2.0 */
/* A good first match for every query, so that the walk prunes from its first step.
 *
 * Neighbours match neighbours. Each query starts from a guess, looks at its neighbours' matches moved
 * along by one cell - one sweep down, one up - and keeps what is best. The guesses are judged by their
 * heads; only the last one is evaluated exactly, so every seed is a true lower bound. Sweeps stay
 * within bands of rows, which do not depend on the number of threads.
 */
#ifndef SEED_H
#define SEED_H

#include "prune.h"
#include "workers.h"

#define BAND 16  /* rows */
#define JUDGE 64 /* components by which guesses are compared */

struct guess {
    int64_t row, column;
    float score;
};

INLINE void consider(const struct search *search, int64_t y, int64_t x, int64_t Y, int64_t X,
                     struct guess *guess) {
    const struct map *key = search->keys;
    if (Y < 0 || X < 0 || Y >= key->height || X >= key->width) return;
    if (Y == guess->row && X == guess->column) return;
    const float scale = key->scale[Y * ((key->width + 15) / 16 * 16) + X];
    if (!(scale >= 0)) return; /* not a candidate */
    float score = 0;
    for (int64_t from = 0; from < search->heads && from < JUDGE; from += PLANE)
        score += scale * span_product(search, key, y, x, Y, X, from, from + PLANE);
    if (score > guess->score) *guess = (struct guess){Y, X, score};
}

/* The cell of the first key that the halved maps say. */
INLINE struct guess coarse_guess(const struct seeding *seeding, int64_t y, int64_t x) {
    const struct map *query = &seeding->search.query, *key = seeding->search.keys;
    const int64_t width = (key->width + 1) / 2, most = (key->height + 1) / 2 * width - 1;
    int64_t at = best_position(seeding->coarse[y / 2 * ((query->width + 1) / 2) + x / 2]);
    if (at > most) at = most; /* a cell that saw nothing starts anywhere */
    const int64_t row = at / width * 2 + y % 2, column = at % width * 2 + x % 2;
    return (struct guess){.row = row < key->height ? row : key->height - 1,
                          .column = column < key->width ? column : key->width - 1};
}

struct seeds {
    const struct seeding *seeding;
    struct guess *guesses; /* [H][W] */
};

static void seed_band(void *context, int64_t band, int64_t worker) {
    const struct seeds *seeds = context;
    const struct search *search = &seeds->seeding->search;
    const struct map *key = search->keys;
    const int64_t width = search->query.width, from = band * BAND;
    const int64_t to = from + BAND < search->query.height ? from + BAND : search->query.height;
    struct guess *all = seeds->guesses;
    (void)worker;
    for (int64_t y = from; y < to; y++)
        for (int64_t x = 0; x < width; x++) {
            const int64_t cell = y * width + x;
            const struct guess first = coarse_guess(seeds->seeding, y, x);
            struct guess *guess = &all[cell];
            *guess = (struct guess){-1, -1, -INFINITY};
            consider(search, y, x, first.row, first.column, guess);
            if (x > 0) consider(search, y, x, guess[-1].row, guess[-1].column + 1, guess);
            if (y > from)
                consider(search, y, x, guess[-width].row + 1, guess[-width].column, guess);
        }
    for (int64_t y = to - 1; y >= from; y--)
        for (int64_t x = width - 1; x >= 0; x--) {
            struct guess *guess = &all[y * width + x];
            if (x + 1 < width) consider(search, y, x, guess[1].row, guess[1].column - 1, guess);
            if (y + 1 < to)
                consider(search, y, x, guess[width].row - 1, guess[width].column, guess);
        }
    for (int64_t y = from; y < to; y++)
        for (int64_t x = 0; x < width; x++) {
            const struct guess *guess = &all[y * width + x];
            if (guess->row < 0) continue;
            const int64_t row = guess->row, column = guess->column;
            const float scale = key->scale[row * ((key->width + 15) / 16 * 16) + column];
            raise_best(search->best + y * width + x,
                       pack_best(exact_score(search, key, y, x, row, column, scale),
                                 key->first + row * key->width + column));
        }
}

static int seed_matches(const struct seeding *seeding) {
    const struct map *query = &seeding->search.query;
    struct seeds seeds = {seeding, NULL};
    seeds.guesses = malloc((size_t)(query->height * query->width) * sizeof(struct guess));
    if (!seeds.guesses) return -1;
    share_work((query->height + BAND - 1) / BAND, seeding->search.threads, seed_band, &seeds);
    free(seeds.guesses);
    return 0;
}

#endif
