/* The decoder's dispatcher: checks arguments, picks the format's reader by the file's first bytes, keeps the last
 * message. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/format.h"
#include "base/json.h"
#include "base/picture.h"
#include "base/settings.h"
#include "container/forward.h"

#define DFY_SHOWN_NAME 80 /* bytes of a name in a sentence */

/* dfy_last_message takes it for a DfyMessage: that comes first. */
struct DfyDecoder {
    DfyMessage message;
    const DfyFormatReader *format;
    void *state;
    DfyAllocator allocator;
    int forward;      /* the input only goes forward */
    DfyForward whole; /* of that, where the format must see all of it */
};

static const DfyFormatReader *const readers[] = {
#if DFY_V1
    &dfy_v1_reader,
#endif
    &dfy_v2_reader,
};

static const DfyDecoderSettings defaults = {.struct_size = sizeof(DfyDecoderSettings),
                                            .memory_limit_bytes = (uint64_t)1 << 30};

void dfy_decoder_defaults_of(DfyDecoderSettings *settings, size_t struct_size) {
    dfy_give_defaults(settings, struct_size, &defaults, sizeof defaults);
}

static int take_settings(DfyDecoder *d, const DfyDecoderSettings *settings, DfyDecoderSettings *own) {
    *own = defaults;
    if (!settings) return DFY_OK;
    int status = dfy_take_settings(own, sizeof *own, offsetof(DfyDecoderSettings, threads), settings,
                                   "The decoder's settings", "dfy_decoder_defaults", &d->message);
    if (status) return status;
    if (!own->memory_limit_bytes) own->memory_limit_bytes = defaults.memory_limit_bytes;
    if (own->threads < 0 || own->threads > 64)
        return dfy_fail(&d->message, DFY_ERROR_ARGUMENT, "%d threads are out of range: choose 0 (automatic) to 64.",
                        own->threads);
    d->allocator = own->allocator;
    return DFY_OK;
}

/* Reads a stream, but for the magic, to its end, and makes *input a file of it. */
static int take_whole(DfyDecoder *d, DfyInput *input, const uint8_t magic[4], uint64_t limit) {
    const size_t part = (size_t)1 << 20;
    int status = DFY_OK;
    dfy_forward_open(&d->whole, input, 4);
    dfy_put_bytes(&d->whole.next, magic, 4);
    while (!status && d->whole.at <= limit) status = dfy_forward_take(&d->whole, part);
    if (!status)
        return dfy_fail(
            &d->message, DFY_ERROR_MEMORY,
            "The stream is longer than the memory limit of %llu MiB: save it as a file, or raise the limit.",
            (unsigned long long)(limit >> 20));
    if (status == DFY_END) status = dfy_forward_keep(&d->whole, 1);
    if (status)
        return dfy_fail(&d->message, status,
                        status == DFY_ERROR_IO ? "The stream can't be read."
                                               : "There is not enough memory for the stream.");
    *input = (DfyInput){.read = dfy_forward_read, .size_bytes = d->whole.at, .opaque = &d->whole};
    return DFY_OK;
}

int dfy_decoder_open(DfyDecoder **decoder, const DfyInput *input, const DfyDecoderSettings *settings) {
    if (!decoder) return DFY_ERROR_ARGUMENT;
    DfyDecoder *d = *decoder = calloc(1, sizeof *d);
    if (!d) return DFY_ERROR_MEMORY;
    if (!input || !input->read) return dfy_fail(&d->message, DFY_ERROR_ARGUMENT, "A decoder needs an input.");
    DfyDecoderSettings own;
    int status = take_settings(d, settings, &own);
    if (status) return status;
    uint8_t magic[4] = {0};
    int64_t got = input->read(input->opaque, 0, magic, sizeof magic);
    if (got < 0) return dfy_fail(&d->message, DFY_ERROR_IO, "The file can't be read.");
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
        if (got == 4 && !memcmp(magic, readers[i]->magic, 4)) d->format = readers[i];
    if (!d->format) {
        if (!DFY_V1 && got == 4 && !memcmp(magic, "DFY\1", 4))
            return dfy_fail(
                &d->message, DFY_ERROR_UNSUPPORTED,
                "This .dfy file has format 1, which this build of Diffy does not support: use another build.");
        if (got == 4 && !memcmp(magic, "DFY", 3))
            return dfy_fail(&d->message, DFY_ERROR_UNSUPPORTED,
                            "This .dfy file has format %d: a newer Diffy is needed to open it.", magic[3]);
        return dfy_fail(&d->message, DFY_ERROR_FORMAT, "This is not a .dfy file: it doesn't begin with \"DFY\".");
    }
    DfyInput source = *input;
    d->forward = source.size_bytes == DFY_FORWARD_ONLY;
    if (d->forward && !d->format->reach) status = take_whole(d, &source, magic, own.memory_limit_bytes);
    if (status) return status;
    status = d->format->open(&d->state, &source, &own, &d->message);
    if (status && !d->message.text[0])
        dfy_fail(&d->message, status, "The file can't be opened: %s.",
                 status == DFY_ERROR_MEMORY ? "it needs more memory than is available or allowed"
                                            : dfy_strstatus(status));
    if (status && d->state) { /* only the message is left to ask for */
        d->format->close(d->state);
        d->state = NULL;
    }
    return status;
}

static int decoder_usable(const DfyDecoder *d) {
    return d && d->state ? DFY_OK : DFY_ERROR_ARGUMENT;
}

int dfy_decoder_info(const DfyDecoder *d, DfyInfo *info) {
    if (decoder_usable(d) || !info) return DFY_ERROR_ARGUMENT;
    *info = (DfyInfo){.bit_depth = 8, .chroma_format = 1, .primaries = 2, .transfer = 2, .orientation = 1};
    d->format->info(d->state, info);
    return DFY_OK;
}

/* Moves a picture into memory of the caller's choice. */
static int hand_over(DfyDecoder *d, DfyPicture *picture) {
    DfyPicture own = *picture;
    for (int i = 0; i < 3; i++) {
        own.plane[i] = NULL;
        own.stride_bytes[i] = 0;
    }
    int status = d->allocator.take(d->allocator.opaque, &own);
    for (int i = 0; i < dfy_plane_count(own.format) && !status; i++) status = !own.plane[i];
    if (status)
        return dfy_fail(&d->message, DFY_ERROR_MEMORY,
                        "The allocator returned no memory for a picture of %d x %d pixels.", picture->width,
                        picture->height);
    dfy_picture_copy(&own, picture);
    *picture = own;
    return DFY_OK;
}

int dfy_decoder_next(DfyDecoder *d, DfyPicture *picture) {
    if (decoder_usable(d) || !picture) return DFY_ERROR_ARGUMENT;
    int status = d->format->next(d->state, picture);
    if (status == DFY_ERROR_MEMORY || status == DFY_ERROR_IO) dfy_told(&d->message, status);
    return !status && d->allocator.take ? hand_over(d, picture) : status;
}

int dfy_decoder_seek(DfyDecoder *d, uint64_t frame) {
    if (decoder_usable(d)) return DFY_ERROR_ARGUMENT;
    DfyInfo info;
    int status = d->forward && d->format->reach ? d->format->reach(d->state, frame) : DFY_OK;
    if (status) return status;
    dfy_decoder_info(d, &info);
    if (frame >= info.frames)
        return dfy_fail(&d->message, DFY_ERROR_ARGUMENT, "There is no frame %llu: the file has %llu.",
                        (unsigned long long)frame, (unsigned long long)info.frames);
    return d->format->seek(d->state, frame);
}

int dfy_decoder_approach(DfyDecoder *d, uint64_t frame) {
    DfyInfo info;
    if (dfy_decoder_info(d, &info)) return DFY_ERROR_ARGUMENT;
    int known = frame < info.frames && !d->forward;
    return known && d->format->approach ? d->format->approach(d->state, frame) : DFY_END;
}

uint64_t dfy_decoder_position(const DfyDecoder *d) {
    return decoder_usable(d) ? 0 : d->format->position(d->state);
}

int dfy_decoder_time(DfyDecoder *d, uint64_t frame, int64_t *pts) {
    DfyInfo info;
    if (!pts || dfy_decoder_info(d, &info)) return DFY_ERROR_ARGUMENT;
    if (frame >= info.frames)
        return dfy_fail(&d->message, DFY_ERROR_ARGUMENT, "There is no frame %llu: the file has %llu.",
                        (unsigned long long)frame, (unsigned long long)info.frames);
    if (d->format->time) return d->format->time(d->state, frame, pts);
    *pts = (int64_t)frame;
    return DFY_OK;
}

int dfy_decoder_origins(DfyDecoder *d, DfyOrigins *origins) {
    if (decoder_usable(d) || !origins) return DFY_ERROR_ARGUMENT;
    if (!d->format->origins)
        return dfy_fail(&d->message, DFY_ERROR_UNSUPPORTED,
                        "Format 1 files do not record where blocks come from: encode in format 2 to see it.");
    return d->format->origins(d->state, origins);
}

int dfy_decoder_set_grain(DfyDecoder *d, int on) {
    if (decoder_usable(d)) return DFY_ERROR_ARGUMENT;
    if (!d->format->set_grain)
        return dfy_fail(&d->message, DFY_ERROR_UNSUPPORTED, "Files of version 1 say nothing of the camera's noise.");
    d->format->set_grain(d->state, on);
    return DFY_OK;
}

int dfy_decoder_tiles(DfyDecoder *d, DfyTiles *tiles) {
    if (decoder_usable(d) || !tiles) return DFY_ERROR_ARGUMENT;
    if (!d->format->tiles)
        return dfy_fail(&d->message, DFY_ERROR_UNSUPPORTED, "Format 1 pictures have no tile identities.");
    return d->format->tiles(d->state, tiles);
}

int dfy_decoder_chunk(const DfyDecoder *d, uint32_t index, DfyChunk *chunk) {
    return decoder_usable(d) || !chunk ? DFY_ERROR_ARGUMENT : d->format->chunk(d->state, index, chunk);
}

/*
 * When some frames were, by their times: recordings have gaps, and cameras are slower than they say. Where a
 * time is lost, what the nominal rate gives is left.
 */
static void time_frames(const DfyDecoder *d, uint64_t from, uint64_t frames, double *start, double *seconds) {
    DfyInfo info;
    int64_t zero, first, last;
    const uint64_t behind = from + frames;
    if (dfy_decoder_info(d, &info) || !frames || behind > info.frames) return;
    if (d->format->time(d->state, 0, &zero) || d->format->time(d->state, from, &first)) return;
    if (d->format->time(d->state, behind < info.frames ? behind : behind - 1, &last)) return;
    double tick = (double)info.time_base_num / info.time_base_den, ticks = (double)last - (double)first;
    /* The file's last frame is shown for as long as these frames are on average. */
    if (behind == info.frames && frames > 1) ticks *= (double)frames / (double)(frames - 1);
    *start = ((double)first - (double)zero) * tick;
    *seconds = ticks * tick;
}

int dfy_decoder_cycle(const DfyDecoder *d, uint32_t index, DfyCycle *cycle) {
    if (decoder_usable(d) || !cycle) return DFY_ERROR_ARGUMENT;
    DfyMessage before = d->message;
    int status = d->format->cycle(d->state, index, cycle);
    if (status || !d->format->time) return status;
    time_frames(d, cycle->first_frame, cycle->frames, &cycle->start_seconds, &cycle->seconds);
    ((DfyDecoder *)d)->message = before; /* a time that is lost is no failure of this call */
    return DFY_OK;
}

/* When an episode was, by the times of its frames; seconds is left as it is where a time is lost. */
static void time_episode(const DfyDecoder *d, const DfyInfo *info, DfyEpisode *episode) {
    int64_t zero, first, last, ticks = info->last_frame_ticks;
    const uint64_t behind = episode->first_frame + episode->frames;
    double tick = (double)info->time_base_num / info->time_base_den;
    double frame = ticks > 0 ? (double)ticks * tick : (double)info->frame_rate_den / info->frame_rate_num;
    if (d->format->time(d->state, 0, &zero) || d->format->time(d->state, episode->first_frame, &first)) return;
    if (d->format->time(d->state, behind < info->frames ? behind : behind - 1, &last)) return;
    episode->start_seconds = (double)(first - zero) * tick;
    episode->seconds = (double)(last - first) * tick + (behind < info->frames ? 0 : frame);
}

int dfy_decoder_episode(const DfyDecoder *d, uint32_t index, DfyEpisode *episode) {
    DfyInfo info;
    if (!episode || dfy_decoder_info(d, &info) || index >= info.episodes) return DFY_ERROR_ARGUMENT;
    int status = d->format->episode(d->state, index, episode);
    if (status) return status;
    DfyMessage before = d->message;
    double frame = (double)info.frame_rate_den / info.frame_rate_num;
    episode->start_seconds = (double)episode->first_frame * frame;
    episode->seconds = (double)episode->frames * frame;
    time_episode(d, &info, episode);
    ((DfyDecoder *)d)->message = before; /* a time that is lost is no failure of this call */
    return DFY_OK;
}

int dfy_decoder_find_episode(DfyDecoder *d, const char *name, DfyEpisode *episode) {
    DfyInfo info;
    if (!name || !episode || dfy_decoder_info(d, &info)) return DFY_ERROR_ARGUMENT;
    for (uint32_t i = 0; i < info.episodes; i++)
        if (!d->format->episode(d->state, i, episode) && !strcmp(episode->name, name))
            return dfy_decoder_episode(d, i, episode);
    return dfy_fail(&d->message, DFY_ERROR_ARGUMENT, "The file has no episode %.*s: it has %u.", DFY_SHOWN_NAME, name,
                    info.episodes);
}

int dfy_decoder_departure(const DfyDecoder *d, uint32_t index, DfyDeparture *departure) {
    if (decoder_usable(d) || !departure || !d->format->departure) return DFY_ERROR_ARGUMENT;
    DfyMessage before = d->message;
    int status = d->format->departure(d->state, index, departure);
    if (status) return status;
    time_frames(d, departure->first_frame, departure->frames, &departure->start_seconds, &departure->seconds);
    ((DfyDecoder *)d)->message = before;
    return DFY_OK;
}

int dfy_decoder_imu(const DfyDecoder *d, uint64_t frame, double quaternion[4]) {
    if (decoder_usable(d) || !quaternion || !d->format->imu) return DFY_ERROR_ARGUMENT;
    return d->format->imu(d->state, frame, quaternion);
}

const char *dfy_decoder_metadata(const DfyDecoder *d) {
    if (decoder_usable(d)) return "{}";
    const char *text = d->format->metadata(d->state);
    return d->format->magic[3] == 1 || dfy_is_json_object(text, strlen(text)) ? text : "{}";
}

int dfy_decoder_sound(const DfyDecoder *d, DfySound *sound) {
    if (decoder_usable(d) || !sound) return DFY_ERROR_ARGUMENT;
    return d->format->sound ? d->format->sound(d->state, sound) : DFY_END;
}

int dfy_decoder_seek_sound(DfyDecoder *d, int64_t ticks) {
    if (decoder_usable(d)) return DFY_ERROR_ARGUMENT;
    return d->format->seek_sound ? d->format->seek_sound(d->state, ticks) : DFY_OK;
}

int dfy_decoder_next_sound(DfyDecoder *d, DfySoundPacket *packet) {
    if (decoder_usable(d) || !packet) return DFY_ERROR_ARGUMENT;
    return d->format->next_sound ? d->format->next_sound(d->state, packet) : DFY_END;
}

int dfy_decoder_verify(DfyDecoder *d) {
    return decoder_usable(d) ? DFY_ERROR_ARGUMENT : d->format->verify(d->state);
}

void dfy_decoder_close(DfyDecoder **decoder) {
    if (!decoder || !*decoder) return;
    if ((*decoder)->state) (*decoder)->format->close((*decoder)->state);
    if ((*decoder)->whole.count || (*decoder)->whole.next.data) dfy_forward_close(&(*decoder)->whole);
    free(*decoder);
    *decoder = NULL;
}
