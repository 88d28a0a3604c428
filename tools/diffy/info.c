/* `diffy info`: what a .dfy file holds, for people, as JSON, and its cycles and departures as CSV. */
#include "json.h"
#include "meaning.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cycles.h"
#include "departures.h"

typedef struct Report {
    const char *path;
    DfyDecoder *decoder;
    DfyInput input;
    DfyInfo info;
    CycleReport cycles;
    double seconds; /* from the first frame to the end of the last, as their times say */
    int chunk_list;
} Report;

/* Bytes and number of the chunks of one type. */
typedef struct TypeTotal {
    const char *name;
    uint32_t type, count;
    uint64_t bytes;
} TypeTotal;

enum { MAX_TYPES = 64 };

static int total_by_type(const Report *r, TypeTotal *totals) {
    int types = 0;
    DfyChunk chunk;
    for (uint32_t i = 0; i < r->info.chunks; i++) {
        if (dfy_decoder_chunk(r->decoder, i, &chunk)) continue;
        int t = 0;
        while (t < types && totals[t].type != chunk.type) t++;
        if (t == MAX_TYPES) continue;
        if (t == types) totals[types++] = (TypeTotal){.name = chunk.name, .type = chunk.type};
        totals[t].count++;
        totals[t].bytes += chunk.payload_bytes;
    }
    return types;
}

static const char *checksum_name(const DfyChunk *chunk) {
    return chunk->damaged ? "damaged" : chunk->has_checksum ? "good" : "none";
}

/* "2026-11-29T12:30:00.000000Z" */
static const char *utc_text(int64_t unix_us, char *text, size_t size) {
    time_t seconds = (time_t)(unix_us / 1000000);
    struct tm parts;
    size_t used = gmtime_r(&seconds, &parts) ? strftime(text, size, "%Y-%m-%dT%H:%M:%S", &parts) : 0;
    if (size > used + 9) snprintf(text + used, size - used, ".%06dZ", (int)(unix_us % 1000000));
    return text;
}

/* ---------------------------------------------------------------- for people */

static void print_cycles(const Report *r) {
    const CycleReport *c = &r->cycles;
    if (!c->count) return;
    printf("cycles      %zu of %u canonicals: mean %.2f s, standard deviation %.2f s, shortest %.2f, longest %.2f\n",
           c->count, r->info.canonicals, c->mean, c->deviation, c->shortest, c->longest);
    if (c->outliers) printf("outliers    %zu cycles of unusual length\n", c->outliers);
    printf("\n  cycle  first frame  frames   start s  length s  canonical  distance\n");
    for (size_t i = 0; i < c->count; i++) {
        const DfyCycle *cycle = &c->cycles[i];
        printf("  %5zu  %11" PRIu64 "  %6" PRIu64 "  %8.2f  %8.2f  %9u  ", i, cycle->first_frame, cycle->frames,
               cycle->start_seconds, cycle->seconds, cycle->canonical);
        if (cycle->distance >= 0)
            printf("%8.2f", cycle->distance);
        else
            printf("%8s", "-");
        printf("%s%s%s\n", cycle->is_canonical ? "  canonical" : "", cycle->is_clone ? "  clone" : "",
               c->is_outlier[i] ? "  outlier" : "");
    }
}

static void print_episodes(const Report *r) {
    DfyEpisode e;
    if (!r->info.episodes) return;
    printf("\n  episode  first frame  frames   start s  length s  name\n");
    for (uint32_t i = 0; i < r->info.episodes; i++)
        if (!dfy_decoder_episode(r->decoder, i, &e))
            printf("  %7u  %11" PRIu64 "  %6" PRIu64 "  %8.2f  %8.2f  %s\n", i, e.first_frame, e.frames,
                   e.start_seconds, e.seconds, e.name);
}

static void print_chunks(const Report *r) {
    TypeTotal totals[MAX_TYPES];
    int types = total_by_type(r, totals);
    printf("\n  chunk type          count       bytes\n");
    for (int i = 0; i < types; i++)
        printf("  0x%02x %-14s %6u  %10" PRIu64 "  %5.1f %%\n", totals[i].type, totals[i].name, totals[i].count,
               totals[i].bytes, 100.0 * (double)totals[i].bytes / (double)r->input.size_bytes);
    if (!r->chunk_list) return;
    printf("\n  chunk      offset     payload  checksum  type\n");
    DfyChunk chunk;
    for (uint32_t i = 0; i < r->info.chunks; i++)
        if (!dfy_decoder_chunk(r->decoder, i, &chunk))
            printf("  %5u  %10" PRIu64 "  %10" PRIu64 "  %-8s  %s\n", i, chunk.offset_bytes, chunk.payload_bytes,
                   checksum_name(&chunk), chunk.name);
}

static void print_colour(const DfyInfo *i) {
    if (i->native_format == DFY_PIXELS_RGB)
        printf("colour      sRGB\n");
    else
        printf("colour      matrix %s, %s range, primaries %s, transfer %s\n", matrix_name((int)i->matrix),
               i->range == DFY_RANGE_FULL ? "full" : "limited", primaries_name(i->primaries),
               transfer_name(i->transfer));
}

static void print_shape(const DfyInfo *i) {
    static const char *const turns[] = {"mirrored",
                                        "by half a turn",
                                        "upside down mirrored",
                                        "transposed",
                                        "by a quarter clockwise",
                                        "transversed",
                                        "by a quarter counter-clockwise"};
    if (i->sample_aspect_num > 0 && i->sample_aspect_num != i->sample_aspect_den)
        printf("pixels      %d:%d (width to height), shown as %.0f x %d\n", i->sample_aspect_num, i->sample_aspect_den,
               (double)i->width * i->sample_aspect_num / i->sample_aspect_den, i->height);
    if (i->orientation > 1) printf("shown       %s\n", turns[i->orientation - 2]);
    if (!i->start_unix_us) return;
    char text[40];
    printf("start       %s\n", utc_text(i->start_unix_us, text, sizeof text));
}

static void print_report(const Report *r) {
    const DfyInfo *i = &r->info;
    double rate = (double)i->frame_rate_num / i->frame_rate_den;
    printf("file        %s, %" PRIu64 " bytes, version %d%s\n", r->path, r->input.size_bytes, i->format,
           i->complete ? "" : ", cut off or never finished");
    printf("pictures    %d x %d, %s, 8 bits\n", i->width, i->height,
           i->native_format == DFY_PIXELS_I420 ? "4:2:0" : "RGB");
    print_colour(i);
    print_shape(i);
    double nominal = (double)i->frames / rate;
    printf("length      %" PRIu64 " frames at %.6g per second, ", i->frames, rate);
    if (fabs(r->seconds - nominal) > nominal / 100)
        printf("nominally %.2f s, %.2f s by their own times", nominal, r->seconds);
    else
        printf("%.2f s", r->seconds);
    if (i->frames_stated != i->frames) printf(" (the header states %" PRIu64 ")", i->frames_stated);
    printf("\n");
    if (i->frames) printf("rate        %.1f bytes a frame\n", (double)r->input.size_bytes / (double)i->frames);
    if (i->lossless)
        printf("quality     lossless, %s\n", i->mode == DFY_MODE_UPLOAD ? "upload" : "training");
    else
        printf("quality     %d, %s\n", i->quality, i->mode == DFY_MODE_UPLOAD ? "upload" : "training");
    DfySound sound;
    if (!dfy_decoder_sound(r->decoder, &sound))
        printf("sound       %s, %d Hz, %d channel%s\n", sound.codec, sound.sample_rate, sound.channels,
               sound.channels > 1 ? "s" : "");
    if (i->access_pictures) printf("access      no frame needs more than %d pictures\n", i->access_pictures);
    if (i->clone_frames) printf("clones      %" PRIu64 " frames show an earlier frame\n", i->clone_frames);
    if (i->imu_samples) printf("IMU         %" PRIu64 " orientations\n", i->imu_samples);
    if (i->episodes) printf("episodes    %u\n", i->episodes);
    print_cycles(r);
    print_episodes(r);
    print_departures(r->decoder);
    print_chunks(r);
}

/* ---------------------------------------------------------------- JSON */

static void add_shape(cJSON *root, const DfyInfo *i) {
    cJSON_AddStringToObject(root, "primaries", primaries_name(i->primaries));
    cJSON_AddStringToObject(root, "transfer", transfer_name(i->transfer));
    cJSON *points = cJSON_AddObjectToObject(root, "h273");
    cJSON_AddNumberToObject(points, "primaries", i->primaries);
    cJSON_AddNumberToObject(points, "transfer", i->transfer);
    cJSON_AddNumberToObject(points, "matrix", (int)i->matrix);
    cJSON_AddBoolToObject(points, "full_range", i->range == DFY_RANGE_FULL);
    cJSON_AddNumberToObject(root, "bit_depth", i->bit_depth);
    cJSON_AddStringToObject(root, "pixels", i->native_format == DFY_PIXELS_I420 ? "4:2:0" : "RGB");
    cJSON_AddNumberToObject(root, "sample_aspect_num", i->sample_aspect_num);
    cJSON_AddNumberToObject(root, "sample_aspect_den", i->sample_aspect_den);
    cJSON_AddNumberToObject(root, "orientation", i->orientation);
    cJSON_AddNumberToObject(root, "last_frame_ticks", (double)i->last_frame_ticks);
    char text[40];
    if (i->start_unix_us)
        cJSON_AddStringToObject(root, "start", utc_text(i->start_unix_us, text, sizeof text));
    else
        cJSON_AddNullToObject(root, "start");
}

static void add_header(cJSON *root, const Report *r) {
    const DfyInfo *i = &r->info;
    cJSON_AddNumberToObject(root, "schema", 1);
    cJSON_AddNumberToObject(root, "bytes", (double)r->input.size_bytes);
    cJSON_AddNumberToObject(root, "format", i->format);
    cJSON_AddBoolToObject(root, "complete", i->complete);
    cJSON_AddNumberToObject(root, "width", i->width);
    cJSON_AddNumberToObject(root, "height", i->height);
    cJSON_AddNumberToObject(root, "frames", (double)i->frames);
    cJSON_AddNumberToObject(root, "frames_stated", (double)i->frames_stated);
    cJSON_AddNumberToObject(root, "frame_rate", (double)i->frame_rate_num / i->frame_rate_den);
    cJSON_AddNumberToObject(root, "seconds", round(r->seconds * 1e6) / 1e6);
    cJSON_AddNumberToObject(root, "frame_rate_num", i->frame_rate_num);
    cJSON_AddNumberToObject(root, "frame_rate_den", i->frame_rate_den);
    cJSON_AddNumberToObject(root, "time_base_num", i->time_base_num);
    cJSON_AddNumberToObject(root, "time_base_den", i->time_base_den);
    cJSON_AddNumberToObject(root, "quality", i->quality);
    cJSON_AddBoolToObject(root, "lossless", i->lossless);
    cJSON_AddStringToObject(root, "mode", i->mode == DFY_MODE_UPLOAD ? "upload" : "training");
    cJSON_AddStringToObject(root, "matrix", matrix_name((int)i->matrix));
    cJSON_AddStringToObject(root, "range", i->range == DFY_RANGE_FULL ? "full" : "limited");
    add_shape(root, i);
    cJSON_AddNumberToObject(root, "access_pictures", i->access_pictures);
    cJSON_AddNumberToObject(root, "clone_frames", (double)i->clone_frames);
    cJSON_AddNumberToObject(root, "imu_samples", (double)i->imu_samples);
    cJSON_AddNumberToObject(root, "canonicals", i->canonicals);
}

static void add_sound(cJSON *root, const Report *r) {
    DfySound sound;
    if (dfy_decoder_sound(r->decoder, &sound)) {
        cJSON_AddNullToObject(root, "sound");
        return;
    }
    cJSON *item = cJSON_AddObjectToObject(root, "sound");
    cJSON_AddStringToObject(item, "codec", sound.codec);
    cJSON_AddNumberToObject(item, "sample_rate", sound.sample_rate);
    cJSON_AddNumberToObject(item, "channels", sound.channels);
}

static void add_chunks(cJSON *root, const Report *r) {
    cJSON *chunks = cJSON_AddArrayToObject(root, "chunks");
    DfyChunk chunk;
    for (uint32_t i = 0; i < r->info.chunks; i++) {
        if (dfy_decoder_chunk(r->decoder, i, &chunk)) continue;
        cJSON *item = cJSON_CreateObject();
        cJSON_AddNumberToObject(item, "type", chunk.type);
        cJSON_AddStringToObject(item, "name", chunk.name);
        cJSON_AddNumberToObject(item, "offset", (double)chunk.offset_bytes);
        cJSON_AddNumberToObject(item, "bytes", (double)chunk.payload_bytes);
        cJSON_AddStringToObject(item, "checksum", checksum_name(&chunk));
        json_put(chunks, NULL, item);
    }
    TypeTotal totals[MAX_TYPES];
    int types = total_by_type(r, totals);
    cJSON *by_type = cJSON_AddArrayToObject(root, "chunk_types");
    for (int i = 0; i < types; i++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddNumberToObject(item, "type", totals[i].type);
        cJSON_AddStringToObject(item, "name", totals[i].name);
        cJSON_AddNumberToObject(item, "count", totals[i].count);
        cJSON_AddNumberToObject(item, "bytes", (double)totals[i].bytes);
        json_put(by_type, NULL, item);
    }
}

static void add_cycle(cJSON *list, const CycleReport *report, size_t index) {
    const DfyCycle *cycle = &report->cycles[index];
    cJSON *item = cJSON_CreateObject();
    cJSON_AddNumberToObject(item, "first_frame", (double)cycle->first_frame);
    cJSON_AddNumberToObject(item, "frames", (double)cycle->frames);
    cJSON_AddNumberToObject(item, "start_seconds", cycle->start_seconds);
    cJSON_AddNumberToObject(item, "seconds", cycle->seconds);
    cJSON_AddNumberToObject(item, "canonical", cycle->canonical);
    cJSON_AddBoolToObject(item, "is_canonical", cycle->is_canonical);
    cJSON_AddBoolToObject(item, "is_clone", cycle->is_clone);
    if (cycle->distance >= 0)
        cJSON_AddNumberToObject(item, "distance", cycle->distance);
    else
        cJSON_AddNullToObject(item, "distance");
    cJSON_AddBoolToObject(item, "is_outlier", report->is_outlier[index]);
    json_put(list, NULL, item);
}

static void add_cycles(cJSON *root, const CycleReport *c) {
    cJSON *list = cJSON_AddArrayToObject(root, "cycles");
    for (size_t i = 0; i < c->count; i++) add_cycle(list, c, i);
    cJSON *lengths = cJSON_AddObjectToObject(root, "cycle_seconds");
    cJSON_AddNumberToObject(lengths, "mean", c->mean);
    cJSON_AddNumberToObject(lengths, "deviation", c->deviation);
    cJSON_AddNumberToObject(lengths, "shortest", c->shortest);
    cJSON_AddNumberToObject(lengths, "longest", c->longest);
    cJSON_AddNumberToObject(lengths, "outliers", (double)c->outliers);
}

static void add_episodes(cJSON *root, const Report *r) {
    cJSON *list = cJSON_AddArrayToObject(root, "episodes");
    DfyEpisode e;
    for (uint32_t i = 0; i < r->info.episodes; i++) {
        if (dfy_decoder_episode(r->decoder, i, &e)) continue;
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "name", e.name);
        cJSON_AddNumberToObject(item, "first_frame", (double)e.first_frame);
        cJSON_AddNumberToObject(item, "frames", (double)e.frames);
        cJSON_AddNumberToObject(item, "start_seconds", e.start_seconds);
        cJSON_AddNumberToObject(item, "seconds", e.seconds);
        cJSON_AddItemToArray(list, item);
    }
}

static int print_json(const Report *r) {
    json_begin();
    cJSON *root = cJSON_CreateObject();
    add_header(root, r);
    add_sound(root, r);
    cJSON *metadata = cJSON_Parse(dfy_decoder_metadata(r->decoder));
    json_put(root, "metadata", metadata ? metadata : cJSON_CreateObject());
    add_cycles(root, &r->cycles);
    add_episodes(root, r);
    add_departures(root, r->decoder);
    add_chunks(root, r);
    return json_print(root);
}

/* ---------------------------------------------------------------- the command */

static int write_cycles(const CycleReport *report, const char *path) {
    OutputFile file;
    if (output_open(&file, path)) return STATUS_FAILED;
    fputs("cycle,first_frame,frames,start_seconds,seconds,canonical,is_canonical,is_clone,distance,is_outlier\n",
          file.stream);
    for (size_t i = 0; i < report->count; i++) {
        const DfyCycle *c = &report->cycles[i];
        fprintf(file.stream, "%zu,%" PRIu64 ",%" PRIu64 ",%.6f,%.6f,%u,%d,%d,", i, c->first_frame, c->frames,
                c->start_seconds, c->seconds, c->canonical, c->is_canonical, c->is_clone);
        if (c->distance >= 0) fprintf(file.stream, "%.4f", c->distance);
        fprintf(file.stream, ",%d\n", report->is_outlier[i]);
    }
    return output_keep(&file);
}

/*
 * From the first frame to the end of the last, as their times say. Without the file's word the last lasts a frame at
 * the nominal rate; where the times can't be read that has to do for all.
 */
static double seconds_of(DfyDecoder *decoder, const DfyInfo *info) {
    double frame = (double)info->frame_rate_den / info->frame_rate_num, nominal = (double)info->frames * frame;
    if (info->time_base_num < 1 || info->time_base_den < 1 || !info->frames) return nominal;
    double tick = (double)info->time_base_num / info->time_base_den;
    if (info->last_frame_ticks > 0) frame = (double)info->last_frame_ticks * tick;
    int64_t first, last;
    if (dfy_decoder_time(decoder, 0, &first) || dfy_decoder_time(decoder, info->frames - 1, &last)) return nominal;
    return (double)(last - first) * tick + frame;
}

/* Into files of their own, which must not be the input. */
static int write_lists(const Report *r, const char *cycles_path, const char *departures_path) {
    if (cycles_path && output_spares(cycles_path, r->path)) return STATUS_FAILED;
    if (departures_path && output_spares(departures_path, r->path)) return STATUS_FAILED;
    if (cycles_path && write_cycles(&r->cycles, cycles_path)) return STATUS_FAILED;
    return departures_path ? write_departures(r->decoder, departures_path) : STATUS_GOOD;
}

static int is_stdout(const char *path) {
    return path && !strcmp(path, "-");
}

static int report(Report *r, int json, const char *cycles_path, const char *departures_path) {
    if (decoder_open(&r->decoder, &r->input, r->path, NULL)) return STATUS_FAILED;
    dfy_decoder_info(r->decoder, &r->info);
    r->seconds = seconds_of(r->decoder, &r->info);
    if (cycle_report_make(&r->cycles, r->decoder)) return STATUS_FAILED;
    if (write_lists(r, cycles_path, departures_path)) return STATUS_FAILED;
    if (json) return print_json(r);
    if (!is_stdout(cycles_path) && !is_stdout(departures_path)) print_report(r);
    return STATUS_GOOD;
}

int run_info(int argc, char **argv) {
    Report r = {0};
    int json = 0;
    const char *cycles_path = NULL, *departures_path = NULL;
    const Option options[] = {
        {"--json", NULL, OPTION_FLAG, &json, NULL, "print everything as JSON", 0, 0},
        {"--cycles", NULL, OPTION_TEXT, &cycles_path, "CSV", "write the cycles to this file", 0, 0},
        {"--departures", NULL, OPTION_TEXT, &departures_path, "CSV", "write departures from the routine to this file",
         0, 0},
        {"--chunks", NULL, OPTION_FLAG, &r.chunk_list, NULL, "list every chunk, not just the totals by type", 0, 0},
    };
    const Usage usage = {
        "diffy info [options] INPUT.dfy",
        "Prints a .dfy file's header, its chunks by type, and its cycles: where each begins, how long it\ntakes, which "
        "canonical cycle it repeats and how much it differs from it; the mean, standard\ndeviation and outliers of "
        "their lengths; and where the work left its routine. Use `diffy verify`\nto check checksums.\n",
        options,
        sizeof options / sizeof *options,
        1,
        1};
    int status = parse_options(&usage, argc, argv, &r.path);
    if (status != PARSE_GO_ON) return status;
    status = report(&r, json, cycles_path, departures_path);
    cycle_report_free(&r.cycles);
    dfy_decoder_close(&r.decoder);
    input_close(&r.input);
    return status;
}
