/* SPDX-License-Identifier: Apache-2.0 */
/* Which instruction set this machine runs best. */
#include <string.h>

#include "kernel.h"
#include "watch.h"

_Thread_local struct watch *watch;

extern const struct kernel kernel_baseline;
#if defined(__x86_64__)
extern const struct kernel kernel_avx2, kernel_avx512;
#endif
#if defined(HAVE_AMX)
#include <sys/syscall.h>
#include <unistd.h>
extern const struct kernel kernel_amx;

#define REQUEST_PERMISSION 0x1023 /* ARCH_REQ_XCOMP_PERM: Linux hands out tile registers on request */
#define TILE_DATA 18

static int has_tiles(void) {
    return __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-bf16") &&
           syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}
#endif

static int runs_here(const struct kernel *kernel) {
#if defined(__x86_64__)
    __builtin_cpu_init();
#if defined(HAVE_AMX)
    if (kernel == &kernel_amx) return runs_here(&kernel_avx512) && has_tiles();
#endif
    if (kernel == &kernel_avx512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("fma");
    if (kernel == &kernel_avx2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return kernel == &kernel_baseline;
}

const struct kernel *choose_kernel(const char *name) {
    static const struct kernel *const best_first[] = {
#if defined(HAVE_AMX)
        &kernel_amx,
#endif
#if defined(__x86_64__)
        &kernel_avx512,
        &kernel_avx2,
#endif
        &kernel_baseline,
    };
    for (size_t i = 0; i < sizeof best_first / sizeof *best_first; i++)
        if ((!name || strcmp(name, best_first[i]->name) == 0) && runs_here(best_first[i]))
            return best_first[i];
    return NULL;
}
