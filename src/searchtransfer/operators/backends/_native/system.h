/* SPDX-License-Identifier: Apache-2.0 */
/* System headers, before any instruction set is switched on: their inline functions stay portable. */
#ifndef SYSTEM_H
#define SYSTEM_H

#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#endif
