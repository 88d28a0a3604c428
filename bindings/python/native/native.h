/*
 * What the parts of the extension module diffy._native share. It speaks CPython's limited API of 3.9, so that one
 * binary serves 3.9 and later. The classes are thin: checking of arguments, locks and conversions are Python's
 * (the modules beside it); here are the calls of the library, without the global lock, and what callbacks need.
 */
#ifndef DIFFY_PYTHON_NATIVE_H
#define DIFFY_PYTHON_NATIVE_H

#define Py_LIMITED_API 0x03090000
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

#include "diffy/diffy.h"

/* diffy.DiffyError, and its kind for what is damaged in a file that opens. */
extern PyObject *native_error, *native_damaged;

/* Sets the exception that Python's users expect for a status, with the sentence. Returns NULL. */
PyObject *native_raise(int status, const char *sentence);

/* An exception from inside a callback, kept until the call that led to it is back. */
typedef struct KeptError {
    PyObject *type, *value, *traceback;
} KeptError;

/* Keeps the exception that is set; the first one stays. The global lock must be held. */
void native_keep(KeptError *kept);
/* Raises what was kept and returns 1; 0 when there was none. */
int native_restore(KeptError *kept);

/* The bytes of any object with a contiguous buffer, valid while the object lives; -1 with an exception. */
int native_bytes(PyObject *object, const uint8_t **data, Py_ssize_t *size);
int native_room(PyObject *object, uint8_t **data, Py_ssize_t *size);

/* Each adds its classes or functions to the module; -1 with an exception. */
int native_add_decoder(PyObject *module);
int native_add_encoder(PyObject *module);
int native_add_splats(PyObject *module);
int native_add_splat_parts(PyObject *module);
int native_add_type(PyObject *module, const char *name, PyType_Spec *spec);

/* Where a file's bytes go: a file descriptor, or a Python callable that takes bytes. */
typedef struct Target {
    int descriptor; /* -1: call `object` */
    PyObject *object;
    KeptError error;
} Target;

/* From an int or a callable; -1 with an exception. */
int native_target(Target *target, PyObject *object);
void native_target_free(Target *target);
DfyOutput native_output(Target *target);

/* Where they come from: a descriptor that is read by position, bytes, or a callable (offset, size) -> bytes. */
typedef struct Source {
    int descriptor; /* owned; -1: none */
    const uint8_t *data;
    uint64_t size;
    PyObject *object;
    KeptError error;
} Source;

int native_source(Source *source, PyObject *object, unsigned long long size);
void native_source_free(Source *source);
DfyInput native_input(Source *source);

#endif
