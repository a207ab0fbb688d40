/* SPDX-License-Identifier: Apache-2.0 */
/* The Python module: each function takes the bytes of its struct from kernel.h, and whom to ask.
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
#include "watch.h"

/* One call from Python. */
struct call {
    PyObject *ask; /* a function without arguments; it raises to stop the call */
    PyThreadState *state;
    struct watch watch, *outer;
};

static int ask_python(void *context) {
    struct call *call = context;
    PyEval_RestoreThread(call->state);
    PyObject *answer = PyErr_CheckSignals() ? NULL : PyObject_CallNoArgs(call->ask);
    Py_XDECREF(answer);
    call->state = PyEval_SaveThread();
    return !answer;
}

/* Between these two the lock is released, and the call can be stopped. */
static void begin(struct call *call) {
    call->outer = watch; /* a call within the asking of another one */
    call->watch = (struct watch){
        .ask = ask_python,
        .context = call,
        .asker = pthread_self(),
        .next = nanoseconds() + ASK_EVERY,
    };
    watch = &call->watch;
    call->state = PyEval_SaveThread();
}

static PyObject *end(struct call *call, int failed) {
    PyEval_RestoreThread(call->state);
    watch = call->outer;
    if (call->watch.stopped) return NULL;
    if (failed) return PyErr_NoMemory();
    Py_RETURN_NONE;
}

/* The kernel to run: named in the first argument, None for the best. */
static const struct kernel *kernel_named(const char *name) {
    const struct kernel *kernel = choose_kernel(name);
    if (!kernel)
        PyErr_Format(PyExc_ValueError, "this machine does not run the instruction set %s", name);
    return kernel;
}

#define OPERATION(operation, type)                                                               \
    static PyObject *py_##operation(PyObject *self, PyObject *arguments) {                       \
        const char *name;                                                                        \
        const char *bytes;                                                                       \
        Py_ssize_t size;                                                                         \
        struct type job;                                                                         \
        struct call call;                                                                        \
        (void)self;                                                                              \
        if (!PyArg_ParseTuple(arguments, "zy#O", &name, &bytes, &size, &call.ask)) return NULL;  \
        if (size != (Py_ssize_t)sizeof job)                                                      \
            return PyErr_Format(PyExc_ValueError, #operation " takes %zd bytes, got %zd",        \
                                (Py_ssize_t)sizeof job, size);                                   \
        memcpy(&job, bytes, sizeof job);                                                         \
        const struct kernel *kernel = kernel_named(name);                                        \
        if (!kernel) return NULL;                                                                \
        begin(&call);                                                                            \
        return end(&call, kernel->operation(&job));                                              \
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
OPERATION(sample, sampling)
OPERATION(compare, comparing)
OPERATION(shift, shifting)

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

#define CONSTANT(name) {#name, name}

static PyObject *py_constants(PyObject *self, PyObject *none) {
    static const struct {
        const char *name;
        int64_t value;
    } all[] = {CONSTANT(PANEL), CONSTANT(PLANE), CONSTANT(LEVEL), CONSTANT(SPARE),
               CONSTANT(ROUNDED_STEP), CONSTANT(MOST_ROUNDED), CONSTANT(MOST_PATCH),
               CONSTANT(MOST_SCALE), CONSTANT(MOST_STEPS), CONSTANT(COEFFICIENTS), CONSTANT(LUMAS), CONSTANT(UNSEEN), CONSTANT(KERNEL_VERSION)};
    PyObject *found = PyDict_New();
    (void)self;
    (void)none;
    for (size_t i = 0; found && i < sizeof all / sizeof *all; i++) {
        PyObject *value = PyLong_FromLongLong(all[i].value);
        if (!value || PyDict_SetItemString(found, all[i].name, value) < 0) Py_CLEAR(found);
        Py_XDECREF(value);
    }
    return found;
}

static PyMethodDef methods[] = {
    {"search", py_search, METH_VARARGS, "search(kernel, struct search, ask)"},
    {"seed", py_seed, METH_VARARGS, "seed(kernel, struct seeding, ask)"},
    {"probe", py_probe, METH_VARARGS, "probe(kernel, struct probe, ask)"},
    {"score", py_score, METH_VARARGS, "score(kernel, struct scoring, ask)"},
    {"cells", py_cells, METH_VARARGS, "cells(kernel, struct layout, ask)"},
    {"panels", py_panels, METH_VARARGS, "panels(kernel, struct panelling, ask)"},
    {"rotation", py_rotation, METH_VARARGS, "rotation(kernel, struct rotation, ask)"},
    {"halve", py_halve, METH_VARARGS, "halve(kernel, struct halving, ask)"},
    {"norms", py_norms, METH_VARARGS, "norms(kernel, struct norms, ask)"},
    {"distinct", py_distinct, METH_VARARGS, "distinct(kernel, struct distinct, ask)"},
    {"round", py_round, METH_VARARGS, "round(kernel, struct rounding, ask)"},
    {"transfer", py_transfer, METH_VARARGS, "transfer(kernel, struct transfer, ask)"},
    {"sample", py_sample, METH_VARARGS, "sample(kernel, struct sampling, ask)"},
    {"compare", py_compare, METH_VARARGS, "compare(kernel, struct comparing, ask)"},
    {"shift", py_shift, METH_VARARGS, "shift(kernel, struct shifting, ask)"},
    {"kernels", py_kernels, METH_NOARGS,
     "The instruction sets that run here, best first, with the floats in a vector."},
    {"constants", py_constants, METH_NOARGS, "What kernel.h defines for both sides."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_kernel", "Compiled search, transfer and sampling.", 0, methods, slots,
    NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__kernel(void) { return PyModuleDef_Init(&definition); }
