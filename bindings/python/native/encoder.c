/* diffy._native.Encoder: pictures in, a .dfy out. */
#include "native.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Encoder {
    PyObject_HEAD Target target;
    DfyEncoder *encoder;
    DfyEncoderSettings settings;
    long pid;
} Encoder;

enum { INT, UINT64, DOUBLE, TEXT };

/* The settings by their names in diffy.h. */
static const struct {
    const char *name;
    size_t offset;
    int type;
} known_settings[] = {
#define SETTING(member, type)                                                                                          \
    { #member, offsetof(DfyEncoderSettings, member), type }
    SETTING(width, INT),
    SETTING(height, INT),
    SETTING(format, INT),
    SETTING(quality, INT),
    SETTING(frame_rate_num, INT),
    SETTING(frame_rate_den, INT),
    SETTING(time_base_num, INT),
    SETTING(time_base_den, INT),
    SETTING(mode, INT),
    SETTING(matrix, INT),
    SETTING(range, INT),
    SETTING(effort, INT),
    SETTING(threads, INT),
    SETTING(target_size_bytes, UINT64),
    SETTING(expected_frames, UINT64),
    SETTING(memory_limit_bytes, UINT64),
    SETTING(clone_distance, DOUBLE),
    SETTING(segment_seconds, DOUBLE),
    SETTING(warmup_frames, INT),
    SETTING(use_temporal, INT),
    SETTING(use_bbox, INT),
    SETTING(use_vq, INT),
    SETTING(max_p_run, INT),
    SETTING(has_imu, INT),
    SETTING(orientation, INT),
    SETTING(access_pictures, INT),
    SETTING(metadata, TEXT),
#undef SETTING
};

static int set_one(DfyEncoderSettings *settings, const char *name, PyObject *value) {
    for (size_t i = 0; i < sizeof known_settings / sizeof *known_settings; i++) {
        if (strcmp(name, known_settings[i].name)) continue;
        char *member = (char *)settings + known_settings[i].offset;
        if (known_settings[i].type == TEXT) { /* bytes, which the caller's dict keeps while the encoder is opened */
            const char *text = PyBytes_AsString(value);
            memcpy(member, &text, sizeof text);
        } else if (known_settings[i].type == DOUBLE) {
            double number = PyFloat_AsDouble(value);
            memcpy(member, &number, sizeof number);
        } else if (known_settings[i].type == UINT64) {
            uint64_t number = PyLong_AsUnsignedLongLong(value);
            memcpy(member, &number, sizeof number);
        } else {
            long long wide = PyLong_AsLongLong(value);
            int number = wide > INT32_MAX ? INT32_MAX : wide < INT32_MIN ? INT32_MIN : (int)wide;
            memcpy(member, &number, sizeof number);
        }
        return PyErr_Occurred() ? -1 : 0;
    }
    PyErr_Format(PyExc_TypeError, "An encoder has no setting '%s'.", name);
    return -1;
}

static int set_all(DfyEncoderSettings *settings, PyObject *names) {
    PyObject *name, *value;
    Py_ssize_t at = 0;
    while (PyDict_Next(names, &at, &name, &value)) {
        PyObject *text = PyUnicode_AsUTF8String(name);
        int failed = !text || set_one(settings, PyBytes_AsString(text), value);
        Py_XDECREF(text);
        if (failed) return -1;
    }
    return 0;
}

/* Lets Ctrl-C through, at most once a frame. */
static int progress(void *opaque, DfyStage stage, uint64_t done, uint64_t total) {
    Encoder *self = opaque;
    (void)stage, (void)done, (void)total;
    PyGILState_STATE state = PyGILState_Ensure();
    int cancelled = PyErr_CheckSignals() != 0;
    if (cancelled) native_keep(&self->target.error);
    PyGILState_Release(state);
    return cancelled;
}

static PyObject *raise_last(Encoder *self, int status) {
    if (native_restore(&self->target.error)) return NULL;
    return native_raise(status, dfy_last_message(self->encoder));
}

static int encoder_init(PyObject *object, PyObject *arguments, PyObject *names) {
    Encoder *self = (Encoder *)object;
    PyObject *target, *settings;
    (void)names;
    if (!PyArg_ParseTuple(arguments, "OO!", &target, &PyDict_Type, &settings)) return -1;
    if (self->pid) {
        PyErr_SetString(PyExc_ValueError, "An encoder is opened once.");
        return -1;
    }
    if (native_target(&self->target, target)) return -1;
    self->pid = (long)getpid();
    dfy_encoder_defaults(&self->settings);
    self->settings.progress = progress;
    self->settings.progress_opaque = self;
    if (set_all(&self->settings, settings)) return -1;
    DfyOutput output = native_output(&self->target);
    int status;
    Py_BEGIN_ALLOW_THREADS status = dfy_encoder_open(&self->encoder, &self->settings, &output);
    Py_END_ALLOW_THREADS if (!status) return 0;
    raise_last(self, status);
    return -1;
}

static void close_encoder(Encoder *self) {
    if (self->pid == (long)getpid()) dfy_encoder_close(&self->encoder);
    self->encoder = NULL; /* in the child of a fork: its parent's, whose threads are not here */
    native_target_free(&self->target);
}

static void encoder_free(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    if (((Encoder *)object)->pid) close_encoder((Encoder *)object);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
    Py_DECREF(type);
}

static PyObject *encoder_close(PyObject *object, PyObject *none) {
    (void)none;
    close_encoder((Encoder *)object);
    Py_RETURN_NONE;
}

static int usable(const Encoder *self) {
    const char *why = !self->encoder                ? "The encoder is closed."
                      : self->pid != (long)getpid() ? "An encoder can't be used in the child of a fork: open one there."
                                                    : NULL;
    if (why) PyErr_SetString(PyExc_ValueError, why);
    return !why;
}

/* push(pixels, ticks, channels): RGB or RGBA, tightly packed, of the settings' size. */
static PyObject *encoder_push(PyObject *object, PyObject *arguments) {
    Encoder *self = (Encoder *)object;
    PyObject *pixels;
    long long pts;
    int channels, status;
    const uint8_t *data;
    Py_ssize_t size;
    if (!usable(self) || !PyArg_ParseTuple(arguments, "OLi", &pixels, &pts, &channels) ||
        native_bytes(pixels, &data, &size))
        return NULL;
    int width = self->settings.width, height = self->settings.height;
    if ((channels != 3 && channels != 4) || size != (Py_ssize_t)width * height * channels)
        return native_raise(DFY_ERROR_ARGUMENT, "The pixels are not those of a picture of the recording's size.");
    DfyPicture picture = {.format = channels == 3 ? DFY_PIXELS_RGB : DFY_PIXELS_RGBA, .width = width, .height = height};
    picture.plane[0] = data;
    picture.stride_bytes[0] = (ptrdiff_t)width * channels;
    picture.pts = pts;
    picture.matrix = DFY_MATRIX_UNKNOWN;
    Py_BEGIN_ALLOW_THREADS status = dfy_encoder_push(self->encoder, &picture);
    Py_END_ALLOW_THREADS if (status) return raise_last(self, status);
    Py_RETURN_NONE;
}

static PyObject *encoder_push_gyro(PyObject *object, PyObject *arguments) {
    Encoder *self = (Encoder *)object;
    double xyz[3], dt;
    if (!usable(self) || !PyArg_ParseTuple(arguments, "dddd", &xyz[0], &xyz[1], &xyz[2], &dt)) return NULL;
    int status = dfy_encoder_push_gyro(self->encoder, xyz, dt);
    if (status) return raise_last(self, status);
    Py_RETURN_NONE;
}

static PyObject *encoder_begin_episode(PyObject *object, PyObject *arguments) {
    Encoder *self = (Encoder *)object;
    const char *name;
    int status;
    if (!usable(self) || !PyArg_ParseTuple(arguments, "s", &name)) return NULL;
    Py_BEGIN_ALLOW_THREADS status = dfy_encoder_begin_episode(self->encoder, name);
    Py_END_ALLOW_THREADS if (status) return raise_last(self, status);
    Py_RETURN_NONE;
}

static PyObject *encoder_finish(PyObject *object, PyObject *none) {
    Encoder *self = (Encoder *)object;
    DfyEncoderStats stats = {0};
    int status;
    (void)none;
    if (!usable(self)) return NULL;
    Py_BEGIN_ALLOW_THREADS status = dfy_encoder_finish(self->encoder, &stats);
    Py_END_ALLOW_THREADS if (status) return raise_last(self, status);
    return Py_BuildValue("{s:K,s:K,s:I,s:I}", "frames", (unsigned long long)stats.frames, "bytes",
                         (unsigned long long)stats.bytes, "cycles", stats.cycles, "canonicals", stats.canonicals);
}

static PyObject *encoder_bytes(PyObject *object, PyObject *none) {
    (void)none;
    return PyLong_FromUnsignedLongLong(dfy_encoder_bytes_written(((Encoder *)object)->encoder));
}

static PyMethodDef methods[] = {{"push", encoder_push, METH_VARARGS, NULL},
                                {"push_gyro", encoder_push_gyro, METH_VARARGS, NULL},
                                {"begin_episode", encoder_begin_episode, METH_VARARGS, NULL},
                                {"finish", encoder_finish, METH_NOARGS, NULL},
                                {"bytes_written", encoder_bytes, METH_NOARGS, NULL},
                                {"close", encoder_close, METH_NOARGS, NULL},
                                {NULL, NULL, 0, NULL}};

static PyType_Slot slots[] = {{Py_tp_init, encoder_init},
                              {Py_tp_new, PyType_GenericNew},
                              {Py_tp_dealloc, encoder_free},
                              {Py_tp_methods, methods},
                              {0, NULL}};

static PyType_Spec spec = {"diffy._native.Encoder", sizeof(Encoder), 0, Py_TPFLAGS_DEFAULT, slots};

int native_add_encoder(PyObject *module) {
    return native_add_type(module, "Encoder", &spec);
}
