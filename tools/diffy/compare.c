/*
 * `diffy compare`: PSNR of Y, U and V and SSIM of Y, a frame and overall, of any two inputs, paired by frame number.
 * Overall PSNR comes from the squared errors summed over all frames, not from the mean of the frames' PSNR.
 */
#include "measure.h"
#include "source.h"

#include <math.h>
#include <string.h>

#include <cjson/cJSON.h>

typedef struct Comparison {
    Source reference, other;
    OwnPicture converted[2];
    Measure total;
    double ssim_sum;
    uint64_t frames, reference_frames, other_frames;
    int frame_limit, json, quiet;
    cJSON *frame_list;
} Comparison;

/* Infinite for identical pictures: null in JSON, "inf" in text. */
static void add_measure(cJSON *object, const Measure *measure, double ssim) {
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
}

static void tell_frame(Comparison *c, const Measure *measure, double ssim) {
    if (c->json) {
        cJSON *frame = cJSON_CreateObject();
        cJSON_AddNumberToObject(frame, "frame", (double)c->frames);
        add_measure(frame, measure, ssim);
        cJSON_AddItemToArray(c->frame_list, frame);
    } else if (!c->quiet) {
        printf("%8llu  %7.3f %7.3f %7.3f  %.5f\n", (unsigned long long)c->frames, measure_psnr(measure, 0),
               measure_psnr(measure, 1), measure_psnr(measure, 2), ssim);
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

static int compare_pair(Comparison *c, DfyPicture *reference, DfyPicture *other) {
    if (reference->width != other->width || reference->height != other->height)
        return complain("The pictures are %d x %d and %d x %d pixels: only equal sizes can be compared.",
                        reference->width, reference->height, other->width, other->height);
    if (as_comparable(c, reference, other)) return STATUS_FAILED;
    Measure measure;
    measure_squared_error(&measure, reference, other);
    double ssim = measure_ssim(reference, other);
    tell_frame(c, &measure, ssim);
    measure_add(&c->total, &measure);
    c->ssim_sum += ssim;
    c->frames++;
    return STATUS_GOOD;
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

static void tell_total(Comparison *c) {
    double ssim = c->ssim_sum / (double)c->frames;
    if (!c->json) {
        printf("all %llu frames: PSNR Y %.3f U %.3f V %.3f dB, SSIM Y %.5f\n", (unsigned long long)c->frames,
               measure_psnr(&c->total, 0), measure_psnr(&c->total, 1), measure_psnr(&c->total, 2), ssim);
        return;
    }
    cJSON *all = cJSON_CreateObject();
    cJSON_AddNumberToObject(all, "frames", (double)c->frames);
    cJSON_AddNumberToObject(all, "reference_frames", (double)c->reference_frames);
    cJSON_AddNumberToObject(all, "other_frames", (double)c->other_frames);
    add_measure(all, &c->total, ssim);
    cJSON_AddItemToObject(all, "per_frame", c->frame_list);
    c->frame_list = NULL;
    char *text = cJSON_Print(all);
    if (text) puts(text);
    cJSON_free(text);
    cJSON_Delete(all);
}

static int compare(Comparison *c, const char *reference, const char *other) {
    if (!strcmp(reference, "-") && !strcmp(other, "-"))
        return complain_usage("Only one of the two inputs can be stdin.");
    if (source_open(&c->reference, reference) || source_open(&c->other, other)) return STATUS_FAILED;
    if (c->reference.facts.format == DFY_PIXELS_I420 && c->other.facts.format == DFY_PIXELS_I420 &&
        c->reference.facts.range != c->other.facts.range)
        warn("One of the inputs says full range, the other limited: the samples are compared as they are.");
    if (c->json)
        c->frame_list = cJSON_CreateArray();
    else if (!c->quiet)
        printf("%8s  %7s %7s %7s  %s\n", "frame", "PSNR Y", "U", "V", "SSIM Y");
    if (compare_all(c)) return STATUS_FAILED;
    if (!c->frames) return complain("There is no frame to compare in %s or %s.", reference, other);
    tell_total(c);
    if (c->reference_frames != c->other_frames)
        return complain("%s has %llu frames, %s %llu: the first %llu were compared.", reference,
                        (unsigned long long)c->reference_frames, other, (unsigned long long)c->other_frames,
                        (unsigned long long)c->frames);
    return STATUS_GOOD;
}

int run_compare(int argc, char **argv) {
    Comparison c = {0};
    const Option options[] = {
        {"--json", NULL, OPTION_FLAG, &c.json, NULL, "the same as JSON; PSNR is null where nothing differs", 0, 0},
        {"--summary", NULL, OPTION_FLAG, &c.quiet, NULL, "only the line over all frames", 0, 0},
        {"--frames", NULL, OPTION_INT, &c.frame_limit, "N", "compares the first N frames", 1, INT32_MAX},
    };
    const Usage usage = {
        "diffy compare [options] REFERENCE OTHER",
        "Measures PSNR of Y, U and V and SSIM of Y for each frame and overall. The inputs may be any that\n"
        "`diffy encode` takes, or .dfy files; frames are paired by number.\n",
        options,
        sizeof options / sizeof *options,
        2,
        2};
    const char *paths[2];
    int status = parse_options(&usage, argc, argv, paths);
    if (status != PARSE_GO_ON) return status;
    status = compare(&c, paths[0], paths[1]);
    cJSON_Delete(c.frame_list);
    own_picture_free(&c.converted[0]);
    own_picture_free(&c.converted[1]);
    source_close(&c.reference);
    source_close(&c.other);
    return status;
}
