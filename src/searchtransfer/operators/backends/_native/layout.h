/* SPDX-License-Identifier: Apache-2.0 */
/* From planes to cells to panels, the energy of blocks, and which blocks are copies of another. */
#ifndef LAYOUT_H
#define LAYOUT_H

#include <stdlib.h>
#include <string.h>

#include "kernel.h"
#include "product.h"
#include "workers.h"

/* One row of planes [C][H][W] to bordered cells, 16 x 16 values at a time; the rest is zero before. */
static void cells_row(void *context, int64_t y, int64_t worker) {
    const struct layout *l = context;
    (void)worker;
    float *row = l->target + ((y + l->radius) * (l->width + 2 * l->radius) + l->radius) * l->step;
    for (int64_t c0 = 0; c0 < l->channels; c0 += 16)
        for (int64_t x0 = 0; x0 < l->width; x0 += 16) {
            const int64_t deep = l->channels - c0 < 16 ? l->channels - c0 : 16;
            const int64_t wide = l->width - x0 < 16 ? l->width - x0 : 16;
            float square[16][16];
            for (int64_t c = 0; c < deep; c++)
                memcpy(square[c], l->source + ((c0 + c) * l->height + y) * l->width + x0,
                       (size_t)wide * sizeof(float));
            for (int64_t x = 0; x < wide; x++)
                for (int64_t c = 0; c < deep; c++) row[(x0 + x) * l->step + c0 + c] = square[c][x];
        }
}

static int make_cells(const struct layout *l) {
    share_work(l->height, l->threads, cells_row, (void *)l);
    return 0;
}

/* One row of bordered cells to panels [ceil(W / 16)][depth][16], zero beyond the last column. */
static void panels_row(void *context, int64_t y, int64_t worker) {
    const struct layout *l = context;
    const int64_t panels = (l->width + PANEL - 1) / PANEL;
    (void)worker;
    const float *row =
        l->source + ((y + l->radius) * (l->width + 2 * l->radius) + l->radius) * l->step;
    for (int64_t p = 0; p < panels; p++) {
        float *to = l->target + (y * panels + p) * l->depth * PANEL;
        const int64_t wide = l->width - p * PANEL < PANEL ? l->width - p * PANEL : PANEL;
        for (int64_t k = 0; k < l->depth; k++)
            for (int64_t x = 0; x < PANEL; x++)
                to[k * PANEL + x] = x < wide ? row[(p * PANEL + x) * l->step + k] : 0;
    }
}

static int make_panels(const struct layout *l) {
    share_work(l->height, l->threads, panels_row, (void *)l);
    return 0;
}

static void rotation_row(void *context, int64_t y, int64_t worker) {
    const struct rotation *r = context;
    (void)worker;
    product(r->cells + y * r->columns * r->step, r->step, r->columns, r->basis, r->step * PANEL,
            r->depth / PANEL, r->step, r->heads + y * r->columns * r->depth, r->depth);
}

/* Every cell in another basis, each component one chain of multiply-adds. */
static int rotate_cells(const struct rotation *r) {
    share_work(r->rows, r->threads, rotation_row, (void *)r);
    return 0;
}

struct energy_plan {
    const struct energy *energy;
    double *cell; /* [H + 2r][W + 2r][levels] squared norms of single cells, summed up by level */
};

static void cell_energy_row(void *context, int64_t row, int64_t worker) {
    const struct energy_plan *plan = context;
    const struct energy *e = plan->energy;
    const int64_t columns = e->width + 2 * e->radius, levels = e->step / e->every;
    (void)worker;
    for (int64_t x = 0; x < columns; x++) {
        const float *cell = e->cells + (row * columns + x) * e->step;
        double sum = 0;
        for (int64_t l = 0; l < levels; l++) {
            double part[16] = {0};
            for (int64_t k = l * e->every; k < (l + 1) * e->every; k += 16)
                for (int j = 0; j < 16; j++) part[j] += (double)cell[k + j] * cell[k + j];
            for (int half = 8; half; half /= 2)
                for (int j = 0; j < half; j++) part[j] += part[j + half];
            plan->cell[(row * columns + x) * levels + l] = sum += part[0];
        }
    }
}

static void block_energy_row(void *context, int64_t y, int64_t worker) {
    const struct energy_plan *plan = context;
    const struct energy *e = plan->energy;
    const int64_t levels = e->step / e->every, columns = e->width + 2 * e->radius;
    double *out = e->block_energy + y * e->width * levels;
    (void)worker;
    memset(out, 0, (size_t)(e->width * levels) * sizeof(double));
    for (int64_t i = 0; i <= 2 * e->radius; i++)
        for (int64_t j = 0; j <= 2 * e->radius; j++) {
            const double *in = plan->cell + ((y + i) * columns + j) * levels;
            for (int64_t n = 0; n < e->width * levels; n++) out[n] += in[n];
        }
}

/* Squared norms of all blocks, in double: of single cells, then box sums. */
static int block_energy(const struct energy *e) {
    struct energy_plan plan = {e, NULL};
    const int64_t rows = e->height + 2 * e->radius, columns = e->width + 2 * e->radius;
    plan.cell = malloc((size_t)(rows * columns * (e->step / e->every)) * sizeof(double));
    if (!plan.cell) return -1;
    share_work(rows, e->threads, cell_energy_row, &plan);
    share_work(e->height, e->threads, block_energy_row, &plan);
    free(plan.cell);
    return 0;
}

#endif
