/* SPDX-License-Identifier: Apache-2.0 */
/* From planes to cells, to panels, to the cells in another basis. */
#ifndef LAYOUT_H
#define LAYOUT_H

#include <string.h>

#include "kernel.h"
#include "product.h"
#include "workers.h"

/* The squared norms of the first `every`, 2 `every`, ... numbers of a cell; all multiples of 16. */
INLINE void cell_energies(const float *cell, int64_t step, int64_t every, double *energy) {
    double sum = 0;
    for (int64_t from = 0; from < step; from += every) {
        double part[16] = {0};
        for (int64_t k = from; k < from + every; k += 16)
            for (int j = 0; j < 16; j++) part[j] += (double)cell[k + j] * cell[k + j];
        for (int half = 8; half; half /= 2)
            for (int j = 0; j < half; j++) part[j] += part[j + half];
        *energy++ = sum += part[0];
    }
}

/* One row of planes [C][H][W] to cells, 16 x 16 values at a time, and the zeros around it. */
static void cells_row(void *context, int64_t row, int64_t worker) {
    const struct layout *l = context;
    const int64_t columns = l->width + 2 * l->radius, step = l->step, y = row - l->radius;
    float *cells = l->cells + row * columns * step;
    double *energy = l->energy + row * columns;
    (void)worker;
    if (y < 0 || y >= l->height) {
        memset(cells, 0, (size_t)(columns * step) * sizeof(float));
        memset(energy, 0, (size_t)columns * sizeof(double));
        return;
    }
    const size_t border = (size_t)l->radius;
    memset(cells, 0, border * (size_t)step * sizeof(float));
    memset(energy, 0, border * sizeof(double));
    memset(cells + (columns - l->radius) * step, 0, border * (size_t)step * sizeof(float));
    memset(energy + columns - l->radius, 0, border * sizeof(double));
    cells += l->radius * step;
    energy += l->radius;
    for (int64_t x0 = 0; x0 < l->width; x0 += 16) {
        const int64_t wide = l->width - x0 < 16 ? l->width - x0 : 16;
        for (int64_t c0 = 0; c0 < step; c0 += 16) {
            const int64_t deep = l->channels - c0 < 16 ? l->channels - c0 : 16;
            const float *from = l->source + (c0 * l->height + y) * l->width + x0;
            float square[16][16] = {{0}};
            for (int64_t c = 0; c < deep; c++)
                memcpy(square[c], from + c * l->height * l->width, (size_t)wide * sizeof(float));
            for (int64_t x = 0; x < wide; x++)
                for (int64_t c = 0; c < 16; c++)
                    cells[(x0 + x) * step + c0 + c] = square[c][x] + 0.0f; /* one zero, not two */
        }
        for (int64_t x = x0; x < x0 + wide; x++)
            cell_energies(cells + x * step, step, step, energy + x);
    }
}

static int make_cells(const struct layout *l) {
    share_work(l->height + 2 * l->radius, l->threads, cells_row, (void *)l);
    return 0;
}

/* One row of bordered cells to panels [ceil(W / 16)][step][16], zero beyond the last column. */
static void panels_row(void *context, int64_t y, int64_t worker) {
    const struct panelling *l = context;
    const int64_t panels = (l->width + PANEL - 1) / PANEL;
    const int64_t columns = l->width + 2 * l->radius;
    const int64_t plane_step = (l->height + 2 * l->radius) * columns * l->plane;
    const float *row = l->cells + ((y + l->radius) * columns + l->radius) * l->plane;
    (void)worker;
    for (int64_t p = 0; p < panels; p++) {
        float *to = l->panels + (y * panels + p) * l->step * PANEL;
        const int64_t wide = l->width - p * PANEL < PANEL ? l->width - p * PANEL : PANEL;
        for (int64_t k = 0; k < l->step; k++) {
            const float *from = row + k / l->plane * plane_step + p * PANEL * l->plane + k % l->plane;
            for (int64_t x = 0; x < PANEL; x++)
                to[k * PANEL + x] = x < wide ? from[x * l->plane] : 0;
        }
    }
}

static int make_panels(const struct panelling *l) {
    share_work(l->height, l->threads, panels_row, (void *)l);
    return 0;
}

static void rotation_row(void *context, int64_t y, int64_t worker) {
    const struct rotation *r = context;
    const int64_t levels = r->depth / PANEL, panels = PLANE / PANEL;
    double *energy = r->energy + y * r->columns * levels;
    (void)worker;
    for (int64_t plane = 0; plane < r->depth / PLANE; plane++) {
        float *heads = r->heads + (plane * r->rows + y) * r->columns * PLANE;
        product(r->cells + y * r->columns * r->step, r->step, r->columns,
                r->basis + plane * panels * r->step * PANEL, r->step * PANEL, panels, r->step,
                heads, PLANE);
        for (int64_t x = 0; x < r->columns; x++) {
            double *sums = energy + x * levels + plane * panels;
            cell_energies(heads + x * PLANE, PLANE, PANEL, sums);
            for (int64_t l = 0; plane > 0 && l < panels; l++) sums[l] += energy[x * levels + plane * panels - 1];
        }
    }
}

/* Every cell in another basis, each component one chain of multiply-adds. */
static int rotate_cells(const struct rotation *r) {
    share_work(r->rows, r->threads, rotation_row, (void *)r);
    return 0;
}

/* One row of the first 16 components at half the size: means of two by two cells, or what is there. */
static void halved_row(void *context, int64_t row, int64_t worker) {
    const struct halving *job = context;
    const int64_t r = job->radius, columns = job->width + 2 * r;
    const int64_t half_columns = (job->width + 1) / 2 + 2 * r, Y = row - r;
    float *cells = job->cells + row * half_columns * 16;
    double *energy = job->energy + row * half_columns;
    (void)worker;
    memset(cells, 0, (size_t)half_columns * 16 * sizeof(float));
    memset(energy, 0, (size_t)half_columns * sizeof(double));
    if (Y < 0 || 2 * Y >= job->height) return;
    for (int64_t X = 0; 2 * X < job->width; X++) {
        float *mean = cells + (r + X) * 16;
        int count = 0;
        for (int64_t y = 2 * Y; y < 2 * Y + 2 && y < job->height; y++)
            for (int64_t x = 2 * X; x < 2 * X + 2 && x < job->width; x++, count++)
                for (int k = 0; k < 16; k++)
                    mean[k] += job->heads[((r + y) * columns + r + x) * PLANE + k];
        for (int k = 0; k < 16; k++) mean[k] /= (float)count;
        cell_energies(mean, 16, 16, energy + r + X);
    }
}

static int halve_cells(const struct halving *job) {
    share_work((job->height + 1) / 2 + 2 * job->radius, job->threads, halved_row, (void *)job);
    return 0;
}

#endif
