/* The module diffy._native: exceptions, and the ways bytes go in and out. */
#include "native.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

PyObject *native_error, *native_damaged;

PyObject *native_raise(int status, const char *sentence) {
    PyObject *type = native_error;
    if (PyErr_Occurred()) return NULL;
    if (status == DFY_ERROR_ARGUMENT) type = PyExc_ValueError;
    if (status == DFY_ERROR_MEMORY) type = PyExc_MemoryError;
    if (status == DFY_ERROR_IO) type = PyExc_OSError;
    if (status == DFY_ERROR_DAMAGED) type = native_damaged;
    PyErr_SetString(type, sentence && *sentence ? sentence : dfy_strstatus(status));
    return NULL;
}

void native_keep(KeptError *kept) {
    if (kept->type)
        PyErr_Clear();
    else
        PyErr_Fetch(&kept->type, &kept->value, &kept->traceback);
}

int native_restore(KeptError *kept) {
    if (!kept->type) return 0;
    PyErr_Restore(kept->type, kept->value, kept->traceback);
    *kept = (KeptError){0};
    return 1;
}

/*
 * The buffer protocol proper is in the limited API only from 3.11 on. These older calls are in the stable ABI for good,
 * and give the address of an object that lives longer than the call.
 */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
PyAPI_FUNC(int) PyObject_AsReadBuffer(PyObject *object, const void **buffer, Py_ssize_t *size);
PyAPI_FUNC(int) PyObject_AsWriteBuffer(PyObject *object, void **buffer, Py_ssize_t *size);

int native_bytes(PyObject *object, const uint8_t **data, Py_ssize_t *size) {
    const void *at = NULL;
    int status = PyObject_AsReadBuffer(object, &at, size);
    *data = at;
    return status;
}

int native_room(PyObject *object, uint8_t **data, Py_ssize_t *size) {
    void *at = NULL;
    int status = PyObject_AsWriteBuffer(object, &at, size);
    *data = at;
    return status;
}
#pragma GCC diagnostic pop

/* ---------------------------------------------------------------- bytes out */

static int write_all(int descriptor, const uint8_t *data, size_t size) {
    while (size) {
        ssize_t written = write(descriptor, data, size);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return -1;
        data += written;
        size -= (size_t)written;
    }
    return 0;
}

static int target_write(void *opaque, const uint8_t *data, size_t size) {
    Target *target = opaque;
    int number = 0;
    if (target->descriptor >= 0) {
        if (!write_all(target->descriptor, data, size)) return 0;
        number = errno;
    }
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *result = NULL;
    if (number) {
        errno = number;
        PyErr_SetFromErrno(PyExc_OSError);
    } else {
        result = PyObject_CallFunction(target->object, "y#", (const char *)data, (Py_ssize_t)size);
    }
    int failed = !result;
    if (failed) native_keep(&target->error);
    Py_XDECREF(result);
    PyGILState_Release(state);
    return failed;
}

int native_target(Target *target, PyObject *object) {
    *target = (Target){.descriptor = -1};
    if (PyLong_Check(object)) {
        long descriptor = PyLong_AsLong(object);
        if (descriptor < 0 || descriptor > INT32_MAX) {
            if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "This is no file descriptor.");
            return -1;
        }
        target->descriptor = (int)descriptor;
        return 0;
    }
    if (!PyCallable_Check(object)) {
        PyErr_SetString(PyExc_TypeError, "An output is a file descriptor or a callable that takes bytes.");
        return -1;
    }
    Py_INCREF(object);
    target->object = object;
    return 0;
}

void native_target_free(Target *target) {
    Py_CLEAR(target->object);
    if (native_restore(&target->error)) PyErr_Clear();
}

DfyOutput native_output(Target *target) {
    return (DfyOutput){.write = target_write, .opaque = target};
}

/* ---------------------------------------------------------------- bytes in */

static int64_t read_descriptor(const Source *source, uint64_t offset, uint8_t *data, size_t size) {
    size_t got = 0;
    while (got < size) {
        ssize_t more = pread(source->descriptor, data + got, size - got, (off_t)(offset + got));
        if (more < 0 && errno == EINTR) continue;
        if (more < 0) return -1;
        if (!more) break;
        got += (size_t)more;
    }
    return (int64_t)got;
}

static int64_t read_callable(Source *source, uint64_t offset, uint8_t *data, size_t size) {
    PyGILState_STATE state = PyGILState_Ensure();
    int64_t got = -1;
    PyObject *result = PyObject_CallFunction(source->object, "Kn", (unsigned long long)offset, (Py_ssize_t)size);
    const uint8_t *bytes;
    Py_ssize_t length;
    if (result && !native_bytes(result, &bytes, &length)) {
        got = length > (Py_ssize_t)size ? (int64_t)size : (int64_t)length;
        memcpy(data, bytes, (size_t)got);
    }
    if (got < 0) native_keep(&source->error);
    Py_XDECREF(result);
    PyGILState_Release(state);
    return got;
}

static int64_t source_read(void *opaque, uint64_t offset, uint8_t *data, size_t size) {
    Source *source = opaque;
    if (source->descriptor >= 0) return read_descriptor(source, offset, data, size);
    if (!source->data) return read_callable(source, offset, data, size);
    if (offset >= source->size) return 0;
    if (size > source->size - offset) size = (size_t)(source->size - offset);
    memcpy(data, source->data + offset, size);
    return (int64_t)size;
}

int native_source(Source *source, PyObject *object, unsigned long long size) {
    *source = (Source){.descriptor = -1, .size = size};
    if (PyLong_Check(object)) {
        long descriptor = PyLong_AsLong(object);
        source->descriptor = descriptor < 0 ? -1 : dup((int)descriptor);
        if (source->descriptor >= 0) return 0;
        if (!PyErr_Occurred()) PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    if (!PyCallable_Check(object)) {
        Py_ssize_t length;
        if (native_bytes(object, &source->data, &length)) return -1;
        if (!source->data) source->data = (const uint8_t *)"";
        source->size = (uint64_t)length;
    }
    Py_INCREF(object);
    source->object = object;
    return 0;
}

void native_source_free(Source *source) {
    if (source->descriptor >= 0) close(source->descriptor);
    source->descriptor = -1;
    Py_CLEAR(source->object);
    if (native_restore(&source->error)) PyErr_Clear();
}

DfyInput native_input(Source *source) {
    return (DfyInput){.read = source_read, .size_bytes = source->size, .opaque = source};
}

/* ---------------------------------------------------------------- the module */

int native_add_type(PyObject *module, const char *name, PyType_Spec *spec) {
    PyObject *type = PyType_FromSpec(spec);
    if (!type) return -1;
    if (!PyModule_AddObject(module, name, type)) return 0;
    Py_DECREF(type);
    return -1;
}

static int add_exceptions(PyObject *module) {
    native_error = PyErr_NewExceptionWithDoc(
        "diffy.DiffyError", "What can't be read, written or decoded; the message says what, where and what to do.",
        PyExc_RuntimeError, NULL);
    if (!native_error) return -1;
    native_damaged = PyErr_NewExceptionWithDoc(
        "diffy.DamagedError", "Part of a file is damaged; what is whole can still be read.", native_error, NULL);
    if (!native_damaged) return -1;
    Py_INCREF(native_error);
    Py_INCREF(native_damaged);
    return PyModule_AddObject(module, "DiffyError", native_error) ||
           PyModule_AddObject(module, "DamagedError", native_damaged);
}

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                                        "_native",
                                        "The calls of libdiffy that the package diffy is made of.",
                                        -1,
                                        NULL,
                                        NULL,
                                        NULL,
                                        NULL,
                                        NULL};

PyMODINIT_FUNC PyInit__native(void);
PyMODINIT_FUNC PyInit__native(void) {
    PyObject *module = PyModule_Create(&definition);
    if (!module) return NULL;
    if (!add_exceptions(module) && !PyModule_AddStringConstant(module, "version", DFY_VERSION) &&
        !native_add_decoder(module) && !native_add_encoder(module) && !native_add_splats(module) &&
        !native_add_splat_parts(module))
        return module;
    Py_DECREF(module);
    return NULL;
}
