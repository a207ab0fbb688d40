/* SPDX-License-Identifier: Apache-2.0 */
/* What every machine runs that this was compiled for: SSE2 on x86-64, NEON on ARM64. */
#define KERNEL baseline
#include "kernel.inc"
