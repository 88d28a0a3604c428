/* A .dfy file as an input like any other: to compare it, or to encode it again. */
#include "meaning.h"

#include <stdlib.h>
#include <string.h>

typedef struct DfySource {
    DfyInput input;
    DfyDecoder *decoder;
    const char *path;
    double tick, shown; /* seconds a tick, and of the last picture */
    int no_audio, ended;
    DfySoundPacket packet; /* read, but not due yet, if waits */
    int waits;
    uint32_t episode; /* the next to begin */
    DfyEpisode begun;
    int begins; /* the picture given last is its first */
} DfySource;

static int probe_dfy(const SourceProbe *probe) {
    return !memcmp(probe->head, "DFY", 3) && probe->head[3] < 32;
}

static int open_dfy(void **state, const char *path, const SourceOptions *options, SourceFacts *facts) {
    DfySource *source = *state = calloc(1, sizeof *source);
    if (!source) return complain("There is no memory left to open %s.", path);
    source->path = path;
    source->no_audio = options->no_audio;
    if (decoder_open(&source->decoder, &source->input, path, NULL)) return STATUS_FAILED;
    DfyInfo info;
    dfy_decoder_info(source->decoder, &info);
    source->tick = info.time_base_den > 0 ? (double)info.time_base_num / info.time_base_den : 0;
    *facts = (SourceFacts){.width = info.width,
                           .height = info.height,
                           .rate_num = info.frame_rate_num,
                           .rate_den = info.frame_rate_den,
                           .time_base_num = info.time_base_num,
                           .time_base_den = info.time_base_den,
                           .expected_frames = info.frames,
                           .primaries = info.primaries,
                           .transfer = info.transfer,
                           .matrix = info.matrix,
                           .range = info.range,
                           .sample_aspect_num = info.sample_aspect_num,
                           .sample_aspect_den = info.sample_aspect_den,
                           .orientation = info.orientation,
                           .start_unix_us = info.start_unix_us,
                           .format = info.native_format};
    if (info.native_format == DFY_PIXELS_RGB)
        colour_of_rgb(facts, info.height);
    else
        colour_settle(facts, info.height);
    return STATUS_GOOD;
}

static int next_dfy(void *state, DfyPicture *picture) {
    DfySource *source = state;
    uint64_t frame = dfy_decoder_position(source->decoder);
    int status = dfy_decoder_next(source->decoder, picture);
    source->begins = 0;
    DfyEpisode next;
    while (status == DFY_OK && !dfy_decoder_episode(source->decoder, source->episode, &next) &&
           next.first_frame <= frame) {
        source->begun = next;
        source->begins = 1;
        source->episode++;
    }
    if (status == DFY_OK) source->shown = (double)picture->pts * source->tick;
    source->ended = status == DFY_END;
    if (status < 0) complain("%s: %s", source->path, dfy_last_message(source->decoder));
    return status;
}

static const char *episode_dfy(const void *state) {
    const DfySource *source = state;
    return source->begins ? source->begun.name : NULL;
}

static void close_dfy(void *state) {
    DfySource *source = state;
    dfy_decoder_close(&source->decoder);
    input_close(&source->input);
    free(source);
}

static int sound_dfy(const void *state, DfySound *sound) {
    const DfySource *source = state;
    return source->no_audio ? DFY_END : dfy_decoder_sound(source->decoder, sound);
}

/* Packets up to the picture that comes next; those behind the last picture come when it has. */
static int next_sound_dfy(void *state, DfySoundPacket *packet) {
    DfySource *source = state;
    DfySound sound;
    if (source->no_audio || dfy_decoder_sound(source->decoder, &sound)) return DFY_END;
    while (!source->waits) {
        int status = dfy_decoder_next_sound(source->decoder, &source->packet);
        if (status == DFY_END) return status;
        source->waits = !status;
    }
    double time = (double)source->packet.pts * sound.time_base_num / sound.time_base_den;
    if (!source->ended && time > source->shown) return DFY_END;
    *packet = source->packet;
    source->waits = 0;
    return DFY_OK;
}

static int64_t last_ticks_dfy(const void *state) {
    const DfySource *source = state;
    DfyInfo info;
    return dfy_decoder_info(source->decoder, &info) ? 0 : info.last_frame_ticks;
}

const SourceFormat source_dfy = {.name = ".dfy",
                                 .probe = probe_dfy,
                                 .open = open_dfy,
                                 .next = next_dfy,
                                 .close = close_dfy,
                                 .last_ticks = last_ticks_dfy,
                                 .sound = sound_dfy,
                                 .next_sound = next_sound_dfy,
                                 .episode = episode_dfy};
