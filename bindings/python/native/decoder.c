/*
 * diffy._native.Decoder: facts about a video, and its pictures as RGB into memory that Python made. A batch is decoded
 * in the order of the file; where its frames are far apart they are shared out to decoders on threads of their own,
 * which live for that call only, so that nothing is lost in a fork.
 */
#include "native.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_THREADS = 16, FAR = 16 /* frames apart from which a thread of its own pays */ };

typedef struct Decoder {
    PyObject_HEAD Source source;
    DfyDecoderSettings settings;
    DfyDecoder *decoders[MOST_THREADS]; /* the first is there, others come when batches need them */
    DfyInfo info;
    long pid; /* of the process that opened it */
    int threads;
} Decoder;

/* Frames that one decoder decodes, ascending, each into its slot. */
typedef struct Run {
    Decoder *owner;
    DfyDecoder **decoder;
    const int64_t *frames, *slots;
    size_t count;
    uint8_t *out;
    int64_t *pts;
    int channels_first, status;
    DfyMessage message;
} Run;

static size_t frame_bytes(const DfyInfo *info) {
    return (size_t)info->width * (size_t)info->height * 3;
}

/* ---------------------------------------------------------------- pictures */

static void split_channels(uint8_t *out, const uint8_t *rgb, size_t pixels) {
    uint8_t *red = out, *green = out + pixels, *blue = out + 2 * pixels;
    for (size_t i = 0; i < pixels; i++) {
        red[i] = rgb[3 * i];
        green[i] = rgb[3 * i + 1];
        blue[i] = rgb[3 * i + 2];
    }
}

/* A decoded picture as RGB, by pixels or by channels; scratch is as large as a picture. */
static int deliver(uint8_t *out, const DfyPicture *picture, uint8_t *scratch) {
    DfyPicture rgb = {.format = DFY_PIXELS_RGB, .width = picture->width, .height = picture->height};
    rgb.plane[0] = scratch ? scratch : out;
    rgb.stride_bytes[0] = (ptrdiff_t)picture->width * 3;
    int status = dfy_picture_convert(&rgb, picture);
    if (!status && scratch) split_channels(out, scratch, (size_t)picture->width * (size_t)picture->height);
    return status;
}

static int decode_frame(DfyDecoder *decoder, uint64_t frame, DfyPicture *picture) {
    int status = dfy_decoder_position(decoder) == frame ? DFY_OK : dfy_decoder_seek(decoder, frame);
    return status ? status : dfy_decoder_next(decoder, picture);
}

/* Only the first decodes on threads of its own: the others are at work on one each, beside it. */
static int open_decoder(Decoder *owner, DfyDecoder **decoder, DfyMessage *message) {
    DfyInput input = native_input(&owner->source);
    DfyDecoderSettings settings = owner->settings;
    if (decoder != &owner->decoders[0]) settings.threads = 1;
    int status = dfy_decoder_open(decoder, &input, &settings);
    if (status) {
        *message = (DfyMessage){{0}};
        strncpy(message->text, dfy_last_message(*decoder), sizeof message->text - 1);
        dfy_decoder_close(decoder);
    }
    return status;
}

static void *run(void *opaque) {
    Run *r = opaque;
    size_t bytes = frame_bytes(&r->owner->info);
    uint8_t *scratch = r->channels_first ? malloc(bytes) : NULL;
    if (r->channels_first && !scratch) r->status = DFY_ERROR_MEMORY;
    if (!r->status && !*r->decoder) r->status = open_decoder(r->owner, r->decoder, &r->message);
    for (size_t i = 0; !r->status && i < r->count; i++) {
        uint8_t *out = r->out + (size_t)r->slots[i] * bytes;
        if (i && r->frames[i] == r->frames[i - 1]) {
            memcpy(out, r->out + (size_t)r->slots[i - 1] * bytes, bytes);
            r->pts[r->slots[i]] = r->pts[r->slots[i - 1]];
            continue;
        }
        DfyPicture picture;
        r->status = decode_frame(*r->decoder, (uint64_t)r->frames[i], &picture);
        if (!r->status) r->status = deliver(out, &picture, scratch);
        if (!r->status) r->pts[r->slots[i]] = picture.pts;
        if (r->status) strncpy(r->message.text, dfy_last_message(*r->decoder), sizeof r->message.text - 1);
    }
    free(scratch);
    return NULL;
}

/* Where the run that begins at `from` should end: about `wanted` frames on, at a gap that no decoder plays through. */
static size_t end_of_run(const int64_t *frames, size_t from, size_t wanted, size_t count) {
    for (size_t i = from + wanted; i < count; i++)
        if (frames[i] - frames[i - 1] >= FAR) return i;
    return count;
}

/* Decodes all: on the caller's thread what can't be shared out. */
static void run_all(Decoder *owner, const Run *whole, Run *failed) {
    Run runs[MOST_THREADS];
    pthread_t threads[MOST_THREADS];
    int started[MOST_THREADS] = {0}, count = 0;
    size_t most = (size_t)owner->threads, each = (whole->count + most - 1) / most;
    for (size_t from = 0; from < whole->count && count < MOST_THREADS; count++) {
        size_t end = count + 1 == owner->threads ? whole->count : end_of_run(whole->frames, from, each, whole->count);
        runs[count] = *whole;
        runs[count].decoder = &owner->decoders[count];
        runs[count].frames += from;
        runs[count].slots += from;
        runs[count].count = end - from;
        from = end;
    }
    for (int i = 1; i < count; i++) started[i] = !pthread_create(&threads[i], NULL, run, &runs[i]);
    for (int i = 0; i < count; i++)
        if (!started[i]) run(&runs[i]);
    for (int i = 1; i < count; i++)
        if (started[i]) pthread_join(threads[i], NULL);
    for (int i = count - 1; i >= 0; i--)
        if (runs[i].status) *failed = runs[i];
}

/* ---------------------------------------------------------------- Python's side */

static PyObject *raise_last(Decoder *self, int status, const char *sentence) {
    if (native_restore(&self->source.error)) return NULL;
    return native_raise(status, sentence);
}

static DfyDecoder *first_of(Decoder *self) {
    if (!self->decoders[0]) PyErr_SetString(PyExc_ValueError, "The decoder is closed.");
    return self->decoders[0];
}

static void close_all(Decoder *self) {
    /* The child of a fork has no threads that its parent's decoders may wait for: their memory is left alone there. */
    for (int i = 0; i < MOST_THREADS; i++) {
        if (self->pid == (long)getpid()) dfy_decoder_close(&self->decoders[i]);
        self->decoders[i] = NULL;
    }
    native_source_free(&self->source);
}

static int decoder_init(PyObject *object, PyObject *arguments, PyObject *names) {
    Decoder *self = (Decoder *)object;
    static char *known[] = {"source", "size", "threads", "memory_limit", "unwarp", NULL};
    PyObject *source;
    unsigned long long size = 0, memory = 0;
    int threads = 1, unwarp = 0;
    self->source.descriptor = -1;
    if (!PyArg_ParseTupleAndKeywords(arguments, names, "O|KiKp", known, &source, &size, &threads, &memory, &unwarp))
        return -1;
    if (self->pid) {
        PyErr_SetString(PyExc_ValueError, "A decoder is opened once.");
        return -1;
    }
    self->pid = (long)getpid();
    self->threads = threads < 1 ? 1 : threads > MOST_THREADS ? MOST_THREADS : threads;
    if (native_source(&self->source, source, size)) return -1;
    dfy_decoder_defaults(&self->settings);
    self->settings.threads = self->threads;
    self->settings.unwarp = unwarp;
    if (memory) self->settings.memory_limit_bytes = memory;
    DfyMessage message = {{0}};
    int status;
    Py_BEGIN_ALLOW_THREADS status = open_decoder(self, &self->decoders[0], &message);
    Py_END_ALLOW_THREADS if (status) {
        raise_last(self, status, message.text);
        return -1;
    }
    dfy_decoder_info(self->decoders[0], &self->info);
    return 0;
}

static void decoder_free(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    if (((Decoder *)object)->pid) close_all((Decoder *)object);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
    Py_DECREF(type);
}

static PyObject *decoder_close(PyObject *object, PyObject *none) {
    (void)none;
    close_all((Decoder *)object);
    Py_RETURN_NONE;
}

static PyObject *decoder_info(PyObject *object, PyObject *none) {
    const DfyInfo *i = &((Decoder *)object)->info;
    (void)none;
    return Py_BuildValue(
        "{s:i,s:i,s:i,s:K,s:K,s:(ii),s:(ii),s:i,s:s,s:i,s:i,s:I,s:I,s:I,s:K,s:O,s:O,s:K,s:i,s:i,s:I}", "format",
        i->format, "width", i->width, "height", i->height, "frames", (unsigned long long)i->frames, "frames_stated",
        (unsigned long long)i->frames_stated, "frame_rate", i->frame_rate_num, i->frame_rate_den, "time_base",
        i->time_base_num, i->time_base_den, "quality", i->quality, "mode",
        i->mode == DFY_MODE_UPLOAD ? "upload" : "training", "matrix", (int)i->matrix, "range", (int)i->range, "chunks",
        i->chunks, "cycles", i->cycles, "canonicals", i->canonicals, "imu_samples", (unsigned long long)i->imu_samples,
        "lossless", i->lossless ? Py_True : Py_False, "complete", i->complete ? Py_True : Py_False, "clone_frames",
        (unsigned long long)i->clone_frames, "orientation", i->orientation, "access_pictures", i->access_pictures,
        "episodes", i->episodes);
}

static PyObject *decoder_message(PyObject *object, PyObject *none) {
    Decoder *self = (Decoder *)object;
    (void)none;
    return PyUnicode_FromString(self->decoders[0] ? dfy_last_message(self->decoders[0]) : "");
}

static PyObject *decoder_metadata(PyObject *object, PyObject *none) {
    DfyDecoder *decoder = first_of((Decoder *)object);
    (void)none;
    if (!decoder) return NULL;
    const char *text = dfy_decoder_metadata(decoder);
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
}

static PyObject *decoder_cycle(PyObject *object, PyObject *arguments) {
    DfyDecoder *decoder = first_of((Decoder *)object);
    unsigned index;
    DfyCycle c;
    if (!decoder || !PyArg_ParseTuple(arguments, "I", &index)) return NULL;
    if (dfy_decoder_cycle(decoder, index, &c)) return native_raise(DFY_ERROR_ARGUMENT, "There is no such cycle.");
    return Py_BuildValue("{s:K,s:K,s:d,s:d,s:I,s:O,s:O,s:N}", "first_frame", (unsigned long long)c.first_frame,
                         "frames", (unsigned long long)c.frames, "start_seconds", c.start_seconds, "seconds", c.seconds,
                         "canonical", c.canonical, "is_canonical", c.is_canonical ? Py_True : Py_False, "is_clone",
                         c.is_clone ? Py_True : Py_False, "distance",
                         c.distance < 0 ? Py_BuildValue("") : PyFloat_FromDouble(c.distance));
}

/* episode(index): name, first frame, frames, start and length in seconds. */
static PyObject *decoder_episode(PyObject *object, PyObject *arguments) {
    DfyDecoder *decoder = first_of((Decoder *)object);
    unsigned index;
    DfyEpisode e;
    if (!decoder || !PyArg_ParseTuple(arguments, "I", &index)) return NULL;
    if (dfy_decoder_episode(decoder, index, &e)) return native_raise(DFY_ERROR_ARGUMENT, "There is no such episode.");
    return Py_BuildValue("sKKdd", e.name, (unsigned long long)e.first_frame, (unsigned long long)e.frames,
                         e.start_seconds, e.seconds);
}

static PyObject *decoder_departure(PyObject *object, PyObject *arguments) {
    DfyDecoder *decoder = first_of((Decoder *)object);
    unsigned index;
    DfyDeparture d;
    if (!decoder || !PyArg_ParseTuple(arguments, "I", &index)) return NULL;
    if (dfy_decoder_departure(decoder, index, &d)) Py_RETURN_NONE;
    return Py_BuildValue("{s:K,s:K,s:d,s:d,s:O,s:(iiii),s:d}", "first_frame", (unsigned long long)d.first_frame,
                         "frames", (unsigned long long)d.frames, "start_seconds", d.start_seconds, "seconds", d.seconds,
                         "is_slow", d.is_slow ? Py_True : Py_False, "box", d.left, d.top, d.right, d.bottom, "size",
                         d.size);
}

static PyObject *decoder_imu(PyObject *object, PyObject *arguments) {
    DfyDecoder *decoder = first_of((Decoder *)object);
    unsigned long long frame;
    double q[4];
    if (!decoder || !PyArg_ParseTuple(arguments, "K", &frame)) return NULL;
    if (dfy_decoder_imu(decoder, frame, q)) return native_raise(DFY_ERROR_ARGUMENT, "That frame has no IMU sample.");
    return Py_BuildValue("(dddd)", q[0], q[1], q[2], q[3]);
}

/* times(first, out): the times in ticks of as many frames as `out`, int64, has room for. */
static PyObject *decoder_times(PyObject *object, PyObject *arguments) {
    Decoder *self = (Decoder *)object;
    DfyDecoder *decoder = first_of(self);
    unsigned long long first;
    PyObject *room;
    uint8_t *data;
    Py_ssize_t size;
    if (!decoder || !PyArg_ParseTuple(arguments, "KO", &first, &room) || native_room(room, &data, &size)) return NULL;
    int64_t *times = (int64_t *)(void *)data;
    size_t count = (size_t)size / sizeof *times;
    int status = DFY_OK;
    Py_BEGIN_ALLOW_THREADS for (size_t i = 0; !status && i < count; i++) status =
        dfy_decoder_time(decoder, first + i, &times[i]);
    Py_END_ALLOW_THREADS if (status) return raise_last(self, status, dfy_last_message(decoder));
    Py_RETURN_NONE;
}

static int check_batch(const Decoder *self, const Run *r, size_t slots, size_t room) {
    if (slots != r->count || room % frame_bytes(&self->info)) return -1;
    for (size_t i = 0; i < r->count; i++) {
        if (r->frames[i] < 0 || (uint64_t)r->frames[i] >= self->info.frames) return -1;
        if (i && r->frames[i] < r->frames[i - 1]) return -1;
        if (r->slots[i] < 0 || (size_t)r->slots[i] >= room / frame_bytes(&self->info)) return -1;
    }
    return 0;
}

/* read(frames, slots, out, pts, channels_first): frames (int64, ascending) into slots of out; pts has one a slot. */
static PyObject *decoder_read(PyObject *object, PyObject *arguments) {
    Decoder *self = (Decoder *)object;
    PyObject *frames, *slots, *out, *pts;
    const uint8_t *frames_at, *slots_at;
    uint8_t *pts_at;
    Py_ssize_t frames_size, slots_size, out_size, pts_size;
    Run whole = {.owner = self}, failed = {0};
    if (!first_of(self) || !PyArg_ParseTuple(arguments, "OOOOp", &frames, &slots, &out, &pts, &whole.channels_first) ||
        native_bytes(frames, &frames_at, &frames_size) || native_bytes(slots, &slots_at, &slots_size) ||
        native_room(out, &whole.out, &out_size) || native_room(pts, &pts_at, &pts_size))
        return NULL;
    whole.frames = (const int64_t *)(const void *)frames_at;
    whole.slots = (const int64_t *)(const void *)slots_at;
    whole.pts = (int64_t *)(void *)pts_at;
    whole.count = (size_t)frames_size / sizeof(int64_t);
    size_t places = (size_t)out_size / frame_bytes(&self->info);
    if (check_batch(self, &whole, (size_t)slots_size / sizeof(int64_t), (size_t)out_size) ||
        (size_t)pts_size != places * sizeof(int64_t))
        return native_raise(DFY_ERROR_ARGUMENT, "A batch's frames, slots or room don't fit together.");
    Py_BEGIN_ALLOW_THREADS run_all(self, &whole, &failed);
    Py_END_ALLOW_THREADS if (failed.status) return raise_last(self, failed.status, failed.message.text);
    Py_RETURN_NONE;
}

/* next(out, channels_first): (frame, ticks) of the next picture, or None at the end. */
static PyObject *decoder_next(PyObject *object, PyObject *arguments) {
    Decoder *self = (Decoder *)object;
    DfyDecoder *decoder = first_of(self);
    PyObject *room;
    uint8_t *out;
    Py_ssize_t size;
    if (!decoder || !PyArg_ParseTuple(arguments, "O", &room) || native_room(room, &out, &size)) return NULL;
    if ((size_t)size != frame_bytes(&self->info))
        return native_raise(DFY_ERROR_ARGUMENT, "The room is not as large as a picture.");
    uint64_t frame = 0;
    int64_t pts = 0;
    int status;
    Py_BEGIN_ALLOW_THREADS DfyPicture picture;
    status = dfy_decoder_next(decoder, &picture);
    if (!status) {
        pts = picture.pts;
        frame = dfy_decoder_position(decoder) - 1;
        status = deliver(out, &picture, NULL);
    }
    Py_END_ALLOW_THREADS if (status == DFY_END) Py_RETURN_NONE;
    if (status) return raise_last(self, status, dfy_last_message(decoder));
    return Py_BuildValue("(KL)", (unsigned long long)frame, (long long)pts);
}

static PyObject *decoder_seek(PyObject *object, PyObject *arguments) {
    Decoder *self = (Decoder *)object;
    DfyDecoder *decoder = first_of(self);
    unsigned long long frame;
    int status;
    if (!decoder || !PyArg_ParseTuple(arguments, "K", &frame)) return NULL;
    Py_BEGIN_ALLOW_THREADS status = dfy_decoder_seek(decoder, frame);
    Py_END_ALLOW_THREADS if (status) return raise_last(self, status, dfy_last_message(decoder));
    Py_RETURN_NONE;
}

static PyObject *decoder_position(PyObject *object, PyObject *none) {
    DfyDecoder *decoder = first_of((Decoder *)object);
    (void)none;
    return decoder ? PyLong_FromUnsignedLongLong(dfy_decoder_position(decoder)) : NULL;
}

static PyObject *decoder_verify(PyObject *object, PyObject *none) {
    Decoder *self = (Decoder *)object;
    DfyDecoder *decoder = first_of(self);
    int status;
    (void)none;
    if (!decoder) return NULL;
    Py_BEGIN_ALLOW_THREADS status = dfy_decoder_verify(decoder);
    Py_END_ALLOW_THREADS if (status) return raise_last(self, status, dfy_last_message(decoder));
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"info", decoder_info, METH_NOARGS, NULL},
                                {"message", decoder_message, METH_NOARGS, NULL},
                                {"metadata", decoder_metadata, METH_NOARGS, NULL},
                                {"cycle", decoder_cycle, METH_VARARGS, NULL},
                                {"departure", decoder_departure, METH_VARARGS, NULL},
                                {"episode", decoder_episode, METH_VARARGS, NULL},
                                {"imu", decoder_imu, METH_VARARGS, NULL},
                                {"times", decoder_times, METH_VARARGS, NULL},
                                {"read", decoder_read, METH_VARARGS, NULL},
                                {"next", decoder_next, METH_VARARGS, NULL},
                                {"seek", decoder_seek, METH_VARARGS, NULL},
                                {"position", decoder_position, METH_NOARGS, NULL},
                                {"verify", decoder_verify, METH_NOARGS, NULL},
                                {"close", decoder_close, METH_NOARGS, NULL},
                                {NULL, NULL, 0, NULL}};

static PyType_Slot slots[] = {{Py_tp_init, decoder_init},
                              {Py_tp_new, PyType_GenericNew},
                              {Py_tp_dealloc, decoder_free},
                              {Py_tp_methods, methods},
                              {0, NULL}};

static PyType_Spec spec = {"diffy._native.Decoder", sizeof(Decoder), 0, Py_TPFLAGS_DEFAULT, slots};

int native_add_decoder(PyObject *module) {
    return native_add_type(module, "Decoder", &spec);
}
