/* SPDX-License-Identifier: Apache-2.0 */
/* For x86-64 with AVX-512 (F, DQ, BW, VL); nothing on other machines. */
#if defined(__x86_64__)
#include "system.h"
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")
#endif
#define KERNEL avx512
#include "kernel.inc"
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
