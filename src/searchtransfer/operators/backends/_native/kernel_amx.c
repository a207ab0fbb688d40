/* SPDX-License-Identifier: Apache-2.0 */
/* For x86-64 with AVX-512 and matrix tiles of bfloat16 (AMX), on Linux; nothing on other machines. */
#include "kernel.h"
#if defined(HAVE_AMX)
#include "system.h"
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,amx-tile,amx-bf16"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,amx-tile,amx-bf16")
#endif
#define KERNEL amx
#define TILES
#include "kernel.inc"
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
