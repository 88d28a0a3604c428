/*
 * `diffy compare`: PSNR of Y, U and V, SSIM and MS-SSIM of Y, a frame and overall, of any two inputs, paired by frame
 * number. Overall PSNR comes from the squared errors summed over all frames, not from the mean of the frames' PSNR;
 * overall SSIM and MS-SSIM are the means of the frames'.
 */
#include "json.h"
#include "measure.h"
#include "ms_ssim.h"
#include "source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Comparison {
    Source reference, other;
    OwnPicture converted[2];
    Measure total, moving;
    MsSsim scales;
    uint8_t *before; /* luma of the reference's last frame; NULL: moving blocks are not measured, or there was none */
    int wants_moving;
    double ssim_sum, ms_ssim_sum;
    uint64_t frames, reference_frames, other_frames;
    int frame_limit, json, quiet;
    cJSON *frame_list;
} Comparison;

/* Infinite for identical pictures: null in JSON, "inf" in text. */
static void add_measure(cJSON *object, const Measure *measure, double ssim, double ms_ssim) {
    static const char *const names[3][2] = {{"psnr_y", "mse_y"}, {"psnr_u", "mse_u"}, {"psnr_v", "mse_v"}};
    for (int i = 0; i < 3; i++) {
        double psnr = measure_psnr(measure, i);
        if (isinf(psnr))
            cJSON_AddNullToObject(object, names[i][0]);
        else
            cJSON_AddNumberToObject(object, names[i][0], round(psnr * 1e4) / 1e4);
        cJSON_AddNumberToObject(object, names[i][1], measure_mse(measure, i));
    }
    cJSON_AddNumberToObject(object, "ssim_y", round(ssim * 1e6) / 1e6);
    if (isnan(ms_ssim)) /* the picture is too small for a window */
        cJSON_AddNullToObject(object, "ms_ssim_y");
    else
        cJSON_AddNumberToObject(object, "ms_ssim_y", round(ms_ssim * 1e6) / 1e6);
}

/* As text; of a picture too small for it a dash. */
static const char *ms_ssim_text(char text[16], double ms_ssim) {
    if (isnan(ms_ssim)) return "-";
    snprintf(text, 16, "%.5f", ms_ssim);
    return text;
}

static void tell_frame(Comparison *c, const Measure *measure, double ssim, double ms_ssim) {
    char text[16];
    if (c->json) {
        cJSON *frame = cJSON_CreateObject();
        cJSON_AddNumberToObject(frame, "frame", (double)c->frames);
        add_measure(frame, measure, ssim, ms_ssim);
        json_put(c->frame_list, NULL, frame);
    } else if (!c->quiet) {
        printf("%8llu  %7.3f %7.3f %7.3f  %.5f    %s\n", (unsigned long long)c->frames, measure_psnr(measure, 0),
               measure_psnr(measure, 1), measure_psnr(measure, 2), ssim, ms_ssim_text(text, ms_ssim));
    }
}

/* Both as I420, an RGB one in the other's colours. Sample values are compared as they are, whatever their range says.
 */
static int as_comparable(Comparison *c, DfyPicture *reference, DfyPicture *other) {
    DfyMatrix matrix = reference->format == DFY_PIXELS_I420 ? reference->matrix : other->matrix;
    DfyRange range = reference->format == DFY_PIXELS_I420 ? reference->range : other->range;
    DfyPicture from = *reference;
    if (picture_as(reference, &c->converted[0], &from, DFY_PIXELS_I420, matrix, range)) return STATUS_FAILED;
    from = *other;
    return picture_as(other, &c->converted[1], &from, DFY_PIXELS_I420, matrix, range);
}

static int no_memory(const DfyPicture *picture) {
    return complain("There is no memory left to compare pictures of %d x %d pixels.", picture->width, picture->height);
}

static int add_moving(Comparison *c, const DfyPicture *reference, const DfyPicture *other) {
    size_t width = (size_t)reference->width, height = (size_t)reference->height;
    Measure measure;
    if (c->before) {
        measure_moving(&measure, c->before, reference, other);
        measure_add(&c->moving, &measure);
    } else if (!(c->before = malloc(width * height))) {
        return no_memory(reference);
    }
    for (size_t y = 0; y < height; y++)
        memcpy(c->before + y * width, reference->plane[0] + (ptrdiff_t)y * reference->stride_bytes[0], width);
    return STATUS_GOOD;
}

static int compare_pair(Comparison *c, DfyPicture *reference, DfyPicture *other) {
    if (reference->width != other->width || reference->height != other->height)
        return complain("The pictures are %d x %d and %d x %d pixels: only equal sizes can be compared.",
                        reference->width, reference->height, other->width, other->height);
    if (as_comparable(c, reference, other)) return STATUS_FAILED;
    Measure measure;
    measure_squared_error(&measure, reference, other);
    double ssim = measure_ssim(reference, other), ms_ssim = measure_ms_ssim(&c->scales, reference, other);
    if (ms_ssim < 0) return no_memory(reference);
    tell_frame(c, &measure, ssim, ms_ssim);
    measure_add(&c->total, &measure);
    c->ssim_sum += ssim;
    c->ms_ssim_sum += ms_ssim;
    c->frames++;
    return c->wants_moving ? add_moving(c, reference, other) : STATUS_GOOD;
}

/* Frames that are left in source, so that different lengths are told. */
static int count_rest(Source *source, uint64_t *frames) {
    DfyPicture picture;
    int status;
    while ((status = source_next(source, &picture)) == DFY_OK) ++*frames;
    return status < 0;
}

static int compare_all(Comparison *c) {
    DfyPicture reference, other;
    while (c->frame_limit < 1 || c->frames < (uint64_t)c->frame_limit) {
        int a = source_next(&c->reference, &reference), b = source_next(&c->other, &other);
        if (a < 0 || b < 0) return STATUS_FAILED;
        c->reference_frames += a == DFY_OK;
        c->other_frames += b == DFY_OK;
        if (a == DFY_END && b == DFY_END) break;
        if (a == DFY_END) return count_rest(&c->other, &c->other_frames);
        if (b == DFY_END) return count_rest(&c->reference, &c->reference_frames);
        if (compare_pair(c, &reference, &other)) return STATUS_FAILED;
    }
    return STATUS_GOOD;
}

static int tell_total(Comparison *c) {
    double ssim = c->ssim_sum / (double)c->frames, ms_ssim = c->ms_ssim_sum / (double)c->frames;
    double moving_ssim = c->moving.windows ? c->moving.ssim_sum / (double)c->moving.windows : 0;
    char text[16];
    if (!c->json) {
        printf("all %llu frames: PSNR Y %.3f U %.3f V %.3f dB, SSIM Y %.5f, MS-SSIM Y %s\n",
               (unsigned long long)c->frames, measure_psnr(&c->total, 0), measure_psnr(&c->total, 1),
               measure_psnr(&c->total, 2), ssim, ms_ssim_text(text, ms_ssim));
        if (c->moving.samples[0]) printf("moving blocks: PSNR Y %.3f dB", measure_psnr(&c->moving, 0));
        if (c->moving.windows) printf(", SSIM Y %.5f", moving_ssim);
        if (c->moving.samples[0]) putchar('\n');
        return STATUS_GOOD;
    }
    cJSON *all = cJSON_CreateObject();
    cJSON_AddNumberToObject(all, "frames", (double)c->frames);
    cJSON_AddNumberToObject(all, "reference_frames", (double)c->reference_frames);
    cJSON_AddNumberToObject(all, "other_frames", (double)c->other_frames);
    add_measure(all, &c->total, ssim, ms_ssim);
    if (c->wants_moving) {
        cJSON_AddNumberToObject(all, "moving_samples", (double)c->moving.samples[0]);
        cJSON_AddNumberToObject(all, "moving_mse_y", c->moving.samples[0] ? measure_mse(&c->moving, 0) : 0);
        if (c->moving.windows)
            cJSON_AddNumberToObject(all, "moving_ssim_y", round(moving_ssim * 1e6) / 1e6);
        else
            cJSON_AddNullToObject(all, "moving_ssim_y");
    }
    json_put(all, "per_frame", c->frame_list);
    c->frame_list = NULL;
    return json_print(all);
}

static int compare(Comparison *c, const char *reference, const char *other) {
    if (!strcmp(reference, "-") && !strcmp(other, "-"))
        return complain_usage("Only one of the two inputs can be stdin.");
    if (source_open(&c->reference, reference, NULL) || source_open(&c->other, other, NULL)) return STATUS_FAILED;
    if (c->reference.facts.format == DFY_PIXELS_I420 && c->other.facts.format == DFY_PIXELS_I420 &&
        c->reference.facts.range != c->other.facts.range)
        warn("One input is full range, the other limited range: sample values are compared unchanged.");
    if (c->json) json_begin();
    if (c->json)
        c->frame_list = cJSON_CreateArray();
    else if (!c->quiet)
        printf("%8s  %7s %7s %7s  %-7s    %s\n", "frame", "PSNR Y", "U", "V", "SSIM Y", "MS-SSIM Y");
    if (compare_all(c)) return STATUS_FAILED;
    if (!c->frames) return complain("There are no frames to compare in %s or %s.", reference, other);
    if (tell_total(c)) return STATUS_FAILED;
    if (c->reference_frames != c->other_frames)
        return complain("%s has %llu frames, %s has %llu: compared the first %llu.", reference,
                        (unsigned long long)c->reference_frames, other, (unsigned long long)c->other_frames,
                        (unsigned long long)c->frames);
    return STATUS_GOOD;
}

int run_compare(int argc, char **argv) {
    Comparison c = {0};
    const Option options[] = {
        {"--json", NULL, OPTION_FLAG, &c.json, NULL, "print JSON; PSNR is null where nothing differs", 0, 0},
        {"--summary", NULL, OPTION_FLAG, &c.quiet, NULL, "print only the summary line", 0, 0},
        {"--moving", NULL, OPTION_FLAG, &c.wants_moving, NULL,
         "also report luma for only the blocks that move in REFERENCE", 0, 0},
        {"--frames", NULL, OPTION_INT, &c.frame_limit, "N", "compare only the first N frames", 1, INT32_MAX},
    };
    const Usage usage = {
        "diffy compare [options] REFERENCE OTHER",
        "Measures the PSNR of Y, U and V and the SSIM and MS-SSIM of Y, per frame and overall. An input is\n"
        "anything that `diffy encode` reads, or a .dfy file. Frames are paired by number.\n",
        options,
        sizeof options / sizeof *options,
        2,
        2};
    const char *paths[2];
    int status = parse_options(&usage, argc, argv, paths);
    if (status != PARSE_GO_ON) return status;
    status = compare(&c, paths[0], paths[1]);
    cJSON_Delete(c.frame_list);
    free(c.before);
    ms_ssim_free(&c.scales);
    own_picture_free(&c.converted[0]);
    own_picture_free(&c.converted[1]);
    source_close(&c.reference);
    source_close(&c.other);
    return status;
}
