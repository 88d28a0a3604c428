/* `diffy decode`: a .dfy file to Y4M, images or MP4. Lost pictures are replaced, so that frame numbers stay right. */
#include "sink.h"

#include <stdlib.h>
#include <string.h>

typedef struct DecodeOptions {
    const char *range, *images, *progress;
    int unwarp, threads;
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
} Decoding;

static const char usage_text[] =
    "INPUT   a .dfy file\n"
    "OUTPUT  .y4m, - (Y4M on stdout), .mp4, .zip of images, or folder/ of images; complete or not there\n"
    "        Y4M has the size, rate and number of frames of what was encoded.\n";

static int parse(DecodeOptions *o, int argc, char **argv, const char **paths) {
    *o = (DecodeOptions){.images = "png", .progress = "auto"};
    const Option options[] = {
        {"--frames", NULL, OPTION_TEXT, &o->range, "A:B", "frames A up to, not including, B; the first is 0", 0, 0},
        {"--images", NULL, OPTION_TEXT, &o->images, "png|jpg", "images of a folder or zip (default png)", 0, 0},
        {"--unwarp", NULL, OPTION_FLAG, &o->unwarp, NULL, "undoes the warp of a file made with --imu", 0, 0},
        {"--threads", NULL, OPTION_INT, &o->threads, "N", "0: as many as there are processors (default)", 0, 64},
        {"--memory-limit", NULL, OPTION_BYTES, &o->memory_limit, "BYTES", "what may be held, as 4G (default 1G)", 0, 0},
        {"--progress", NULL, OPTION_TEXT, &o->progress, "auto|always|never", "the line on the terminal", 0, 0},
    };
    const Usage usage = {"diffy decode [options] INPUT.dfy OUTPUT", usage_text, options,
                         sizeof options / sizeof *options,          2,          2};
    return parse_options(&usage, argc, argv, paths);
}

/* "A:B", "A:", ":B" or "A" (that frame alone). */
static int parse_range(Decoding *d, const char *path) {
    d->end = d->info.frames;
    const char *text = d->options.range;
    if (!text) return STATUS_GOOD;
    char *end;
    const char *colon = strchr(text, ':');
    d->first = colon == text ? 0 : strtoull(text, &end, 10);
    int bad = text[0] == '-' || (colon != text && end != (colon ? colon : text + strlen(text)));
    if (!colon) {
        d->end = d->first + 1;
    } else if (colon[1]) {
        d->end = strtoull(colon + 1, &end, 10);
        bad |= *end != 0 || colon[1] == '-';
    }
    if (bad) return complain_usage("--frames %s is not A:B, two frame numbers counted from 0.", text);
    if (d->first >= d->end || d->end > d->info.frames)
        return complain("%s has frames 0 to %llu: --frames %s is outside.", path,
                        (unsigned long long)(d->info.frames ? d->info.frames - 1 : 0), text);
    return STATUS_GOOD;
}

static int remember(Decoding *d, const DfyPicture *picture) {
    if (!d->last.memory && own_picture_alloc(&d->last, picture->format, picture->width, picture->height))
        return STATUS_FAILED;
    DfyPicture *to = &d->last.picture;
    for (int i = 0; i < (to->format == DFY_PIXELS_I420 ? 3 : 1); i++) {
        size_t row = (size_t)to->stride_bytes[i];
        for (int y = 0; y < (i ? (to->height + 1) / 2 : to->height); y++)
            memcpy(to->plane[i] + (size_t)y * row, picture->plane[i] + y * picture->stride_bytes[i], row);
    }
    to->pts = picture->pts;
    to->matrix = picture->matrix;
    to->range = picture->range;
    return STATUS_GOOD;
}

/* A grey picture, for a file whose first frames are lost. */
static int remember_grey(Decoding *d) {
    if (own_picture_alloc(&d->last, DFY_PIXELS_I420, d->info.width, d->info.height)) return STATUS_FAILED;
    const DfyPicture *p = &d->last.picture;
    memset(d->last.memory, 128,
           (size_t)(p->plane[2] - p->plane[0]) + (size_t)p->stride_bytes[2] * (size_t)((p->height + 1) / 2));
    d->last.picture.matrix = d->info.matrix;
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

static int decode_frames(Decoding *d, const char *path) {
    uint64_t count = d->end - d->first;
    int64_t first_pts = 0;
    while (d->done < count && !interrupted()) {
        DfyPicture picture;
        int status = dfy_decoder_next(d->decoder, &picture);
        if (status == DFY_END) {
            if (replace_lost(d, d->end, path)) return STATUS_FAILED;
            break;
        }
        if (status == DFY_ERROR_DAMAGED) {
            if (replace_lost(d, dfy_decoder_position(d->decoder), path)) return STATUS_FAILED;
            continue;
        }
        if (status) return complain("%s: %s", path, dfy_last_message(d->decoder));
        if (d->done == 0) first_pts = picture.pts;
        picture.pts -= first_pts;
        if (sink_push(&d->sink, &picture)) return STATUS_FAILED;
        d->done++;
        if (remember(d, &picture)) return STATUS_FAILED;
        progress_show(&d->progress, "decoding", d->done, count);
    }
    return STATUS_GOOD;
}

static void sink_facts(const Decoding *d, SourceFacts *facts) {
    const DfyInfo *info = &d->info;
    *facts = (SourceFacts){.width = info->width,
                           .height = info->height,
                           .rate_num = info->frame_rate_num,
                           .rate_den = info->frame_rate_den,
                           .time_base_num = info->time_base_num,
                           .time_base_den = info->time_base_den,
                           .expected_frames = d->end - d->first,
                           .matrix = info->matrix,
                           .range = info->range,
                           .format = info->native_format};
    /* Version 1 holds RGB: what Y4M and MP4 make of it is what their readers take for granted. */
    if (info->native_format != DFY_PIXELS_I420) {
        facts->matrix = DFY_MATRIX_UNKNOWN;
        facts->range = DFY_RANGE_LIMITED;
    }
    if (facts->time_base_num < 1 || facts->time_base_den < 1) {
        facts->time_base_num = info->frame_rate_den;
        facts->time_base_den = info->frame_rate_num;
    }
}

static int decode(Decoding *d, const char *input, const char *output) {
    DfyDecoderSettings settings;
    dfy_decoder_defaults(&settings);
    settings.threads = d->options.threads;
    settings.unwarp = d->options.unwarp;
    if (d->options.memory_limit) settings.memory_limit_bytes = d->options.memory_limit;
    if (output_spares(output, input)) return STATUS_FAILED;
    if (decoder_open(&d->decoder, &d->input, input, &settings)) return STATUS_FAILED;
    dfy_decoder_info(d->decoder, &d->info);
    if (!d->info.frames)
        return complain("%s holds no frames%s.", input,
                        d->info.complete ? "" : " that are whole: it was cut too early");
    int status = parse_range(d, input);
    if (status) return status;
    if (d->first > 0 && dfy_decoder_seek(d->decoder, d->first))
        return complain("%s: %s", input, dfy_last_message(d->decoder));
    SourceFacts facts;
    sink_facts(d, &facts);
    SinkOptions options = {.images = !strcmp(d->options.images, "jpg") ? IMAGE_JPEG : IMAGE_PNG,
                           .first_frame = d->first};
    status = sink_open(&d->sink, output, &facts, &options);
    if (status) return status;
    interrupt_watch();
    progress_start(&d->progress, d->options.progress);
    if (decode_frames(d, input)) return STATUS_FAILED;
    progress_end(&d->progress);
    if (!d->done) return complain("Stopped before the first frame: %s is not written.", output);
    if (sink_keep(&d->sink)) return STATUS_FAILED;
    if (d->lost == d->done) return complain("%s is damaged: no frame could be read, and %s is grey.", input, output);
    if (d->lost)
        return complain("%s is damaged: %llu of %llu frames in %s repeat the frame before them.", input,
                        (unsigned long long)d->lost, (unsigned long long)d->done, output);
    if (!d->info.complete && !d->options.range)
        warn("%s was cut or never finished: its first %llu frames are all that is there.", input,
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
