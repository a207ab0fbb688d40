/* SPDX-License-Identifier: Apache-2.0 */
/* From planes to cells to panels, the energy of blocks, and which blocks are copies of another. */
#ifndef LAYOUT_H
#define LAYOUT_H

#include <stdlib.h>

#include "kernel.h"
#include "product.h"
#include "workers.h"

/* One row of planes [C][H][W] to bordered cells; the target is zero beforehand. */
static void cells_row(void *context, int64_t y, int64_t worker) {
    const struct layout *l = context;
    (void)worker;
    float *row = l->target + ((y + l->radius) * (l->width + 2 * l->radius) + l->radius) * l->step;
    for (int64_t x0 = 0; x0 < l->width; x0 += 16)
        for (int64_t c = 0; c < l->channels; c++) {
            const float *from = l->source + (c * l->height + y) * l->width;
            const int64_t x1 = x0 + 16 < l->width ? x0 + 16 : l->width;
            for (int64_t x = x0; x < x1; x++) row[x * l->step + c] = from[x];
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

/* Squared norm of every block of a row, in double: patch_size rows of cells, then a box sum. */
static void energy_row(void *context, int64_t y, int64_t worker) {
    const struct energy *e = context;
    const int64_t columns = e->width + 2 * e->radius;
    (void)worker;
    double *out = e->block_energy + y * e->width;
    for (int64_t x = 0; x < e->width; x++) out[x] = 0;
    for (int64_t px = 0; px < columns; px++) {
        double sum = 0;
        for (int64_t i = 0; i <= 2 * e->radius; i++) {
            const float *cell = e->cells + ((y + i) * columns + px) * e->step;
            double part[8] = {0};
            int64_t k = 0;
            for (; k + 8 <= e->depth; k += 8)
                for (int j = 0; j < 8; j++) part[j] += (double)cell[k + j] * cell[k + j];
            for (; k < e->depth; k++) part[0] += (double)cell[k] * cell[k];
            sum += ((part[0] + part[1]) + (part[2] + part[3])) +
                   ((part[4] + part[5]) + (part[6] + part[7]));
        }
        const int64_t from = px - 2 * e->radius > 0 ? px - 2 * e->radius : 0;
        const int64_t to = px < e->width ? px : e->width - 1;
        for (int64_t x = from; x <= to; x++) out[x] += sum;
    }
}

static int block_energy(const struct energy *e) {
    share_work(e->height, e->threads, energy_row, (void *)e);
    return 0;
}

#endif
