/* SPDX-License-Identifier: Apache-2.0 */
/* What crosses the border between Python and C: plain structs of 64-bit fields, and the operations.
 *
 * A feature map is stored as cells: [height + 2r][width + 2r][step], channel last, with a border of r
 * zero cells (r = patch_size / 2), so that a block is patch_size contiguous runs and needs no edge cases.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <stdint.h>

/* Python reads these from the built module (`constants` in module.c), so they stand here alone. */
#define PANEL 16          /* columns of a panel; cells are padded to as many floats */
#define PLANE 32          /* rotated components that lie side by side: one stage of an evaluation */
#define LEVEL 16          /* tail norms are known at multiples of this depth */
#define SPARE 64          /* floats behind the columns of a key that whole vectors may read */
#define ROUNDED_STEP 32   /* numbers of a rounded cell that a matrix tile multiplies at once */
#define MOST_ROUNDED 4096 /* the longest rounded cell */
#define MOST_HEADS 256    /* components */
#define MOST_PATCH 31     /* largest patch_size: half of it fits the zeros beside a line */
#define MOST_SCALE 8      /* value pixels along a side of a cell */
#define UNSEEN 0x007FFFFF00000000 /* a packed best below every other: -inf, the last position */
#define MOST_STEPS 32     /* places around a match that is compared */
#define LUMAS 32          /* the same of those that speak of luma */
#define COEFFICIENTS 48   /* room for those of a descriptor, a multiple of every vector */
#define KERNEL_VERSION 3  /* of all that crosses this border; `native_kernel.py` asks for it */

struct map {
    const float *cells;  /* [H + 2r][W + 2r][cell_step], as given */
    const float *heads;  /* [heads / 32][H + 2r][W + 2r][32], rotated, the first components */
    const float *walked; /* queries: [H + 2r][W + 2r][walked_step] what the walk multiplies */
    const float *panels; /* keys: [H][ceil(W / 16)][panel_depth][16] of what the walk multiplies */
    const uint16_t *rounded; /* bfloat16 cells for the walk in matrix tiles, see rounded.h */
    float *scale;        /* keys: [H][W16] 1 / |block|, NaN: not a candidate; queries: |block| */
    const float *tail;   /* |block beyond the walk's depth|; keys: [H][W16], divided by |block| */
    const float *tails;  /* [H][W][heads / 16] the same beyond 16, 32, ... components */
    int64_t height, width;
    int64_t first; /* keys: number of this map's first cell among all keys */
};

enum walk {
    WALK_CELLS,  /* all channels: the walk itself decides */
    WALK_HEADS,  /* the first components, then a bound, then evaluation of what it leaves open */
    WALK_ROUNDED /* the same in bfloat16, the bound included; depth 0: all channels */
};

struct search {
    struct map query;
    const struct map *keys;
    int64_t key_count;
    int64_t patch_size;
    int64_t cell_step, walked_step; /* floats from cell to cell, multiples of 16 */
    int64_t heads; /* rotated components, a multiple of 32 */
    int64_t depth;                /* components the walk multiplies; a multiple of 16 if pruned */
    int64_t panel_depth;          /* components the panels hold, >= depth */
    int64_t walk;                 /* one of enum walk */
    int64_t rounded_depth;        /* numbers in a rounded cell, a multiple of 32 */
    int64_t bounds;               /* where its bounds stand */
    const float *slack;           /* [H][W] rounding margin of partial product + bound */
    uint64_t *best;               /* [H][W] packed best so far, see best.h */
    int64_t *counts;              /* [3] pairs walked, pairs left open, exact products */
    int64_t query_block, key_block; /* columns at a time, 0: chosen from the cache budget */
    int64_t threads;
};

struct seeding {
    struct search search; /* seeds are looked for in keys[0] only */
    const uint64_t *coarse; /* [(H + 1) / 2][(W + 1) / 2] packed best of the halved maps */
};

struct probe {
    struct search search;       /* keys[0] only */
    int64_t query_stride, key_stride; /* look at every so-manieth cell */
    int64_t *survivors; /* [heads / 16] pairs that 16, 32, ... components leave open; [last] all */
};

struct layout {
    const float *source; /* [C][H][W] */
    float *cells;        /* [H + 2r][W + 2r][step] */
    double *energy;      /* [H + 2r][W + 2r] squared norm of every cell */
    int64_t channels, height, width, radius, step, threads;
};

struct panelling {
    const float *cells; /* [step / plane][H + 2r][W + 2r][plane] */
    float *panels;      /* [H][ceil(W / 16)][step][16] */
    int64_t height, width, radius, step, plane, threads;
};

struct rotation {
    const float *cells; /* [rows][columns][step] */
    const float *basis; /* [depth / 16][step][16], orthonormal columns */
    float *heads;       /* [depth / 32][rows][columns][32] */
    double *energy;     /* [rows][columns][depth / 16] squared norm of the first 16, 32, ... */
    int64_t rows, columns, step, depth, threads;
};

struct halving {
    const float *heads; /* [H + 2r][W + 2r][32] the first plane */
    float *cells;       /* [(H + 1) / 2 + 2r][(W + 1) / 2 + 2r][16] means of two by two cells */
    double *energy;     /* the same without [16]: squared norm of every cell */
    int64_t height, width, radius, threads;
};

struct norms {
    const double *cell_energy; /* [H + 2r][W + 2r] */
    const double *head_energy; /* [H + 2r][W + 2r][levels] */
    const double *growth;      /* [levels] 1 + what computed heads may hold too much */
    double *energy;            /* [H][W] squared norm of every block */
    float *scale; /* keys: [H][W16] and spare, 1 / |block|, 0 for a zero block; queries: [H][W] |block| */
    float *tails; /* [H][W][levels] bounds of the norm beyond each level; keys: divided by |block| */
    int64_t height, width, radius, levels;
    int64_t key; /* 1: a key, 0: a query */
    int64_t threads;
};

struct rounding {
    const float *cells;   /* [step / plane][H + 2r][W + 2r][plane] */
    const double *energy; /* [H + 2r][W + 2r] squared norm of every cell, rest included */
    uint16_t *rounded;    /* queries: [H][W32][depth]; keys: [H][ceil(W / 16)][depth / 2][16][2] */
    double error;         /* |computed components - true ones| <= error * |cell| */
    int64_t height, width, radius, plane;
    int64_t kept;   /* components that are rounded */
    int64_t bounds; /* where the three bounds stand: there the components are zero, or behind them */
    int64_t depth;  /* of a rounded cell, a multiple of 32 */
    int64_t key;   /* 1: a key, 0: a query */
    int64_t threads;
};

struct distinct {
    const struct map *keys; /* the scale of every block that is a copy becomes NaN */
    int64_t key_count, radius, cell_step, threads;
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

struct sampling {
    const float *picture;  /* bilinear: [H][W][3], bicubic: [3][H][W]; fewer pixels than 2^31 */
    const float *centre;   /* [count][2] row and column of each match */
    const float *jacobian; /* [count][2][2] */
    const float *steps;    /* [2][step_count] rows, then columns */
    const float *map;      /* [3][3] from where matches are to the picture */
    float *values;         /* bilinear: [count][step_count][3], bicubic: [count][3][step_count] */
    int64_t height, width, count, step_count, cubic, threads;
};

struct comparing {
    struct sampling sampling; /* bilinear, without values */
    const float *filters; /* [3 * step_count][48] each sample's part in each coefficient */
    const float *weights; /* [48] of the coefficients, zero beyond the last */
    const float *query;   /* [count][coefficients] of norm one or zero */
    const uint8_t *shown; /* [H][W] where a match may lie; NULL: everywhere */
    float *score;         /* [count] cosine with the weighted coefficients of what is sampled; -1 outside */
    int64_t coefficients; /* 48 at most */
};

struct shifting {
    struct comparing comparing; /* its centres and scores are those to begin with, and are not changed */
    const float *slopes;  /* [H][W][3] luma, and its slopes down and right */
    const float *luma;    /* [step_count][32] each sample's part in each weighted coefficient */
    float *centre;        /* [count][2] where the matches come to lie */
    float *score;         /* [count] theirs */
    double longest, shortest; /* pixels of a step; a shorter one is the last */
    int64_t lumas;        /* coefficients, the first of the query's; 32 at most */
    int64_t rounds;
};

/* Every operation returns 0, or -1 when memory ran out. One that was stopped (`workers.h`) returns
 * early and leaves its results undefined. */
struct kernel {
    const char *name;
    int64_t lanes; /* floats in a vector: how many chains an exact product has is 4 x this */
    int (*search)(const struct search *);
    int (*seed)(const struct seeding *);
    int (*probe)(const struct probe *);
    int (*score)(const struct scoring *);
    int (*cells)(const struct layout *);
    int (*panels)(const struct panelling *);
    int (*rotation)(const struct rotation *);
    int (*halve)(const struct halving *);
    int (*norms)(const struct norms *);
    int (*distinct)(const struct distinct *);
    int (*round)(const struct rounding *);
    int (*transfer)(const struct transfer *);
    int (*sample)(const struct sampling *);
    int (*compare)(const struct comparing *);
    int (*shift)(const struct shifting *);
};

/* Linux and a compiler that knows the tile registers. */
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && \
    (defined(__clang__) ? __clang_major__ >= 16 : __GNUC__ >= 12)
#define HAVE_AMX
#endif

/* NULL: the best one that runs here; NULL is returned for one that does not. */
const struct kernel *choose_kernel(const char *name);

#endif
