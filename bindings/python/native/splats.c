/*
 * Gaussian-splat models and sequences. A model is a tuple on Python's side: degree, then float32 buffers of positions,
 * rotations, scales, opacities, first colours and other colours, as DfySplats has them.
 */
#include "splats.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---------------------------------------------------------------- models */

static int take_floats(PyObject *object, float **at, Py_ssize_t wanted) {
    const uint8_t *data;
    Py_ssize_t size;
    if (native_bytes(object, &data, &size)) return -1;
    *at = (float *)(uintptr_t)data; /* models from Python are only read */
    if (size == wanted * (Py_ssize_t)sizeof(float)) return 0;
    PyErr_SetString(PyExc_ValueError, "A model's arrays don't have as many numbers as its splats need.");
    return -1;
}

int native_model(PyObject *tuple, DfySplats *splats) {
    PyObject *part[6];
    const uint8_t *data;
    Py_ssize_t size;
    *splats = (DfySplats){0};
    if (!PyArg_ParseTuple(tuple, "iOOOOOO", &splats->degree, &part[0], &part[1], &part[2], &part[3], &part[4],
                          &part[5]) ||
        native_bytes(part[3], &data, &size))
        return -1;
    Py_ssize_t count = size / (Py_ssize_t)sizeof(float);
    if (splats->degree < 0 || splats->degree > DFY_SPLAT_MAX_DEGREE || (uint64_t)count > DFY_SPLAT_MAX_COUNT) {
        PyErr_Format(PyExc_ValueError, "A model of degree %d with %zd splats can't be coded.", splats->degree, count);
        return -1;
    }
    splats->count = (uint32_t)count;
    if (take_floats(part[0], &splats->xyz, count * 3) || take_floats(part[1], &splats->rotation, count * 4) ||
        take_floats(part[2], &splats->scale, count * 3) || take_floats(part[3], &splats->opacity, count) ||
        take_floats(part[4], &splats->dc, count * 3) ||
        take_floats(part[5], &splats->rest, count * 3 * dfy_splat_rest(splats->degree)))
        return -1;
    if (!splats->degree) splats->rest = NULL;
    return 0;
}

static PyObject *floats(const float *data, size_t count) {
    return PyByteArray_FromStringAndSize((const char *)data, (Py_ssize_t)(count * sizeof *data));
}

PyObject *native_model_tuple(const DfySplats *s) {
    size_t n = s->count;
    return Py_BuildValue("(iNNNNNN)", s->degree, floats(s->xyz, n * 3), floats(s->rotation, n * 4),
                         floats(s->scale, n * 3), floats(s->opacity, n), floats(s->dc, n * 3),
                         floats(s->rest, s->rest ? n * 3 * (size_t)dfy_splat_rest(s->degree) : 0));
}

/* splats_read(bytes) -> (model, sentences on what a model does not keep and on numbers that are odd) */
static PyObject *splats_read(PyObject *module, PyObject *object) {
    const uint8_t *data;
    Py_ssize_t size;
    DfySplats splats = {0};
    DfySplatOddities odd = {0};
    DfyMessage message = {{0}}, text = {{0}}, notes = {{0}};
    int status;
    (void)module;
    if (native_bytes(object, &data, &size)) return NULL;
    Py_BEGIN_ALLOW_THREADS status = dfy_splats_read(&splats, data, (size_t)size, &notes, &message);
    Py_END_ALLOW_THREADS if (status) return native_raise(status, message.text);
    dfy_splats_look(&splats, &odd);
    dfy_splat_oddities_text(&odd, &text);
    PyObject *told = PyUnicode_FromFormat("%s%s%s", notes.text, notes.text[0] && text.text[0] ? " " : "", text.text);
    PyObject *result = told ? Py_BuildValue("(NN)", native_model_tuple(&splats), told) : NULL;
    dfy_splats_free(&splats);
    return result;
}

typedef struct Growing {
    uint8_t *data;
    size_t size, capacity;
} Growing;

static int grow(void *opaque, const uint8_t *data, size_t size) {
    Growing *g = opaque;
    if (g->size + size > g->capacity) {
        size_t capacity = (g->size + size) * 2;
        uint8_t *grown = realloc(g->data, capacity);
        if (!grown) return -1;
        g->data = grown;
        g->capacity = capacity;
    }
    memcpy(g->data + g->size, data, size);
    g->size += size;
    return 0;
}

/* splats_write(model, format) -> bytes */
static PyObject *splats_write(PyObject *module, PyObject *arguments) {
    PyObject *tuple;
    int format, status;
    DfySplats splats;
    DfyMessage message = {{0}};
    Growing file = {0};
    DfyOutput output = {.write = grow, .opaque = &file};
    (void)module;
    if (!PyArg_ParseTuple(arguments, "Oi", &tuple, &format) || native_model(tuple, &splats)) return NULL;
    Py_BEGIN_ALLOW_THREADS status = dfy_splats_write(&splats, (DfySplatFormat)format, &output, &message);
    Py_END_ALLOW_THREADS PyObject *result =
        status ? native_raise(status, message.text)
               : PyBytes_FromStringAndSize((const char *)file.data, (Py_ssize_t)file.size);
    free(file.data);
    return result;
}

/* splats_compare(reference, other) -> {attribute: (rms, max, 99th percentile)} with counts */
static PyObject *splats_compare(PyObject *module, PyObject *arguments) {
    PyObject *first, *second;
    DfySplats reference, other;
    DfySplatErrors errors;
    DfyMessage message = {{0}};
    int status;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "OO", &first, &second) || native_model(first, &reference) ||
        native_model(second, &other))
        return NULL;
    Py_BEGIN_ALLOW_THREADS status =
        dfy_splats_compare(&reference, &other, NULL, DFY_SPLAT_PAIR_AUTO, &errors, &message);
    Py_END_ALLOW_THREADS if (status) return native_raise(status, message.text);
    PyObject *result = Py_BuildValue("{s:I,s:I,s:I,s:I,s:I,s:i}", "compared", errors.compared, "missing",
                                     errors.missing, "surplus", errors.surplus, "other_forms", errors.other_forms,
                                     "not_finite", errors.not_finite, "by_order", errors.by_order);
    for (int a = 0; result && a < DFY_SPLAT_ATTRIBUTES; a++) {
        PyObject *pair = Py_BuildValue("(ddd)", errors.rms[a], errors.max[a], errors.p99[a]);
        if (!pair || PyDict_SetItemString(result, dfy_splat_attribute_names[a], pair)) Py_CLEAR(result);
        Py_XDECREF(pair);
    }
    return result;
}

/* ---------------------------------------------------------------- settings */

enum { INT, UINT32, UINT64, DOUBLE };

static const struct {
    const char *name;
    size_t offset;
    int type;
} known_settings[] = {
#define SETTING(name, member, type)                                                                                    \
    { name, offsetof(DfySplatSettings, member), type }
    SETTING("effort", effort, INT),
    SETTING("key_interval", key_interval, INT),
    SETTING("access", access, INT),
    SETTING("two_pass", two_pass, INT),
    SETTING("canonical", canonical, INT),
    SETTING("degree", degree, INT),
    SETTING("frame_rate_num", frame_rate_num, INT),
    SETTING("frame_rate_den", frame_rate_den, INT),
    SETTING("memory_limit_bytes", memory_limit_bytes, UINT64),
    SETTING("error_position", error[DFY_SPLAT_POSITION], DOUBLE),
    SETTING("error_scale", error[DFY_SPLAT_SCALE], DOUBLE),
    SETTING("error_alpha", error[DFY_SPLAT_ALPHA], DOUBLE),
    SETTING("error_dc", error[DFY_SPLAT_DC], DOUBLE),
    SETTING("error_rotation", error[DFY_SPLAT_ROTATION], DOUBLE),
    SETTING("error_sh", error[DFY_SPLAT_SH], DOUBLE),
    SETTING("position_part", position_part, DOUBLE),
    SETTING("max_error_position", max_error[DFY_SPLAT_POSITION], DOUBLE),
    SETTING("max_error_scale", max_error[DFY_SPLAT_SCALE], DOUBLE),
    SETTING("max_error_alpha", max_error[DFY_SPLAT_ALPHA], DOUBLE),
    SETTING("max_error_dc", max_error[DFY_SPLAT_DC], DOUBLE),
    SETTING("max_error_rotation", max_error[DFY_SPLAT_ROTATION], DOUBLE),
    SETTING("max_error_sh", max_error[DFY_SPLAT_SH], DOUBLE),
    SETTING("keep_order", keep_order, INT),
    SETTING("zstd_level", vq.zstd_level, INT),
    SETTING("clusters_rotation_re", vq.clusters_rotation_re, INT),
    SETTING("clusters_rotation_im", vq.clusters_rotation_im, INT),
    SETTING("clusters_opacity", vq.clusters_opacity, INT),
    SETTING("clusters_scale", vq.clusters_scale, INT),
    SETTING("clusters_dc", vq.clusters_dc, INT),
    SETTING("clusters_rest_0", vq.clusters_rest[0], INT),
    SETTING("clusters_rest_1", vq.clusters_rest[1], INT),
    SETTING("clusters_rest_2", vq.clusters_rest[2], INT),
    SETTING("clusters_rest_3", vq.clusters_rest[3], INT),
    SETTING("max_degree", vq.max_degree, INT),
    SETTING("tolerance", vq.tolerance, DOUBLE),
    SETTING("iterations", vq.iterations, INT),
    SETTING("neighbour", vq.neighbour, INT),
    SETTING("samples", vq.samples, UINT32),
    SETTING("seed", vq.seed, UINT64),
    SETTING("quantile", vq.quantile, DOUBLE),
    SETTING("alpha", vq.alpha, DOUBLE),
    SETTING("min_step", vq.min_step, DOUBLE),
    SETTING("max_step", vq.max_step, DOUBLE),
    SETTING("xyz_tolerance", vq.xyz_tolerance, DOUBLE),
#undef SETTING
};

static int set_member(char *member, int type, PyObject *value) {
    if (type == DOUBLE) {
        double number = PyFloat_AsDouble(value);
        memcpy(member, &number, sizeof number);
    } else if (type == UINT64) {
        uint64_t number = PyLong_AsUnsignedLongLong(value);
        memcpy(member, &number, sizeof number);
    } else {
        int overflow = 0;
        long long wide = PyLong_AsLongLongAndOverflow(value, &overflow);
        if (overflow || wide > INT32_MAX || wide < INT32_MIN) {
            PyErr_SetString(PyExc_ValueError, "A setting is too large.");
            return -1;
        }
        int32_t number = (int32_t)wide; /* int and uint32_t alike */
        memcpy(member, &number, sizeof number);
    }
    return PyErr_Occurred() ? -1 : 0;
}

static int set_one(DfySplatSettings *settings, const char *name, PyObject *value) {
    if (!strcmp(name, "quality")) {
        long quality = PyLong_AsLong(value);
        if (!PyErr_Occurred() && dfy_splat_set_quality(settings, (int)quality))
            PyErr_Format(PyExc_ValueError, "Quality %ld is out of range: choose 1 to 100.", quality);
        return PyErr_Occurred() ? -1 : 0;
    }
    for (size_t i = 0; i < sizeof known_settings / sizeof *known_settings; i++)
        if (!strcmp(name, known_settings[i].name))
            return set_member((char *)settings + known_settings[i].offset, known_settings[i].type, value);
    PyErr_Format(PyExc_TypeError, "A splat encoder has no setting '%s'.", name);
    return -1;
}

int native_splat_settings(DfySplatSettings *settings, PyObject *names) {
    dfy_splat_defaults(settings);
    PyObject *name, *value, *quality = PyDict_GetItemString(names, "quality");
    Py_ssize_t at = 0;
    if (quality && set_one(settings, "quality", quality)) return -1; /* first: single errors change what it chose */
    while (PyDict_Next(names, &at, &name, &value)) {
        PyObject *text = PyUnicode_AsUTF8String(name);
        int failed =
            !text || (strcmp(PyBytes_AsString(text), "quality") && set_one(settings, PyBytes_AsString(text), value));
        Py_XDECREF(text);
        if (failed) return -1;
    }
    return 0;
}

/* ---------------------------------------------------------------- encoder */

typedef struct SplatEncoder {
    PyObject_HEAD Target target;
    DfySplatEncoder *encoder;
} SplatEncoder;

static PyObject *encoder_raise(SplatEncoder *self, int status) {
    if (native_restore(&self->target.error)) return NULL;
    return native_raise(status, dfy_splat_encoder_message(self->encoder));
}

/* SplatEncoder(target, codec, settings) */
static int encoder_init(PyObject *object, PyObject *arguments, PyObject *names) {
    SplatEncoder *self = (SplatEncoder *)object;
    PyObject *target, *given;
    const char *codec;
    DfySplatSettings settings;
    (void)names;
    if (!PyArg_ParseTuple(arguments, "OsO!", &target, &codec, &PyDict_Type, &given)) return -1;
    if (self->encoder) {
        PyErr_SetString(PyExc_ValueError, "An encoder is opened once.");
        return -1;
    }
    if (native_splat_settings(&settings, given)) return -1;
    settings.codec = dfy_splat_codec(codec);
    if (!settings.codec) {
        PyErr_Format(PyExc_ValueError, "There is no splat codec '%s'.", codec);
        return -1;
    }
    if (native_target(&self->target, target)) return -1;
    DfyOutput output = native_output(&self->target);
    int status = dfy_splat_encoder_open(&self->encoder, &settings, &output);
    if (!status) return 0;
    encoder_raise(self, status);
    return -1;
}

static void encoder_free(PyObject *object) {
    SplatEncoder *self = (SplatEncoder *)object;
    PyTypeObject *type = Py_TYPE(object);
    if (self->encoder) {
        dfy_splat_encoder_close(&self->encoder);
        native_target_free(&self->target);
    }
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
    Py_DECREF(type);
}

static PyObject *encoder_push(PyObject *object, PyObject *model) {
    SplatEncoder *self = (SplatEncoder *)object;
    DfySplats splats;
    int status;
    if (native_model(model, &splats)) return NULL;
    Py_BEGIN_ALLOW_THREADS status = dfy_splat_encoder_push(self->encoder, &splats);
    Py_END_ALLOW_THREADS if (status) return encoder_raise(self, status);
    Py_RETURN_NONE;
}

static PyObject *encoder_finish(PyObject *object, PyObject *none) {
    SplatEncoder *self = (SplatEncoder *)object;
    DfySplatStats stats = {0};
    int status;
    (void)none;
    Py_BEGIN_ALLOW_THREADS status = dfy_splat_encoder_finish(self->encoder, &stats);
    Py_END_ALLOW_THREADS if (status) return encoder_raise(self, status);
    return Py_BuildValue("{s:K,s:K,s:K}", "frames", (unsigned long long)stats.frames, "key_frames",
                         (unsigned long long)stats.key_frames, "bytes", (unsigned long long)stats.bytes);
}

/* Which splat of the model pushed last each decoded one is, as uint32; None: the same. */
static PyObject *encoder_order(PyObject *object, PyObject *none) {
    SplatEncoder *self = (SplatEncoder *)object;
    DfySplatStats stats = {0};
    (void)none;
    const uint32_t *order = dfy_splat_encoder_order(self->encoder);
    if (!order) Py_RETURN_NONE;
    dfy_splat_encoder_stats(self->encoder, &stats);
    return PyByteArray_FromStringAndSize((const char *)order, (Py_ssize_t)(stats.splats * sizeof *order));
}

static PyMethodDef encoder_methods[] = {{"push", encoder_push, METH_O, NULL},
                                        {"finish", encoder_finish, METH_NOARGS, NULL},
                                        {"order", encoder_order, METH_NOARGS, NULL},
                                        {NULL, NULL, 0, NULL}};

static PyType_Slot encoder_slots[] = {{Py_tp_init, encoder_init},
                                      {Py_tp_new, PyType_GenericNew},
                                      {Py_tp_dealloc, encoder_free},
                                      {Py_tp_methods, encoder_methods},
                                      {0, NULL}};

static PyType_Spec encoder_spec = {"diffy._native.SplatEncoder", sizeof(SplatEncoder), 0, Py_TPFLAGS_DEFAULT,
                                   encoder_slots};

/* ---------------------------------------------------------------- decoder */

typedef struct SplatDecoder {
    PyObject_HEAD Source source;
    DfySplatDecoder *decoder;
} SplatDecoder;

static PyObject *decoder_raise(SplatDecoder *self, int status) {
    if (native_restore(&self->source.error)) return NULL;
    return native_raise(status, dfy_splat_decoder_message(self->decoder));
}

/* SplatDecoder(source, size) */
static int decoder_init(PyObject *object, PyObject *arguments, PyObject *names) {
    SplatDecoder *self = (SplatDecoder *)object;
    PyObject *source;
    unsigned long long size = 0;
    (void)names;
    if (!PyArg_ParseTuple(arguments, "O|K", &source, &size)) return -1;
    if (self->decoder) {
        PyErr_SetString(PyExc_ValueError, "A decoder is opened once.");
        return -1;
    }
    if (native_source(&self->source, source, size)) return -1;
    DfyInput input = native_input(&self->source);
    int status;
    Py_BEGIN_ALLOW_THREADS status = dfy_splat_decoder_open(&self->decoder, &input, NULL);
    Py_END_ALLOW_THREADS if (!status) return 0;
    decoder_raise(self, status);
    return -1;
}

static void decoder_free(PyObject *object) {
    SplatDecoder *self = (SplatDecoder *)object;
    PyTypeObject *type = Py_TYPE(object);
    if (self->decoder) {
        dfy_splat_decoder_close(&self->decoder);
        native_source_free(&self->source);
    }
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
    Py_DECREF(type);
}

static PyObject *decoder_info(PyObject *object, PyObject *none) {
    DfySplatInfo i = {{0}};
    (void)none;
    dfy_splat_decoder_info(((SplatDecoder *)object)->decoder, &i);
    return Py_BuildValue("{s:s,s:i,s:K,s:K,s:K,s:(ii),s:O}", "codec", i.codec, "degree", i.degree, "frames",
                         (unsigned long long)i.frames, "key_frames", (unsigned long long)i.key_frames, "bytes",
                         (unsigned long long)i.bytes, "frame_rate", i.frame_rate_num, i.frame_rate_den, "complete",
                         i.complete ? Py_True : Py_False);
}

/* The next model, None at the end. */
static PyObject *decoder_next(PyObject *object, PyObject *none) {
    SplatDecoder *self = (SplatDecoder *)object;
    const DfySplats *splats;
    int status;
    (void)none;
    Py_BEGIN_ALLOW_THREADS status = dfy_splat_decoder_next(self->decoder, &splats);
    Py_END_ALLOW_THREADS if (status == DFY_END) Py_RETURN_NONE;
    return status ? decoder_raise(self, status) : native_model_tuple(splats);
}

static PyObject *decoder_seek(PyObject *object, PyObject *arguments) {
    SplatDecoder *self = (SplatDecoder *)object;
    unsigned long long frame;
    int status;
    if (!PyArg_ParseTuple(arguments, "K", &frame)) return NULL;
    Py_BEGIN_ALLOW_THREADS status = dfy_splat_decoder_seek(self->decoder, frame);
    Py_END_ALLOW_THREADS if (status) return decoder_raise(self, status);
    Py_RETURN_NONE;
}

static PyMethodDef decoder_methods[] = {{"info", decoder_info, METH_NOARGS, NULL},
                                        {"next", decoder_next, METH_NOARGS, NULL},
                                        {"seek", decoder_seek, METH_VARARGS, NULL},
                                        {NULL, NULL, 0, NULL}};

static PyType_Slot decoder_slots[] = {{Py_tp_init, decoder_init},
                                      {Py_tp_new, PyType_GenericNew},
                                      {Py_tp_dealloc, decoder_free},
                                      {Py_tp_methods, decoder_methods},
                                      {0, NULL}};

static PyType_Spec decoder_spec = {"diffy._native.SplatDecoder", sizeof(SplatDecoder), 0, Py_TPFLAGS_DEFAULT,
                                   decoder_slots};

/* ---------------------------------------------------------------- the module's part */

static PyObject *splat_codecs(PyObject *module, PyObject *none) {
    PyObject *list = PyList_New(0);
    (void)module, (void)none;
    for (int i = 0; list && dfy_splat_codec_at(i); i++) {
        const DfySplatCodec *codec = dfy_splat_codec_at(i);
        PyObject *pair = Py_BuildValue("(ss)", dfy_splat_codec_name(codec), dfy_splat_codec_description(codec));
        if (!pair || PyList_Append(list, pair)) Py_CLEAR(list);
        Py_XDECREF(pair);
    }
    return list;
}

static PyMethodDef functions[] = {{"splats_read", splats_read, METH_O, NULL},
                                  {"splats_write", splats_write, METH_VARARGS, NULL},
                                  {"splats_compare", splats_compare, METH_VARARGS, NULL},
                                  {"splat_codecs", splat_codecs, METH_NOARGS, NULL},
                                  {NULL, NULL, 0, NULL}};

int native_add_splats(PyObject *module) {
    return PyModule_AddFunctions(module, functions) || native_add_type(module, "SplatEncoder", &encoder_spec) ||
           native_add_type(module, "SplatDecoder", &decoder_spec);
}
