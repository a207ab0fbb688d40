/* SPDX-License-Identifier: Apache-2.0 */
/* The Python module: each function takes one buffer, the bytes of its struct from kernel.h.
 *
 * Addresses are those of tensors that the Python side keeps alive during the call. Nothing here knows
 * what a tensor is, and the lock is released while the kernel runs.
 */
#define PY_SSIZE_T_CLEAN
#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x030B0000
#endif
#include <Python.h>

#include <string.h>

#include "kernel.h"

/* The kernel to run: named in the first argument, None for the best. */
static const struct kernel *kernel_named(const char *name) {
    const struct kernel *kernel = choose_kernel(name);
    if (!kernel)
        PyErr_Format(PyExc_ValueError, "this machine does not run the instruction set %s", name);
    return kernel;
}

static PyObject *finish(int failed) {
    if (failed) return PyErr_NoMemory();
    Py_RETURN_NONE;
}

#define OPERATION(operation, type)                                                               \
    static PyObject *py_##operation(PyObject *self, PyObject *arguments) {                       \
        const char *name;                                                                        \
        const char *bytes;                                                                       \
        Py_ssize_t size;                                                                         \
        struct type job;                                                                         \
        int failed;                                                                              \
        (void)self;                                                                              \
        if (!PyArg_ParseTuple(arguments, "zy#", &name, &bytes, &size)) return NULL;              \
        if (size != (Py_ssize_t)sizeof job)                                                      \
            return PyErr_Format(PyExc_ValueError, #operation " takes %zd bytes, got %zd",        \
                                (Py_ssize_t)sizeof job, size);                                   \
        memcpy(&job, bytes, sizeof job);                                                         \
        const struct kernel *kernel = kernel_named(name);                                        \
        if (!kernel) return NULL;                                                                \
        Py_BEGIN_ALLOW_THREADS failed = kernel->operation(&job);                                 \
        Py_END_ALLOW_THREADS return finish(failed);                                              \
    }

OPERATION(search, search)
OPERATION(seed, seeding)
OPERATION(probe, probe)
OPERATION(score, scoring)
OPERATION(cells, layout)
OPERATION(panels, panelling)
OPERATION(rotation, rotation)
OPERATION(halve, halving)
OPERATION(norms, norms)
OPERATION(distinct, distinct)
OPERATION(round, rounding)
OPERATION(transfer, transfer)

static PyObject *py_kernels(PyObject *self, PyObject *none) {
    static const char *const names[] = {"amx", "avx512", "avx2", "baseline"};
    PyObject *found = PyDict_New();
    (void)self;
    (void)none;
    for (size_t i = 0; found && i < sizeof names / sizeof *names; i++) {
        const struct kernel *kernel = choose_kernel(names[i]);
        if (!kernel) continue;
        PyObject *lanes = PyLong_FromLongLong(kernel->lanes);
        if (!lanes || PyDict_SetItemString(found, names[i], lanes) < 0) Py_CLEAR(found);
        Py_XDECREF(lanes);
    }
    return found;
}

static PyMethodDef methods[] = {
    {"search", py_search, METH_VARARGS, "search(kernel, struct search)"},
    {"seed", py_seed, METH_VARARGS, "seed(kernel, struct seeding)"},
    {"probe", py_probe, METH_VARARGS, "probe(kernel, struct probe)"},
    {"score", py_score, METH_VARARGS, "score(kernel, struct scoring)"},
    {"cells", py_cells, METH_VARARGS, "cells(kernel, struct layout)"},
    {"panels", py_panels, METH_VARARGS, "panels(kernel, struct panelling)"},
    {"rotation", py_rotation, METH_VARARGS, "rotation(kernel, struct rotation)"},
    {"halve", py_halve, METH_VARARGS, "halve(kernel, struct halving)"},
    {"norms", py_norms, METH_VARARGS, "norms(kernel, struct norms)"},
    {"distinct", py_distinct, METH_VARARGS, "distinct(kernel, struct distinct)"},
    {"round", py_round, METH_VARARGS, "round(kernel, struct rounding)"},
    {"transfer", py_transfer, METH_VARARGS, "transfer(kernel, struct transfer)"},
    {"kernels", py_kernels, METH_NOARGS,
     "The instruction sets that run here, best first, with the floats in a vector."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_kernel", "Compiled search and transfer.", 0, methods, slots,
    NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__kernel(void) { return PyModuleDef_Init(&definition); }
