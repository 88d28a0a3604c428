/*
 * SOG (PlayCanvas), bundled: a zip of lossless WebP images, a pixel a splat, and meta.json with ranges and codebooks.
 * Version 2. Positions are two bytes an axis of sign(x) ln(1 + |x|); scales, first colours and the palette of the other
 * colours are numbers in codebooks. Coordinates are those of training, as here.
 */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "splat/formats/files.h"
#include "splat/formats/sog.h"

enum {
    MOST_JSON = 1 << 24,
    MOST_IMAGE = 1 << 28,
    SPLATS_A_BYTE = 64 /* that a file is believed: images of one colour are few bytes whatever their size */
};

typedef struct Reader {
    const uint8_t *data;
    size_t size;
    cJSON *meta;
    uint32_t count;
    DfyMessage *message;
} Reader;

static int broken(const Reader *r, const char *what) {
    return dfy_fail(r->message, DFY_ERROR_DAMAGED, "The .sog file is damaged or not complete: %s.", what);
}

/* The image that the i-th name of an object's "files" names. */
static int read_image(const Reader *r, DfyImage *image, const cJSON *object, int i) {
    const cJSON *name = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(object, "files"), i);
    DfyBuffer file = {0};
    *image = (DfyImage){0};
    if (!cJSON_IsString(name)) return broken(r, "meta.json names too few images");
    int status = dfy_zip_read(&file, r->data, r->size, name->valuestring, MOST_IMAGE);
    if (!status) status = dfy_webp_read(image, file.data, file.size, (uint64_t)r->count * 4 + (1 << 21));
    dfy_buffer_free(&file);
    if (status == DFY_ERROR_UNSUPPORTED)
        return dfy_fail(r->message, status, "This build can't read WebP images, which .sog files are made of.");
    if (status == DFY_ERROR_ARGUMENT)
        return dfy_fail(r->message, DFY_ERROR_DAMAGED, "The .sog file has no image \"%.60s\": it is not complete.",
                        name->valuestring);
    if (status)
        return dfy_fail(r->message, status, "The .sog file's image \"%.60s\" can't be unpacked: it is damaged.",
                        name->valuestring);
    return DFY_OK;
}

/* The same with a pixel for each splat at least. */
static int read_pixels(const Reader *r, DfyImage *image, const char *key, int i) {
    int status = read_image(r, image, cJSON_GetObjectItemCaseSensitive(r->meta, key), i);
    if (!status && (uint64_t)image->width * image->height < r->count)
        status = broken(r, "an image has fewer pixels than there are splats");
    return status;
}

/* `count` numbers of an array. */
static int read_numbers(const Reader *r, const cJSON *object, const char *key, double *numbers, int count) {
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(object, key), *item;
    int at = 0;
    cJSON_ArrayForEach(item, array) if (at < count && cJSON_IsNumber(item)) numbers[at++] = item->valuedouble;
    return at == count ? DFY_OK : broken(r, "meta.json lacks numbers");
}

static double unlog(double n) {
    return n < 0 ? 1 - exp(-n) : exp(n) - 1;
}

static int read_means(const Reader *r, DfySplats *s) {
    const cJSON *means = cJSON_GetObjectItemCaseSensitive(r->meta, "means");
    DfyImage low = {0}, high = {0};
    double least[3], most[3];
    int status = read_numbers(r, means, "mins", least, 3);
    if (!status) status = read_numbers(r, means, "maxs", most, 3);
    if (!status) status = read_pixels(r, &low, "means", 0);
    if (!status) status = read_pixels(r, &high, "means", 1);
    for (size_t i = 0; !status && i < s->count; i++)
        for (size_t k = 0; k < 3; k++) {
            double part = (high.rgba[i * 4 + k] << 8 | low.rgba[i * 4 + k]) / 65535.0;
            s->xyz[i * 3 + k] = (float)unlog(least[k] + (most[k] - least[k]) * part);
        }
    free(low.rgba);
    free(high.rgba);
    return status;
}

/* Which component was left out is in alpha: 252 for w, then x, y, z; the others stand in that order. */
static int read_turns(const Reader *r, DfySplats *s) {
    DfyImage image = {0};
    int status = read_pixels(r, &image, "quats", 0);
    for (size_t i = 0; !status && i < s->count; i++) {
        const uint8_t *pixel = image.rgba + i * 4;
        float *q = s->rotation + i * 4;
        int left_out = pixel[3] - 252, at = 0;
        double sum = 0;
        if (left_out < 0) {
            status = broken(r, "a rotation has an unknown mode");
            break;
        }
        for (int k = 0; k < 4; k++) {
            if (k == left_out) continue;
            double value = (pixel[at++] / 255.0 - 0.5) * sqrt(2);
            q[k] = (float)value;
            sum += value * value;
        }
        q[left_out] = (float)sqrt(sum < 1 ? 1 - sum : 0);
    }
    free(image.rgba);
    return status;
}

static int read_scales(const Reader *r, DfySplats *s) {
    DfyImage image = {0};
    double book[256];
    int status = read_numbers(r, cJSON_GetObjectItemCaseSensitive(r->meta, "scales"), "codebook", book, 256);
    if (!status) status = read_pixels(r, &image, "scales", 0);
    for (size_t i = 0; !status && i < s->count; i++)
        for (size_t k = 0; k < 3; k++) s->scale[i * 3 + k] = (float)book[image.rgba[i * 4 + k]];
    free(image.rgba);
    return status;
}

static int read_colours(const Reader *r, DfySplats *s) {
    DfyImage image = {0};
    double book[256];
    int status = read_numbers(r, cJSON_GetObjectItemCaseSensitive(r->meta, "sh0"), "codebook", book, 256);
    if (!status) status = read_pixels(r, &image, "sh0", 0);
    for (size_t i = 0; !status && i < s->count; i++) {
        for (size_t k = 0; k < 3; k++) s->dc[i * 3 + k] = (float)book[image.rgba[i * 4 + k]];
        s->opacity[i] = (float)dfy_logit(image.rgba[i * 4 + 3] / 255.0);
    }
    free(image.rgba);
    return status;
}

static int read_palette(const Reader *r, DfySplats *s, const cJSON *sh) {
    DfyImage palette = {0}, labels = {0};
    double book[256];
    size_t rest = (size_t)dfy_splat_rest(s->degree);
    int status = read_numbers(r, sh, "codebook", book, 256);
    if (!status) status = read_image(r, &palette, sh, 0);
    if (!status) status = read_pixels(r, &labels, "shN", 1);
    if (!status && palette.width < DFY_SOG_ROW * rest) status = broken(r, "the palette of colours is too narrow");
    for (size_t i = 0; !status && i < s->count; i++) {
        size_t label = labels.rgba[i * 4] | (size_t)labels.rgba[i * 4 + 1] << 8, row = label / DFY_SOG_ROW;
        if (row >= palette.height) {
            status = broken(r, "a splat's colour is outside the palette");
            break;
        }
        const uint8_t *pixel = palette.rgba + (row * palette.width + label % DFY_SOG_ROW * rest) * 4;
        for (size_t k = 0; k < rest; k++)
            for (size_t c = 0; c < 3; c++) s->rest[(i * 3 + c) * rest + k] = (float)book[pixel[k * 4 + c]];
    }
    free(palette.rgba);
    free(labels.rgba);
    return status;
}

/* The degree of the colours beyond the first; negative when it is none. */
static int degree_of(const cJSON *sh) {
    if (!sh) return 0;
    const cJSON *bands = cJSON_GetObjectItemCaseSensitive(sh, "bands");
    double degree = cJSON_IsNumber(bands) ? bands->valuedouble : 0;
    return degree >= 1 && degree <= 3 ? (int)degree : -1;
}

static int read_all(Reader *r, DfySplats *s, DfyMessage *notes) {
    const cJSON *version = cJSON_GetObjectItemCaseSensitive(r->meta, "version");
    const cJSON *count = cJSON_GetObjectItemCaseSensitive(r->meta, "count");
    const cJSON *sh = cJSON_GetObjectItemCaseSensitive(r->meta, "shN");
    int degree = degree_of(sh);
    if (!cJSON_IsNumber(version) || (int)version->valuedouble != 2)
        return dfy_fail(r->message, DFY_ERROR_UNSUPPORTED, "This .sog file is not of version 2, the one supported.");
    if (!cJSON_IsNumber(count) || !(count->valuedouble >= 0 && count->valuedouble <= DFY_SPLAT_MAX_COUNT) || degree < 0)
        return broken(r, "meta.json has an impossible number");
    r->count = (uint32_t)count->valuedouble;
    if (r->count / SPLATS_A_BYTE > r->size) return broken(r, "it claims more splats than its bytes can stand for");
    /* One image is unpacked before any memory is asked for that the count calls for. */
    DfyImage first = {0};
    int status = read_pixels(r, &first, "means", 0);
    free(first.rgba);
    if (!status) status = dfy_splats_alloc(s, r->count, degree, r->message);
    if (!status) status = read_means(r, s);
    if (!status) status = read_turns(r, s);
    if (!status) status = read_scales(r, s);
    if (!status) status = read_colours(r, s);
    if (!status && degree) status = read_palette(r, s, sh);
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(r->meta, "antialias")))
        dfy_note(notes, "the mark that the model was trained with antialiasing");
    return status;
}

int dfy_read_sog(DfySplats *s, const uint8_t *data, size_t size_bytes, DfyMessage *notes, DfyMessage *message) {
    Reader r = {.data = data, .size = size_bytes, .message = message};
    DfyBuffer json = {0};
    int status = dfy_zip_read(&json, data, size_bytes, "meta.json", MOST_JSON);
    if (status == DFY_ERROR_ARGUMENT)
        return dfy_fail(message, DFY_ERROR_FORMAT, "This zip is no .sog model: it has no meta.json.");
    if (status) {
        dfy_buffer_free(&json);
        return broken(&r, "meta.json or the zip's directory can't be read");
    }
    r.meta = cJSON_ParseWithLength((const char *)json.data, json.size);
    status = r.meta ? read_all(&r, s, notes) : broken(&r, "meta.json is no JSON");
    cJSON_Delete(r.meta);
    dfy_buffer_free(&json);
    return status;
}
