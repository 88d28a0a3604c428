/*
 * The parts that splat codecs are made of, one by one, for codecs that are put together in Python. A part's state after
 * a frame is what a key frame of it would hold: streams of numbers, a list of (limit, uint32 buffer) in Python. So a
 * state needs nothing but numbers, and the C part is made anew from it for each call.
 */
#include "splats.h"

#include <stdlib.h>
#include <string.h>

#include "container/v2.h"
#include "splat/sequence.h"

static const struct {
    const char *name;
    const DfySplatPart *part;
} parts[] = {{"xyz", &dfy_part_xyz}, {"vq", &dfy_part_vq}};

static const DfySplatSerialiser *const serialisers[] = {&dfy_serialiser_range, &dfy_serialiser_zlib,
                                                        &dfy_serialiser_zstd};

/* ---------------------------------------------------------------- streams */

static int add_stream(DfySplatPayload *payload, PyObject *item) {
    unsigned limit;
    PyObject *object;
    const uint8_t *data;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(item, "IO", &limit, &object) || native_bytes(object, &data, &size)) return -1;
    DfySplatStream *stream = dfy_payload_add(payload, limit);
    const uint32_t *symbols = (const uint32_t *)(const void *)data;
    for (size_t i = 0; stream && i < (size_t)size / sizeof *symbols; i++) {
        if (limit && symbols[i] >= limit) {
            PyErr_SetString(PyExc_ValueError, "A number of a stream is not below the stream's limit.");
            return -1;
        }
        dfy_payload_put(payload, stream, symbols[i]);
    }
    if (stream && !payload->failed) return 0;
    native_raise(DFY_ERROR_MEMORY, "There is no memory for these streams, or there are too many of them.");
    return -1;
}

/* A payload of a list of (limit, buffer); -1 with an exception. */
static int take_streams(DfySplatPayload *payload, PyObject *list) {
    *payload = (DfySplatPayload){0};
    Py_ssize_t count = PyList_Size(list);
    for (Py_ssize_t i = 0; i < count; i++)
        if (add_stream(payload, PyList_GetItem(list, i))) {
            dfy_payload_free(payload);
            return -1;
        }
    return count < 0 ? -1 : 0;
}

static PyObject *give_streams(const DfySplatPayload *payload) {
    PyObject *list = PyList_New(0);
    for (int i = 0; list && i < payload->count; i++) {
        const DfySplatStream *stream = &payload->streams[i];
        PyObject *pair = Py_BuildValue("(IN)", stream->limit,
                                       PyByteArray_FromStringAndSize((const char *)stream->symbols,
                                                                     (Py_ssize_t)(stream->count * sizeof(uint32_t))));
        if (!pair || PyList_Append(list, pair)) Py_CLEAR(list);
        Py_XDECREF(pair);
    }
    return list;
}

/* ---------------------------------------------------------------- parts */

static const DfySplatPart *part_of(const char *name) {
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strcmp(name, parts[i].name)) return parts[i].part;
    PyErr_Format(PyExc_ValueError, "There is no part '%s'.", name);
    return NULL;
}

typedef struct Work {
    const DfySplatPart *part;
    void *context;
    DfySplatSettings settings;
    DfyMessage message;
} Work;

static int open_work(Work *work, const char *name, PyObject *settings) {
    work->part = part_of(name);
    if (!work->part || (settings && native_splat_settings(&work->settings, settings))) return -1;
    work->context = calloc(1, work->part->context_bytes);
    int status = !work->context ? DFY_ERROR_MEMORY
                 : settings     ? work->part->open(work->context, &work->settings, &work->message)
                                : DFY_OK;
    if (!status) return 0;
    native_raise(status, work->message.text);
    return -1;
}

static void close_work(Work *work) {
    if (work->context) work->part->close(work->context);
    free(work->context);
}

/* The state as a key frame's streams. */
static PyObject *give_state(Work *work, int status) {
    DfySplatPayload payload = {0};
    if (!status) status = work->part->encode_key(work->context, &payload, &work->message);
    PyObject *streams = status ? native_raise(status, work->message.text) : give_streams(&payload);
    dfy_payload_free(&payload);
    return streams;
}

static int learn(Work *work, PyObject *models) {
    Py_ssize_t count = PyList_Size(models);
    DfySplats *frames = calloc(count > 0 ? (size_t)count : 1, sizeof *frames);
    int status = frames ? 0 : -1;
    for (Py_ssize_t i = 0; !status && i < count; i++) status = native_model(PyList_GetItem(models, i), &frames[i]);
    if (!status) {
        Py_BEGIN_ALLOW_THREADS status = work->part->learn(work->context, frames, (uint32_t)count, &work->message);
        Py_END_ALLOW_THREADS if (status) native_raise(status, work->message.text);
    }
    free(frames);
    if (!frames) PyErr_NoMemory();
    return status;
}

/* part_key(name, settings, model, models): the state of a key frame; models, if any, are learnt from first. */
static PyObject *part_key(PyObject *module, PyObject *arguments) {
    const char *name;
    PyObject *settings, *model, *models = NULL, *result = NULL;
    DfySplats splats;
    Work work = {0};
    (void)module;
    if (!PyArg_ParseTuple(arguments, "sO!O|O!", &name, &PyDict_Type, &settings, &model, &PyList_Type, &models) ||
        native_model(model, &splats))
        return NULL;
    if (!open_work(&work, name, settings) && (!models || !learn(&work, models))) {
        int status;
        Py_BEGIN_ALLOW_THREADS status = work.part->key_to_context(work.context, &splats, &work.message);
        Py_END_ALLOW_THREADS result = give_state(&work, status);
    }
    close_work(&work);
    return result;
}

/* part_inter(name, settings, state, model): the state after the frame `model`, which follows that of `state`. */
static PyObject *part_inter(PyObject *module, PyObject *arguments) {
    const char *name;
    PyObject *settings, *state, *model, *result = NULL;
    DfySplats splats;
    Work work = {0};
    DfySplatPayload before = {0};
    (void)module;
    if (!PyArg_ParseTuple(arguments, "sO!O!O", &name, &PyDict_Type, &settings, &PyList_Type, &state, &model) ||
        native_model(model, &splats) || take_streams(&before, state))
        return NULL;
    if (!open_work(&work, name, settings)) {
        int status;
        Py_BEGIN_ALLOW_THREADS status = work.part->decode_key(work.context, &before, &work.message);
        /* A decoder's state has room for what was before only where the encoder's has: made by a frame of its own. */
        if (!status) status = work.part->inter_to_context(work.context, &splats, &work.message);
        Py_END_ALLOW_THREADS result = give_state(&work, status);
    }
    dfy_payload_free(&before);
    close_work(&work);
    return result;
}

/* part_frame(name, state, model or None): the model, with what the part is about taken from the state. */
static PyObject *part_frame(PyObject *module, PyObject *arguments) {
    const char *name;
    PyObject *state, *model, *result = NULL;
    DfySplats borrowed = {0}, splats = {0};
    Work work = {0};
    DfySplatPayload payload = {0};
    (void)module;
    if (!PyArg_ParseTuple(arguments, "sO!O", &name, &PyList_Type, &state, &model) ||
        (model != Py_None && native_model(model, &borrowed)) || take_streams(&payload, state))
        return NULL;
    int status = open_work(&work, name, NULL);
    if (!status) {
        Py_BEGIN_ALLOW_THREADS if (model != Py_None) status = dfy_splats_copy(&splats, &borrowed, &work.message);
        if (!status) status = work.part->decode_key(work.context, &payload, &work.message);
        if (!status) status = work.part->context_to_frame(work.context, &splats, NULL, &work.message);
        Py_END_ALLOW_THREADS result = status ? native_raise(status, work.message.text) : native_model_tuple(&splats);
    }
    dfy_splats_free(&splats);
    dfy_payload_free(&payload);
    close_work(&work);
    return result;
}

/* ---------------------------------------------------------------- bytes */

static const DfySplatSerialiser *serialiser_of(const char *name) {
    for (size_t i = 0; i < sizeof serialisers / sizeof *serialisers; i++)
        if (!strcmp(name, serialisers[i]->name)) return serialisers[i];
    PyErr_Format(PyExc_ValueError, "There is no serialiser '%s'.", name);
    return NULL;
}

/* streams_write(serialiser, level, streams) -> bytes; level 0: the serialiser's own */
static PyObject *streams_write(PyObject *module, PyObject *arguments) {
    const char *name;
    int level, status;
    PyObject *list;
    DfySplatPayload payload;
    DfyBuffer buffer = {0};
    DfyMessage message = {{0}};
    (void)module;
    if (!PyArg_ParseTuple(arguments, "siO!", &name, &level, &PyList_Type, &list)) return NULL;
    const DfySplatSerialiser *serialiser = serialiser_of(name);
    if (!serialiser || take_streams(&payload, list)) return NULL;
    payload.level = level;
    Py_BEGIN_ALLOW_THREADS status = serialiser->write(&payload, &buffer, &message);
    Py_END_ALLOW_THREADS PyObject *bytes =
        status ? native_raise(status, message.text)
               : PyBytes_FromStringAndSize((const char *)buffer.data, (Py_ssize_t)buffer.size);
    dfy_payload_free(&payload);
    dfy_buffer_free(&buffer);
    return bytes;
}

/* streams_read(serialiser, bytes, most) -> streams of at most so many numbers in all */
static PyObject *streams_read(PyObject *module, PyObject *arguments) {
    const char *name;
    PyObject *object;
    unsigned long long most;
    const uint8_t *data;
    Py_ssize_t size;
    DfySplatPayload payload = {0};
    DfyMessage message = {{0}};
    int status;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "sOK", &name, &object, &most) || native_bytes(object, &data, &size)) return NULL;
    const DfySplatSerialiser *serialiser = serialiser_of(name);
    if (!serialiser) return NULL;
    payload.most = most;
    Py_BEGIN_ALLOW_THREADS status = serialiser->read(&payload, data, (size_t)size, &message);
    Py_END_ALLOW_THREADS PyObject *streams = status ? native_raise(status, message.text) : give_streams(&payload);
    dfy_payload_free(&payload);
    return streams;
}

static PyObject *crc32c(PyObject *module, PyObject *object) {
    const uint8_t *data;
    Py_ssize_t size;
    (void)module;
    if (native_bytes(object, &data, &size)) return NULL;
    return PyLong_FromUnsignedLong(dfy_crc32c(0, data, (size_t)size));
}

/* ---------------------------------------------------------------- the container */

typedef struct Container {
    PyObject_HEAD Target target;
    DfyV2Writer writer;
    int open;
} Container;

static PyObject *container_raise(Container *self, int status) {
    if (native_restore(&self->target.error)) return NULL;
    return native_raise(status, "The file can't be written.");
}

static int container_init(PyObject *object, PyObject *arguments, PyObject *names) {
    Container *self = (Container *)object;
    PyObject *target;
    (void)names;
    if (self->open || !PyArg_ParseTuple(arguments, "O", &target) || native_target(&self->target, target)) return -1;
    DfyOutput output = native_output(&self->target);
    int status = dfy_v2_writer_open(&self->writer, &output);
    self->open = 1;
    if (status) container_raise(self, status);
    return status ? -1 : 0;
}

static void container_free(PyObject *object) {
    Container *self = (Container *)object;
    PyTypeObject *type = Py_TYPE(object);
    if (self->open) {
        dfy_v2_writer_close(&self->writer);
        native_target_free(&self->target);
    }
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
    Py_DECREF(type);
}

/* chunk(type, flags, payload, first_frame, frames) */
static PyObject *container_chunk(PyObject *object, PyObject *arguments) {
    Container *self = (Container *)object;
    unsigned type, flags;
    PyObject *payload;
    unsigned long long first, frames;
    const uint8_t *data;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(arguments, "IIOKK", &type, &flags, &payload, &first, &frames) ||
        native_bytes(payload, &data, &size))
        return NULL;
    int status = dfy_v2_write_chunk(&self->writer, type, flags, data, (size_t)size, first, frames);
    if (status) return container_raise(self, status);
    Py_RETURN_NONE;
}

static PyObject *container_finish(PyObject *object, PyObject *none) {
    Container *self = (Container *)object;
    (void)none;
    int status = dfy_v2_writer_finish(&self->writer);
    if (status) return container_raise(self, status);
    Py_RETURN_NONE;
}

static PyMethodDef container_methods[] = {{"chunk", container_chunk, METH_VARARGS, NULL},
                                          {"finish", container_finish, METH_NOARGS, NULL},
                                          {NULL, NULL, 0, NULL}};

static PyType_Slot container_slots[] = {{Py_tp_init, container_init},
                                        {Py_tp_new, PyType_GenericNew},
                                        {Py_tp_dealloc, container_free},
                                        {Py_tp_methods, container_methods},
                                        {0, NULL}};

static PyType_Spec container_spec = {"diffy._native.Container", sizeof(Container), 0, Py_TPFLAGS_DEFAULT,
                                     container_slots};

static PyMethodDef functions[] = {{"part_key", part_key, METH_VARARGS, NULL},
                                  {"part_inter", part_inter, METH_VARARGS, NULL},
                                  {"part_frame", part_frame, METH_VARARGS, NULL},
                                  {"streams_write", streams_write, METH_VARARGS, NULL},
                                  {"streams_read", streams_read, METH_VARARGS, NULL},
                                  {"crc32c", crc32c, METH_O, NULL},
                                  {NULL, NULL, 0, NULL}};

int native_add_splat_parts(PyObject *module) {
    return PyModule_AddFunctions(module, functions) || native_add_type(module, "Container", &container_spec) ||
           PyModule_AddIntConstant(module, "SPLAT_STREAM_VERSION", DFY_SPLAT_STREAM_VERSION) ||
           PyModule_AddIntConstant(module, "MOST_KEY_SYMBOLS", DFY_SPLAT_SYMBOLS) ||
           PyModule_AddIntConstant(module, "MOST_SYMBOLS_A_BYTE", DFY_SPLAT_SYMBOLS_A_BYTE) ||
           PyModule_AddIntConstant(module, "MOST_SYMBOLS_AGAIN", DFY_SPLAT_SYMBOLS_AGAIN);
}
