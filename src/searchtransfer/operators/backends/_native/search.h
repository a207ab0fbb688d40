/* SPDX-License-Identifier: Apache-2.0 */
/* All diagonals of all keys, shared among threads; then the score of what was found. */
#ifndef SEARCH_H
#define SEARCH_H

#include "walk.h"
#include "walk_rounded.h"
#include "workers.h"

struct plan {
    const struct search *search;
    struct ring *rings;    /* one a worker */
    struct tally *tallies; /* one a worker */
    int64_t query_block, query_blocks, key_block; /* key_block in panels */
};

/* Offsets in the order 0, 1, -1, 2, -2 ... : the longest diagonals and the likeliest matches first. */
INLINE int64_t offset_of(int64_t number, int64_t height, int64_t key_height) {
    const int64_t both = height < key_height ? height - 1 : key_height - 1;
    if (number <= 2 * both) return number % 2 ? (number + 1) / 2 : -number / 2;
    return height < key_height ? number - both : both - number;
}

static void walk_task(void *context, int64_t task, int64_t worker) {
    const struct plan *plan = context;
    const struct search *search = plan->search;
    const int64_t radius = search->patch_size / 2;
    const int64_t block = task % plan->query_blocks;
    int64_t number = task / plan->query_blocks, k = 0;
    while (number >= search->query.height + search->keys[k].height - 1)
        number -= search->query.height + search->keys[k++].height - 1;
    const struct map *key = &search->keys[k];
    struct diagonal d = {.search = search, .key = key};
    d.offset = offset_of(number, search->query.height, key->height);
    d.x0 = block * plan->query_block;
    d.x1 = d.x0 + plan->query_block;
    if (d.x1 > search->query.width) d.x1 = search->query.width;
    d.px0 = d.x0 > radius ? d.x0 - radius : 0;
    d.px1 = d.x1 + radius < search->query.width ? d.x1 + radius : search->query.width;
    const int64_t panels = (key->width + PANEL - 1) / PANEL;
    const int64_t halo = (2 * radius + PANEL - 1) / PANEL; /* panels that two blocks share */
    for (d.X0 = 0, d.panel0 = 0; d.X0 < key->width; d.X0 = d.X1, d.panel0 = d.panel1 - halo) {
        d.panel1 = d.panel0 + plan->key_block;
        if (d.panel1 >= panels) d.panel1 = panels;
        d.X1 = d.panel1 == panels ? key->width : d.panel1 * PANEL - radius;
#if defined(TILES)
        if (search->walk == WALK_ROUNDED) {
            walk_rounded(&d, &plan->rings[worker], &plan->tallies[worker]);
            continue;
        }
#endif
        walk_diagonal(&d, &plan->rings[worker], &plan->tallies[worker]);
    }
}

static int64_t widest_key(const struct search *search) {
    int64_t widest = 0;
    for (int64_t k = 0; k < search->key_count; k++)
        if (search->keys[k].width > widest) widest = search->keys[k].width;
    return widest;
}

static int open_ring(struct ring *ring, const struct plan *plan) {
    const int64_t patch_size = plan->search->patch_size;
    const int rounded = plan->search->walk == WALK_ROUNDED; /* many lines instead of row products */
    const int64_t rows = rounded ? 0 : plan->query_block + patch_size - 1;
    const int64_t lines = rounded ? ROUNDED_ROWS + patch_size - 1 : patch_size;
    ring->row_step = plan->key_block * PANEL + PANEL; /* + PANEL: no power of two */
    ring->line_step = plan->key_block * PANEL + (rounded ? 4 : 6) * PANEL; /* zeros: 1 panel before, 5 behind */
    ring->slot_step = rows * ring->row_step;
    const int64_t row_floats = patch_size * ring->slot_step;
    const size_t bytes = (size_t)(row_floats + (lines + 1) * ring->line_step) * sizeof(float);
    void *memory;
    if (posix_memalign(&memory, 64, bytes)) return -1;
    memset(memory, 0, bytes);
    ring->rows = memory;
    ring->lines = ring->rows + row_floats;
    ring->zeros = ring->lines + lines * ring->line_step;
    return 0;
}

static int search_keys(const struct search *search) {
    struct plan plan = {.search = search};
    const int64_t radius = search->patch_size / 2;
    const int64_t least = (2 * radius + PANEL - 1) / PANEL + 1; /* a block must outgrow its halo */
    const int64_t panels = (widest_key(search) + PANEL - 1) / PANEL;
    const int rounded = search->walk == WALK_ROUNDED;
    const int64_t widest = rounded ? ROUNDED_KEY_PANELS * PANEL : WIDEST_KEY_BLOCK;
    plan.key_block = (search->key_block ? search->key_block : widest) / PANEL;
    if (plan.key_block < least) plan.key_block = least;
    if (plan.key_block > panels) plan.key_block = panels;
    plan.query_block = rounded ? search->query.width : search->query_block;
    if (!plan.query_block) {
        const int64_t row_bytes = search->patch_size * (plan.key_block + 1) * PANEL * 4;
        plan.query_block = RING_BYTES / row_bytes > 32 ? RING_BYTES / row_bytes : 32;
    }
    if (plan.query_block > search->query.width) plan.query_block = search->query.width;
    plan.query_blocks = (search->query.width + plan.query_block - 1) / plan.query_block;
    plan.query_block = (search->query.width + plan.query_blocks - 1) / plan.query_blocks;
    plan.query_blocks = (search->query.width + plan.query_block - 1) / plan.query_block;
    int64_t tasks = 0;
    for (int64_t k = 0; k < search->key_count; k++)
        tasks += search->query.height + search->keys[k].height - 1;
    tasks *= plan.query_blocks;
    const int64_t workers = worker_count(search->threads, tasks);
    plan.rings = calloc((size_t)workers, sizeof(struct ring));
    plan.tallies = calloc((size_t)workers, sizeof(struct tally));
    int failed = !plan.rings || !plan.tallies;
    for (int64_t w = 0; w < workers && !failed; w++) failed = open_ring(&plan.rings[w], &plan);
    if (!failed) share_work(tasks, workers, walk_task, &plan);
    for (int64_t w = 0; w < workers && !failed; w++) {
        search->counts[0] += plan.tallies[w].pairs;
        search->counts[1] += plan.tallies[w].open;
        search->counts[2] += plan.tallies[w].exact;
    }
    for (int64_t w = 0; w < workers && plan.rings; w++) free(plan.rings[w].rows);
    free(plan.rings);
    free(plan.tallies);
    return failed ? -1 : 0;
}

static void score_row(void *context, int64_t y, int64_t worker) {
    const struct scoring *scoring = context;
    const struct search *search = &scoring->search;
    const struct map *end = &search->keys[search->key_count - 1];
    const int64_t last = end->first + end->height * end->width - 1;
    (void)worker;
    for (int64_t x = 0; x < search->query.width; x++) {
        const int64_t cell = y * search->query.width + x;
        const double query_energy = scoring->query_energy[cell];
        scoring->score[cell] = 0;
        scoring->position[cell] = 0;
        if (!(query_energy > 0)) continue;
        const int64_t position = best_position(search->best[cell]);
        if (position > last) { /* it met no candidate: features were not finite */
            scoring->score[cell] = NAN;
            continue;
        }
        int64_t k = 0;
        while (k + 1 < search->key_count && search->keys[k + 1].first <= position) k++;
        const struct map *key = &search->keys[k];
        const int64_t at = position - key->first;
        const double norms = sqrt(query_energy) * sqrt(scoring->key_energy[position]);
        const float product =
            exact_score(search, key, y, x, at / key->width, at % key->width, 1.0f);
        const double score = norms > 0 ? product / norms : 0;
        scoring->score[cell] = (float)(score > 1 ? 1 : score < -1 ? -1 : score);
        scoring->position[cell] = position;
    }
}

static int score_matches(const struct scoring *scoring) {
    share_work(scoring->search.query.height, scoring->search.threads, score_row, (void *)scoring);
    return 0;
}

#endif
