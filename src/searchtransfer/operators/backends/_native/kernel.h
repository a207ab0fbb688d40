/* SPDX-License-Identifier: Apache-2.0 */
/* What crosses the border between Python and C: plain structs of 64-bit fields, and the operations.
 *
 * A feature map is stored as cells: [height + 2r][width + 2r][step], channel last, with a border of r
 * zero cells (r = patch_size / 2), so that a block is patch_size contiguous runs and needs no edge cases.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <stdint.h>

#define MOST_HEADS 256 /* largest head_step */
#define MOST_PATCH 31  /* largest patch_size: half of it fits the zeros beside a line */

struct map {
    const float *cells;  /* [H + 2r][W + 2r][cell_step], as given */
    const float *heads;  /* [H + 2r][W + 2r][head_step], rotated, the first head_step components */
    const float *panels; /* keys: [H][ceil(W / 16)][panel_depth][16] of what the walk multiplies */
    const float *scale;  /* keys: [H][W16] 1 / |block|, NaN: not a candidate; queries: |block| */
    const float *tail;   /* |block beyond the walk's depth|; keys: [H][W16], divided by |block| */
    const float *tails;  /* [H][W][head_step / 16] the same beyond 16, 32, ... components */
    int64_t height, width;
    int64_t first; /* keys: number of this map's first cell among all keys */
};

struct search {
    struct map query;
    const struct map *keys;
    int64_t key_count;
    int64_t patch_size;
    int64_t cell_step, head_step; /* floats from cell to cell, multiples of 16 */
    int64_t depth;                /* components the walk multiplies; a multiple of 16 if pruned */
    int64_t panel_depth;          /* components the panels hold, >= depth */
    int64_t pruned;               /* 1: walk the heads, then evaluate; 0: the walk itself decides */
    const float *slack;           /* [H][W] rounding margin of partial product + bound */
    uint64_t *best;               /* [H][W] packed best so far, see best.h */
    int64_t *counts;              /* [3] pairs walked, pairs left open, exact products */
    int64_t query_block, key_block; /* columns at a time, 0: chosen from the cache budget */
    int64_t threads;
};

struct seeding {
    struct search search; /* seeds are looked for in keys[0] only */
    const int64_t *guess; /* [H][W] a cell of keys[0] for each query */
};

struct probe {
    struct search search;       /* keys[0] only */
    int64_t query_stride, key_stride; /* look at every so-manieth cell */
    int64_t *survivors; /* [head_step / 16] pairs that 16, 32, ... components leave open; [last] all */
};

struct layout {
    const float *source;
    float *target;
    int64_t channels, height, width, radius, step, depth, threads;
};

struct rotation {
    const float *cells; /* [rows][columns][step] */
    const float *basis; /* [depth / 16][step][16], orthonormal columns */
    float *heads;       /* [rows][columns][depth] */
    int64_t rows, columns, step, depth, threads;
};

struct energy {
    const float *cells;   /* bordered, `step` floats each */
    double *block_energy; /* [H][W][step / every] sum of squares of the first every, 2 every, ... */
    int64_t height, width, radius, step, every, threads;
};

struct distinct {
    const struct map *keys;
    int64_t key_count, radius, cell_step;
    uint8_t *first; /* [all key cells] 1: no block before is bitwise the same */
    int64_t threads;
};

struct scoring {
    struct search search;
    const double *query_energy; /* [H][W] */
    const double *key_energy;   /* [all key cells] */
    float *score;               /* [H][W] */
    int64_t *position;          /* [H][W] */
};

struct transfer {
    const float *value;   /* [C][scale * Hr][scale * Wr] */
    const int64_t *index; /* [H][W] */
    float *texture;       /* [C][scale * H][scale * W] */
    int64_t channels, height, width, key_height, key_width, scale, radius, constant, threads;
};

/* Every operation returns 0, or -1 when memory ran out. */
struct kernel {
    const char *name;
    int64_t lanes; /* floats in a vector: how many chains an exact product has is 4 x this */
    int (*search)(const struct search *);
    int (*seed)(const struct seeding *);
    int (*probe)(const struct probe *);
    int (*score)(const struct scoring *);
    int (*cells)(const struct layout *);
    int (*panels)(const struct layout *);
    int (*rotation)(const struct rotation *);
    int (*energy)(const struct energy *);
    int (*distinct)(const struct distinct *);
    int (*transfer)(const struct transfer *);
};

/* NULL: the best one that runs here; NULL is returned for one that does not. */
const struct kernel *choose_kernel(const char *name);

#endif
