/* `diffy decode`: a .dfy file to Y4M, images or MP4. Lost pictures are replaced, so that frame numbers stay right. */
#include "meaning.h"
#include "page.h"
#include "sink.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct DecodeOptions {
    const char *range, *episode, *images, *progress;
    int unwarp, grain, threads, no_audio;
    uint64_t memory_limit;
} DecodeOptions;

typedef struct Decoding {
    DecodeOptions options;
    DfyInput input;
    DfyDecoder *decoder;
    DfyInfo info;
    Sink sink;
    Progress progress;
    OwnPicture last; /* stands in for pictures that were lost */
    uint64_t first, end, done, lost;
    DfySound sound;
    DfySoundPacket packet; /* read, but not due yet, if sound_waits */
    int has_sound, sound_waits, sound_lost;
    int64_t sound_start; /* in its ticks, where the pictures begin */
    double shown;        /* seconds of the last picture */
} Decoding;

static const char usage_text[] =
    "INPUT   a .dfy file, or - for stdin\nOUTPUT  .y4m, - (Y4M on stdout), .mp4, .zip of images, folder/ of images, or "
    ".html: a web page with the video\n        inside that plays in any browser, even offline. The output appears only "
    "when it is complete.\n        Y4M has the original size, frame rate and number of frames.\n";

static int parse(DecodeOptions *o, int argc, char **argv, const char **paths) {
    *o = (DecodeOptions){.images = "png", .progress = "auto"};
    const Option options[] = {
        {"--frames", NULL, OPTION_TEXT, &o->range, "A:B", "frames A up to but not including B, counted from 0", 0, 0},
        {"--episode", NULL, OPTION_TEXT, &o->episode, "NAME",
         "only this episode; --frames then counts from its first frame", 0, 0},
        {"--images", NULL, OPTION_TEXT, &o->images, "png|jpg", "image format in a folder or zip (default png)", 0, 0},
        {"--no-audio", NULL, OPTION_FLAG, &o->no_audio, NULL, "leave the sound out of an MP4", 0, 0},
        {"--unwarp", NULL, OPTION_FLAG, &o->unwarp, NULL,
         "stabilise the picture of a file made with --imu; borders that the camera did not see are black;\n"
         "                             format 1: undo the warp of the encoder",
         0, 0},
        {"--grain", NULL, OPTION_FLAG, &o->grain, NULL, "add noise like the camera's, for viewing; not for data sets",
         0, 0},
        {"--threads", NULL, OPTION_INT, &o->threads, "N", "0: one per processor (default)", 0, 64},
        {"--memory-limit", NULL, OPTION_BYTES, &o->memory_limit, "BYTES", "memory limit, such as 4G (default 1G)", 0,
         0},
        {"--progress", NULL, OPTION_TEXT, &o->progress, "auto|always|never", "progress line on the terminal", 0, 0},
    };
    const Usage usage = {"diffy decode [options] INPUT.dfy OUTPUT", usage_text, options,
                         sizeof options / sizeof *options,          2,          2};
    return parse_options(&usage, argc, argv, paths);
}

/* The range that --episode names. */
static int find_episode(Decoding *d, const char *path) {
    DfyEpisode episode;
    if (d->input.size_bytes == DFY_FORWARD_ONLY) return complain("--episode needs a file: save stdin to a file first.");
    if (dfy_decoder_find_episode(d->decoder, d->options.episode, &episode))
        return complain("%s: %s", path, dfy_last_message(d->decoder));
    d->first = episode.first_frame;
    d->end = episode.first_frame + episode.frames;
    return STATUS_GOOD;
}

/* "A:B", "A:", ":B" or "A" (that frame alone), of the file or the episode. */
static int parse_range(Decoding *d, const char *path) {
    d->end = d->input.size_bytes == DFY_FORWARD_ONLY ? UINT64_MAX : d->info.frames;
    if (d->options.episode && find_episode(d, path)) return STATUS_FAILED;
    const uint64_t base = d->first, most = d->end;
    const char *text = d->options.range;
    if (!text) return STATUS_GOOD;
    char *end;
    const char *colon = strchr(text, ':');
    uint64_t first = colon == text ? 0 : strtoull(text, &end, 10), behind = most - base;
    int bad = text[0] == '-' || (colon != text && end != (colon ? colon : text + strlen(text)));
    if (!colon) {
        behind = first + 1;
    } else if (colon[1]) {
        behind = strtoull(colon + 1, &end, 10);
        bad |= *end != 0 || colon[1] == '-';
    }
    if (bad) return complain_usage("--frames %s is not A:B, two frame numbers counted from 0.", text);
    if (first >= behind || (behind > most - base && d->input.size_bytes != DFY_FORWARD_ONLY))
        return complain("%s has frames 0 to %llu: --frames %s is outside.",
                        d->options.episode ? d->options.episode : path,
                        (unsigned long long)(most > base ? most - base - 1 : 0), text);
    d->first = base + first;
    d->end = base + behind;
    return STATUS_GOOD;
}

static int remember(Decoding *d, const DfyPicture *picture) {
    if (!d->last.memory && own_picture_alloc(&d->last, picture->format, picture->width, picture->height))
        return STATUS_FAILED;
    DfyPicture *to = &d->last.picture;
    for (int i = 0; i < (to->format == DFY_PIXELS_I420 ? 3 : 1); i++) {
        size_t row = (size_t)to->stride_bytes[i];
        for (int y = 0; y < (i ? (to->height + 1) / 2 : to->height); y++)
            memcpy(dfy_picture_pixels(to, i) + (size_t)y * row, picture->plane[i] + y * picture->stride_bytes[i], row);
    }
    to->pts = picture->pts;
    to->matrix = picture->matrix;
    to->range = picture->range;
    return STATUS_GOOD;
}

/* A grey picture, for a file whose first frames are lost. */
static int remember_grey(Decoding *d) {
    if (own_picture_alloc(&d->last, d->info.native_format, d->info.width, d->info.height)) return STATUS_FAILED;
    const DfyPicture *p = &d->last.picture;
    for (int i = 0; i < (p->format == DFY_PIXELS_I420 ? 3 : 1); i++)
        memset(dfy_picture_pixels(p, i), 128,
               (size_t)p->stride_bytes[i] * (size_t)(i ? (p->height + 1) / 2 : p->height));
    d->last.picture.matrix = d->info.matrix;
    d->last.picture.range = d->info.range;
    return STATUS_GOOD;
}

/* Repeats the last picture for the frames that the decoder stepped over. */
static int replace_lost(Decoding *d, uint64_t until, const char *path) {
    uint64_t at = d->first + d->done;
    if (until > d->end) until = d->end;
    if (until <= at) return STATUS_GOOD;
    if (!d->last.memory && remember_grey(d)) return STATUS_FAILED;
    const char *message = dfy_last_message(d->decoder);
    if (message[0])
        warn("%s: %s", path, message);
    else
        warn("%s: frames %llu to %llu are lost.", path, (unsigned long long)at, (unsigned long long)until - 1);
    for (; at < until; at++, d->done++, d->lost++) {
        d->last.picture.pts++;
        if (sink_push(&d->sink, &d->last.picture)) return STATUS_FAILED;
    }
    return STATUS_GOOD;
}

/* Packets of sound that are heard before that many seconds of the file. */
static int copy_sound(Decoding *d, double until) {
    double tick = (double)d->sound.time_base_num / d->sound.time_base_den;
    while (d->has_sound) {
        if (!d->sound_waits) {
            int status = dfy_decoder_next_sound(d->decoder, &d->packet);
            if (status == DFY_ERROR_DAMAGED) {
                d->sound_lost = 1;
                continue;
            }
            if (status == DFY_END) d->has_sound = 0;
            if (status) return status == DFY_END ? STATUS_GOOD : complain("%s", dfy_last_message(d->decoder));
            d->sound_waits = 1;
        }
        if ((double)d->packet.pts * tick >= until) return STATUS_GOOD;
        DfySoundPacket packet = d->packet;
        packet.pts -= d->sound_start;
        d->sound_waits = 0;
        if (sink_push_sound(&d->sink, &packet)) return STATUS_FAILED;
    }
    return STATUS_GOOD;
}

/* Sets the sound to where the pictures begin. */
static int start_sound(Decoding *d, int64_t first_pts) {
    if (!d->has_sound || !d->first) return STATUS_GOOD;
    double seconds = (double)first_pts * d->info.time_base_num / d->info.time_base_den;
    d->sound_start = (int64_t)(seconds * d->sound.time_base_den / d->sound.time_base_num + 0.5);
    if (dfy_decoder_seek_sound(d->decoder, d->sound_start)) return complain("%s", dfy_last_message(d->decoder));
    return STATUS_GOOD;
}

/* How many frames there are, once what comes through stdin has come to its end. */
static int learn_end(Decoding *d) {
    dfy_decoder_info(d->decoder, &d->info);
    if (d->end <= d->info.frames) return STATUS_GOOD;
    if (d->end != UINT64_MAX)
        return complain("stdin has frames 0 to %llu: --frames %s is outside.",
                        (unsigned long long)(d->info.frames ? d->info.frames - 1 : 0), d->options.range);
    d->end = d->info.frames;
    return STATUS_GOOD;
}

static int decode_frames(Decoding *d, const char *path) {
    const uint64_t count = d->end == UINT64_MAX ? 0 : d->end - d->first; /* 0: not known */
    int64_t first_pts = 0;
    while (d->done < d->end - d->first && !interrupted()) {
        DfyPicture picture;
        int status = dfy_decoder_next(d->decoder, &picture);
        if (status == DFY_END) {
            if (learn_end(d)) return STATUS_FAILED;
            if (replace_lost(d, d->end, path)) return STATUS_FAILED;
            break;
        }
        if (status == DFY_ERROR_DAMAGED) {
            if (replace_lost(d, dfy_decoder_position(d->decoder), path)) return STATUS_FAILED;
            continue;
        }
        if (status) return complain("%s: %s", path, dfy_last_message(d->decoder));
        if (d->done == 0) {
            first_pts = picture.pts;
            if (start_sound(d, first_pts)) return STATUS_FAILED;
        }
        double seconds = (double)picture.pts * d->info.time_base_num / d->info.time_base_den;
        picture.pts -= first_pts;
        if (copy_sound(d, seconds) || sink_push(&d->sink, &picture)) return STATUS_FAILED;
        d->done++;
        if (remember(d, &picture)) return STATUS_FAILED;
        d->shown = seconds;
        progress_show(&d->progress, "decoding", d->done, count);
    }
    /* Of a part its own sound, of the whole file all there is. */
    double frame = (double)d->info.frame_rate_den / d->info.frame_rate_num;
    return copy_sound(d, d->end == d->info.frames && !interrupted() ? HUGE_VAL : d->shown + frame);
}

static void sink_facts(const Decoding *d, SourceFacts *facts) {
    const DfyInfo *info = &d->info;
    *facts = (SourceFacts){.width = info->width,
                           .height = info->height,
                           .rate_num = info->frame_rate_num,
                           .rate_den = info->frame_rate_den,
                           .time_base_num = info->time_base_num,
                           .time_base_den = info->time_base_den,
                           .expected_frames = d->end == UINT64_MAX ? 0 : d->end - d->first,
                           .primaries = info->primaries,
                           .transfer = info->transfer,
                           .matrix = info->matrix,
                           .range = info->range,
                           .sample_aspect_num = info->sample_aspect_num,
                           .sample_aspect_den = info->sample_aspect_den,
                           .orientation = info->orientation,
                           .start_unix_us = info->start_unix_us,
                           .format = info->native_format};
    if (info->native_format == DFY_PIXELS_I420)
        colour_settle(facts, info->height);
    else
        colour_of_rgb(facts, info->height); /* version 1: what becomes of it in Y4M and MP4 */
    facts->last_ticks = d->end == info->frames ? info->last_frame_ticks : 0;
    if (facts->time_base_num < 1 || facts->time_base_den < 1) {
        facts->time_base_num = info->frame_rate_den;
        facts->time_base_den = info->frame_rate_num;
    }
}

static int open_stdin(Decoding *d, const DfyDecoderSettings *settings) {
    if (input_open_stdin(&d->input)) return STATUS_FAILED;
    if (dfy_decoder_open(&d->decoder, &d->input, settings)) return complain("stdin: %s", dfy_last_message(d->decoder));
    return STATUS_GOOD;
}

static int says_noise(const Decoding *d) {
    DfyChunk chunk;
    for (uint32_t i = 0; !dfy_decoder_chunk(d->decoder, i, &chunk); i++)
        if (!strcmp(chunk.name, "GRAIN")) return 1;
    return d->input.size_bytes == DFY_FORWARD_ONLY; /* it may yet */
}

static int decode(Decoding *d, const char *input, const char *output) {
    DfyDecoderSettings settings;
    dfy_decoder_defaults(&settings);
    settings.threads = d->options.threads;
    settings.unwarp = d->options.unwarp;
    if (d->options.memory_limit) settings.memory_limit_bytes = d->options.memory_limit;
    if (output_spares(output, input)) return STATUS_FAILED;
    if (!strcmp(input, "-") ? open_stdin(d, &settings) : decoder_open(&d->decoder, &d->input, input, &settings))
        return STATUS_FAILED;
    dfy_decoder_info(d->decoder, &d->info);
    if (!d->info.frames)
        return complain("%s has no frames%s.", input,
                        d->info.complete ? "" : " that are intact: it is cut off too early");
    if (has_extension(output, "html")) {
        if (d->input.size_bytes == DFY_FORWARD_ONLY)
            return complain("A web page needs a file: save stdin to a file first.");
        if (d->options.range || d->options.episode)
            return complain_usage("A web page contains the whole file: leave out --frames and --episode.");
        if (d->options.grain) return complain_usage("A web page contains the file as it is: leave out --grain.");
        return page_write(input, output);
    }
    if (d->options.grain && !says_noise(d))
        warn("%s stores nothing about noise: the pictures are written without it.", input);
    if (d->options.grain && d->info.format > 1) dfy_decoder_set_grain(d->decoder, 1);
    int status = parse_range(d, input);
    if (status) return status;
    if (d->first > 0 && dfy_decoder_seek(d->decoder, d->first))
        return complain("%s: %s", input, dfy_last_message(d->decoder));
    SourceFacts facts;
    sink_facts(d, &facts);
    SinkOptions options = {.images = !strcmp(d->options.images, "jpg") ? IMAGE_JPEG : IMAGE_PNG,
                           .first_frame = d->first};
    d->has_sound = !d->options.no_audio && !dfy_decoder_sound(d->decoder, &d->sound);
    if (d->has_sound) options.sound = &d->sound;
    status = sink_open(&d->sink, output, &facts, &options);
    d->has_sound = !status && d->has_sound && sink_has_sound(&d->sink);
    if (status) return status;
    interrupt_watch();
    progress_start(&d->progress, d->options.progress);
    if (decode_frames(d, input)) return STATUS_FAILED;
    progress_end(&d->progress);
    if (!d->done) return complain("Stopped before the first frame: %s was not written.", output);
    if (d->sound_lost) warn("%s is damaged: some of its sound is lost.", input);
    if (sink_keep(&d->sink)) return STATUS_FAILED;
    if (d->lost == d->done) return complain("%s is damaged: no frame could be read, and %s is grey.", input, output);
    if (d->lost)
        return complain("%s is damaged: %llu of %llu frames in %s repeat the frame before them.", input,
                        (unsigned long long)d->lost, (unsigned long long)d->done, output);
    if (!d->info.complete && !d->options.range && !d->options.episode)
        warn("%s is cut off or was never finished: it has only the first %llu frames.", input,
             (unsigned long long)d->info.frames);
    if (interrupted())
        return complain("Stopped after frame %llu: %s is complete up to there.",
                        (unsigned long long)(d->first + d->done), output);
    return STATUS_GOOD;
}

int run_decode(int argc, char **argv) {
    Decoding d = {0};
    const char *paths[2];
    int status = parse(&d.options, argc, argv, paths);
    if (status != PARSE_GO_ON) return status;
    status = decode(&d, paths[0], paths[1]);
    progress_end(&d.progress);
    sink_close(&d.sink);
    own_picture_free(&d.last);
    dfy_decoder_close(&d.decoder);
    input_close(&d.input);
    return status;
}
