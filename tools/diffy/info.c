/* `diffy info`: what a .dfy file holds, for people, as JSON, and its cycles as CSV. */
#include "cli.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cycles.h"

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

static const char *matrix_name(DfyMatrix matrix) {
    switch (matrix) {
    case DFY_MATRIX_BT709: return "BT.709";
    case DFY_MATRIX_BT601: return "BT.601";
    case DFY_MATRIX_BT2020: return "BT.2020";
    default: return "unknown";
    }
}

static const char *checksum_name(const DfyChunk *chunk) {
    return chunk->damaged ? "damaged" : chunk->has_checksum ? "good" : "none";
}

/* ---------------------------------------------------------------- for people */

static void print_cycles(const Report *r) {
    const CycleReport *c = &r->cycles;
    if (!c->count) return;
    printf("cycles      %zu of %u canonicals: mean %.2f s, deviation %.2f s, shortest %.2f, longest %.2f\n", c->count,
           r->info.canonicals, c->mean, c->deviation, c->shortest, c->longest);
    if (c->outliers) printf("outliers    %zu cycles stand apart in length\n", c->outliers);
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

static void print_report(const Report *r) {
    const DfyInfo *i = &r->info;
    double rate = (double)i->frame_rate_num / i->frame_rate_den;
    printf("file        %s, %" PRIu64 " bytes, version %d%s\n", r->path, r->input.size_bytes, i->format,
           i->complete ? "" : ", cut or never finished");
    printf("pictures    %d x %d, %s, %s range, matrix %s\n", i->width, i->height,
           i->native_format == DFY_PIXELS_I420 ? "4:2:0" : "RGB", i->range == DFY_RANGE_FULL ? "full" : "limited",
           matrix_name(i->matrix));
    double nominal = (double)i->frames / rate;
    printf("length      %" PRIu64 " frames at %.6g a second, ", i->frames, rate);
    if (fabs(r->seconds - nominal) > nominal / 100)
        printf("nominally %.2f s, by their own times %.2f s", nominal, r->seconds);
    else
        printf("%.2f s", r->seconds);
    if (i->frames_stated != i->frames) printf(" (the header states %" PRIu64 ")", i->frames_stated);
    printf("\n");
    if (i->frames) printf("rate        %.1f bytes a frame\n", (double)r->input.size_bytes / (double)i->frames);
    if (i->lossless)
        printf("quality     lossless, %s\n", i->mode == DFY_MODE_UPLOAD ? "upload" : "training");
    else
        printf("quality     %d, %s\n", i->quality, i->mode == DFY_MODE_UPLOAD ? "upload" : "training");
    if (i->clone_frames) printf("clones      %" PRIu64 " frames show earlier ones\n", i->clone_frames);
    if (i->imu_samples) printf("IMU         %" PRIu64 " orientations\n", i->imu_samples);
    print_cycles(r);
    print_chunks(r);
}

/* ---------------------------------------------------------------- JSON */

static void add_header(cJSON *root, const Report *r) {
    const DfyInfo *i = &r->info;
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
    cJSON_AddStringToObject(root, "matrix", matrix_name(i->matrix));
    cJSON_AddStringToObject(root, "range", i->range == DFY_RANGE_FULL ? "full" : "limited");
    cJSON_AddNumberToObject(root, "clone_frames", (double)i->clone_frames);
    cJSON_AddNumberToObject(root, "imu_samples", (double)i->imu_samples);
    cJSON_AddNumberToObject(root, "canonicals", i->canonicals);
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
        cJSON_AddItemToArray(chunks, item);
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
        cJSON_AddItemToArray(by_type, item);
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
    cJSON_AddItemToArray(list, item);
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

static int print_json(const Report *r) {
    cJSON *root = cJSON_CreateObject();
    add_header(root, r);
    cJSON *metadata = cJSON_Parse(dfy_decoder_metadata(r->decoder));
    cJSON_AddItemToObject(root, "metadata", metadata ? metadata : cJSON_CreateObject());
    add_cycles(root, &r->cycles);
    add_chunks(root, r);
    char *text = cJSON_Print(root);
    cJSON_Delete(root);
    if (!text) return complain("There is no memory left to describe %s.", r->path);
    puts(text);
    cJSON_free(text);
    return STATUS_GOOD;
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

/* Only the last frame itself tells its time; where it can't be decoded, or a tick is a frame, the rate has to do. */
static double seconds_of(DfyDecoder *decoder, const DfyInfo *info) {
    double frame = (double)info->frame_rate_den / info->frame_rate_num, nominal = (double)info->frames * frame;
    int uniform =
        (int64_t)info->time_base_num * info->frame_rate_num == (int64_t)info->time_base_den * info->frame_rate_den;
    DfyPicture picture;
    if (info->frames < 2 || info->time_base_den < 1 || uniform || dfy_decoder_next(decoder, &picture)) return nominal;
    int64_t first = picture.pts;
    if (dfy_decoder_seek(decoder, info->frames - 1) || dfy_decoder_next(decoder, &picture)) return nominal;
    return (double)(picture.pts - first) * info->time_base_num / info->time_base_den + frame;
}

static int report(Report *r, int json, const char *cycles_path) {
    if (decoder_open(&r->decoder, &r->input, r->path, NULL)) return STATUS_FAILED;
    dfy_decoder_info(r->decoder, &r->info);
    r->seconds = seconds_of(r->decoder, &r->info);
    if (cycle_report_make(&r->cycles, r->decoder)) return STATUS_FAILED;
    if (cycles_path && output_spares(cycles_path, r->path)) return STATUS_FAILED;
    if (cycles_path && write_cycles(&r->cycles, cycles_path)) return STATUS_FAILED;
    if (json) return print_json(r);
    if (!cycles_path || strcmp(cycles_path, "-")) print_report(r);
    return STATUS_GOOD;
}

int run_info(int argc, char **argv) {
    Report r = {0};
    int json = 0;
    const char *cycles_path = NULL;
    const Option options[] = {
        {"--json", NULL, OPTION_FLAG, &json, NULL, "everything, as JSON", 0, 0},
        {"--cycles", NULL, OPTION_TEXT, &cycles_path, "CSV", "writes the cycles into this file", 0, 0},
        {"--chunks", NULL, OPTION_FLAG, &r.chunk_list, NULL, "lists every chunk, not only the sums by type", 0, 0},
    };
    const Usage usage = {
        "diffy info [options] INPUT.dfy",
        "Tells a .dfy file's header, its chunks by type, and its cycles: where each begins, how long it\n"
        "takes, which canonical it follows and how far it is from it; mean, deviation and outliers of\n"
        "their lengths. Checksums are checked by `diffy verify`.\n",
        options,
        sizeof options / sizeof *options,
        1,
        1};
    int status = parse_options(&usage, argc, argv, &r.path);
    if (status != PARSE_GO_ON) return status;
    status = report(&r, json, cycles_path);
    cycle_report_free(&r.cycles);
    dfy_decoder_close(&r.decoder);
    input_close(&r.input);
    return status;
}
