/*
 * SOG, writing; see sog.c. Codebooks of single numbers are found by k-means over all of them; the palette of colours is
 * one too, of whole rows, and its numbers again stand in a codebook.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "splat/formats/files.h"
#include "splat/formats/json_out.h"
#include "splat/formats/sog.h"
#include "splat/vqxyz/vq.h"

enum { BOOK = 256, ROUNDS = 100, PALETTE_MOST = 8192, SPLATS_AN_ENTRY = 4, LEAST_ENTRIES = 64 };

typedef struct Writer {
    const DfySplats *s;
    DfyZip zip;
    cJSON *meta;
    uint32_t width, height;
    int failed; /* there was no memory for some of meta */
} Writer;

static cJSON *put_object(Writer *w, const char *key) {
    return dfy_json_put(&w->failed, w->meta, key, cJSON_CreateObject());
}

static void put_number(Writer *w, cJSON *object, const char *key, double number) {
    dfy_json_put(&w->failed, object, key, cJSON_CreateNumber(number));
}

static int new_image(DfyImage *image, uint32_t width, uint32_t height) {
    *image = (DfyImage){malloc((size_t)width * height * 4), width, height};
    if (!image->rgba) return DFY_ERROR_MEMORY;
    memset(image->rgba, 0xFF, (size_t)width * height * 4);
    return DFY_OK;
}

/* Adds an image to the zip and its name to an object's "files"; frees it. */
static int put_image(Writer *w, cJSON *object, const char *name, DfyImage *image) {
    DfyBuffer file = {0};
    int status = dfy_webp_write(image, &file);
    if (!status && file.failed) status = DFY_ERROR_MEMORY;
    if (!status) dfy_zip_add(&w->zip, name, file.data, file.size);
    dfy_buffer_free(&file);
    free(image->rgba);
    image->rgba = NULL;
    cJSON *files = cJSON_GetObjectItemCaseSensitive(object, "files");
    if (!files) files = dfy_json_put(&w->failed, object, "files", cJSON_CreateArray());
    dfy_json_put(&w->failed, files, NULL, cJSON_CreateString(name));
    return status;
}

static void put_numbers(Writer *w, cJSON *object, const char *key, const float *numbers, int count) {
    dfy_json_put(&w->failed, object, key, cJSON_CreateFloatArray(numbers, count));
}

/* ---------------------------------------------------------------- codebooks */

static int by_value(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* A codebook of BOOK single numbers, ascending. */
static int fit_book(float book[BOOK], const float *values, size_t count) {
    DfyVqSettings settings = {BOOK, ROUNDS, 1e-6, 1};
    float *usable = malloc((count ? count : 1) * sizeof *usable);
    size_t n = 0;
    if (!usable) return DFY_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++)
        if (isfinite(values[i])) usable[n++] = values[i];
    int entries = dfy_vq_fit(book, usable, n, 1, &settings);
    free(usable);
    if (entries < 0) return entries;
    if (!entries) book[entries++] = 0;
    qsort(book, (size_t)entries, sizeof *book, by_value);
    for (int i = entries; i < BOOK; i++) book[i] = book[entries - 1];
    return DFY_OK;
}

static uint8_t nearest(const float book[BOOK], float value) {
    int low = 0, high = BOOK - 1;
    if (!(value > book[0])) return 0;
    while (high - low > 1) {
        int middle = (low + high) / 2;
        *(book[middle] < value ? &low : &high) = middle;
    }
    return (uint8_t)(value - book[low] < book[high] - value ? low : high);
}

/* ---------------------------------------------------------------- images */

static double log_of(double x) {
    double n = log(1 + fabs(x));
    return x < 0 ? -n : n;
}

static int put_means(Writer *w) {
    DfyImage low, high;
    float least[3] = {0, 0, 0}, most[3] = {0, 0, 0};
    cJSON *means = put_object(w, "means");
    int first[3] = {1, 1, 1};
    for (size_t i = 0; i < (size_t)w->s->count * 3; i++) {
        float n = (float)log_of(w->s->xyz[i]);
        size_t k = i % 3;
        if (!isfinite(n)) continue;
        if (first[k] || n < least[k]) least[k] = n;
        if (first[k] || n > most[k]) most[k] = n;
        first[k] = 0;
    }
    if (new_image(&low, w->width, w->height)) return DFY_ERROR_MEMORY;
    if (new_image(&high, w->width, w->height)) {
        free(low.rgba);
        return DFY_ERROR_MEMORY;
    }
    for (size_t i = 0; i < w->s->count; i++)
        for (size_t k = 0; k < 3; k++) {
            double range = (double)most[k] - least[k], n = log_of(w->s->xyz[i * 3 + k]);
            double part = isfinite(n) && range > 0 ? (n - least[k]) / range * 65535 : 0;
            uint32_t number = (uint32_t)(fmin(fmax(part, 0), 65535) + 0.5);
            low.rgba[i * 4 + k] = (uint8_t)number;
            high.rgba[i * 4 + k] = (uint8_t)(number >> 8);
        }
    put_numbers(w, means, "mins", least, 3);
    put_numbers(w, means, "maxs", most, 3);
    int status = put_image(w, means, "means_l.webp", &low), second = put_image(w, means, "means_u.webp", &high);
    return status ? status : second;
}

static int put_turns(Writer *w) {
    DfyImage image;
    if (new_image(&image, w->width, w->height)) return DFY_ERROR_MEMORY;
    for (size_t i = 0; i < w->s->count; i++) {
        const float *q = w->s->rotation + i * 4;
        double length = 0, sign;
        int largest = 0, at = 0;
        for (int k = 0; k < 4; k++) {
            length += (double)q[k] * q[k];
            if (fabsf(q[k]) > fabsf(q[largest])) largest = k;
        }
        sign = length > 0 ? (q[largest] < 0 ? -1 : 1) / sqrt(length) : 0;
        for (int k = 0; k < 4; k++)
            if (k != largest) image.rgba[i * 4 + at++] = dfy_to_byte((q[k] * sign / sqrt(2) + 0.5) * 255);
        image.rgba[i * 4 + 3] = (uint8_t)(252 + largest);
    }
    return put_image(w, put_object(w, "quats"), "quats.webp", &image);
}

/* Three numbers of each splat by a codebook of their own, and what alpha holds. */
static int put_booked(Writer *w, const char *key, const char *name, const float *values, const float *opacity) {
    DfyImage image;
    float book[BOOK];
    cJSON *object = put_object(w, key);
    int status = fit_book(book, values, (size_t)w->s->count * 3);
    if (!status) status = new_image(&image, w->width, w->height);
    if (status) return status;
    for (size_t i = 0; i < w->s->count; i++) {
        for (size_t k = 0; k < 3; k++) image.rgba[i * 4 + k] = nearest(book, values[i * 3 + k]);
        if (opacity) image.rgba[i * 4 + 3] = dfy_to_byte(dfy_sigmoid(opacity[i]) * 255);
    }
    put_numbers(w, object, "codebook", book, BOOK);
    return put_image(w, object, name, &image);
}

static int put_labels(Writer *w, cJSON *sh, const float *palette, int entries, size_t numbers) {
    DfyImage image = {.rgba = NULL};
    uint32_t *labels = malloc(w->s->count * sizeof *labels);
    int status =
        labels ? dfy_vq_nearest(labels, palette, entries, w->s->rest, w->s->count, (int)numbers) : DFY_ERROR_MEMORY;
    if (!status) status = new_image(&image, w->width, w->height);
    for (size_t i = 0; !status && i < w->s->count; i++) {
        image.rgba[i * 4] = (uint8_t)labels[i];
        image.rgba[i * 4 + 1] = (uint8_t)(labels[i] >> 8);
        image.rgba[i * 4 + 2] = 0;
    }
    free(labels);
    return status ? status : put_image(w, sh, "shN_labels.webp", &image);
}

static int put_centroids(Writer *w, cJSON *sh, const float *palette, int entries, int degree) {
    size_t rest = (size_t)dfy_splat_rest(degree);
    DfyImage image;
    float book[BOOK];
    int status = fit_book(book, palette, (size_t)entries * rest * 3);
    uint32_t rows = ((uint32_t)entries + DFY_SOG_ROW - 1) / DFY_SOG_ROW;
    if (!status) status = new_image(&image, (uint32_t)(DFY_SOG_ROW * rest), rows ? rows : 1);
    if (status) return status;
    for (size_t e = 0; e < (size_t)entries; e++)
        for (size_t k = 0; k < rest; k++)
            for (size_t c = 0; c < 3; c++) {
                size_t pixel = e / DFY_SOG_ROW * image.width + e % DFY_SOG_ROW * rest + k;
                image.rgba[pixel * 4 + c] = nearest(book, palette[(e * 3 + c) * rest + k]);
            }
    put_numbers(w, sh, "codebook", book, BOOK);
    return put_image(w, sh, "shN_centroids.webp", &image);
}

static int put_palette(Writer *w) {
    const DfySplats *s = w->s;
    size_t numbers = (size_t)dfy_splat_rest(s->degree) * 3;
    uint32_t entries = s->count / SPLATS_AN_ENTRY;
    if (entries < LEAST_ENTRIES) entries = LEAST_ENTRIES;
    if (entries > PALETTE_MOST) entries = PALETTE_MOST;
    DfyVqSettings settings = {(int)entries, ROUNDS, 1e-6, 1};
    float *palette = malloc(entries * numbers * sizeof *palette);
    if (!palette) return DFY_ERROR_MEMORY;
    int found = dfy_vq_fit(palette, s->rest, s->count, (int)numbers, &settings), status = found < 0 ? found : DFY_OK;
    cJSON *sh = put_object(w, "shN");
    put_number(w, sh, "count", found);
    put_number(w, sh, "bands", s->degree);
    if (!status && found) status = put_centroids(w, sh, palette, found, s->degree);
    if (!status && found) status = put_labels(w, sh, palette, found, numbers);
    free(palette);
    return status;
}

static int put_all(Writer *w) {
    const DfySplats *s = w->s;
    put_number(w, w->meta, "version", 2);
    dfy_json_put(&w->failed, put_object(w, "asset"), "generator", cJSON_CreateString("diffy"));
    put_number(w, w->meta, "count", s->count);
    dfy_json_put(&w->failed, w->meta, "antialias", cJSON_CreateBool(0));
    int status = put_means(w);
    if (!status) status = put_booked(w, "scales", "scales.webp", s->scale, NULL);
    if (!status) status = put_turns(w);
    if (!status) status = put_booked(w, "sh0", "sh0.webp", s->dc, s->opacity);
    if (!status && s->degree && s->count) status = put_palette(w);
    if (!status && w->failed) status = DFY_ERROR_MEMORY;
    char *text = status ? NULL : cJSON_PrintUnformatted(w->meta);
    if (!status && !text) status = DFY_ERROR_MEMORY;
    if (!status) dfy_zip_add(&w->zip, "meta.json", (const uint8_t *)text, strlen(text));
    cJSON_free(text);
    return status;
}

int dfy_write_sog(const DfySplats *s, DfyBuffer *buffer) {
    uint32_t width = 4 * (uint32_t)ceil(sqrt((double)(s->count ? s->count : 1)) / 4);
    Writer w = {.s = s, .meta = cJSON_CreateObject(), .width = width};
    w.height = (s->count + width - 1) / width;
    if (!w.height) w.height = 1;
    if (!w.meta) return DFY_ERROR_MEMORY;
    dfy_zip_begin(&w.zip, buffer);
    int status = put_all(&w);
    dfy_zip_end(&w.zip);
    cJSON_Delete(w.meta);
    return status;
}
