/* SPDX-License-Identifier: Apache-2.0 */
/* Norms of blocks, and bounds of what each depth leaves of them: box sums of the cells', in double. */
#ifndef NORMS_H
#define NORMS_H

#include <math.h>
#include <string.h>

#include "kernel.h"
#include "workers.h"

#define UPWARD (1 + 0x1p-22) /* makes up for the rounding to float32 */

/* Sums over the block around each cell of row y; `n` numbers a cell. */
static void block_sums(const double *cells, double *sums, int64_t y, const struct norms *job,
                       int64_t n) {
    const int64_t columns = job->width + 2 * job->radius;
    memset(sums, 0, (size_t)(job->width * n) * sizeof(double));
    for (int64_t i = 0; i <= 2 * job->radius; i++)
        for (int64_t j = 0; j <= 2 * job->radius; j++) {
            const double *in = cells + ((y + i) * columns + j) * n;
            for (int64_t k = 0; k < job->width * n; k++) sums[k] += in[k];
        }
}

struct norms_plan {
    const struct norms *job;
    double *held; /* [workers][W][levels] */
};

static void norms_row(void *context, int64_t y, int64_t worker) {
    const struct norms_plan *plan = context;
    const struct norms *job = plan->job;
    const int64_t width = job->width, levels = job->levels, padded = (width + 15) / 16 * 16;
    double *energy = job->energy + y * width, *held = plan->held + worker * width * levels;
    float *tails = job->tails + y * width * levels;
    float *scale = job->scale + y * (job->key ? padded : width);
    block_sums(job->cell_energy, energy, y, job, 1);
    block_sums(job->head_energy, held, y, job, levels);
    for (int64_t x = 0; x < width; x++) {
        const double norm = sqrt(energy[x]), inverse = norm > 0 ? 1 / norm : 0;
        const double unit = job->key ? inverse : 1;
        for (int64_t l = 0; l < levels; l++) {
            const double rest = energy[x] * job->growth[l] - held[x * levels + l];
            tails[x * levels + l] = (float)(sqrt(rest > 0 ? rest : 0) * unit * UPWARD);
        }
        scale[x] = (float)(job->key ? inverse : norm);
    }
    if (!job->key) return;
    const int64_t behind = padded - width + (y + 1 == job->height ? SPARE : 0);
    memset(scale + width, 0, (size_t)behind * sizeof(float));
}

static int block_norms(const struct norms *job) {
    const int64_t workers = worker_count(job->threads, job->height);
    struct norms_plan plan = {job, NULL};
    plan.held = malloc((size_t)(workers * job->width * job->levels + 1) * sizeof(double));
    if (!plan.held) return -1;
    share_work(job->height, workers, norms_row, &plan);
    free(plan.held);
    return 0;
}

#endif
