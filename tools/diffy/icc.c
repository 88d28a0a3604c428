#include "icc.h"

#include <stdlib.h>
#include <string.h>

#include <lcms2.h>
#include <zlib.h>

#include "png_chunks.h"

enum { LARGEST_PROFILE = 16 << 20, JPEG_PARTS = 255 };

/* An iCCP chunk: a name, a zero, the method 0, a zlib stream. */
uint8_t *icc_of_png(const uint8_t *data, size_t size, size_t *profile_size) {
    size_t length = 0;
    const uint8_t *chunk = png_chunk(data, size, "iCCP", &length);
    const uint8_t *zero = chunk ? memchr(chunk, 0, length < 80 ? length : 80) : NULL;
    if (!zero || zero + 2 > chunk + length || zero[1]) return NULL;
    const uint8_t *packed = zero + 2;
    for (size_t room = 1 << 16; room <= LARGEST_PROFILE; room *= 4) {
        uLongf got = (uLongf)room;
        uint8_t *profile = malloc(room);
        int status = profile ? uncompress(profile, &got, packed, (uLong)(chunk + length - packed)) : Z_MEM_ERROR;
        *profile_size = got;
        if (status == Z_OK) return profile;
        free(profile);
        if (status != Z_BUF_ERROR) return NULL;
    }
    return NULL;
}

/* APP2 segments that begin with "ICC_PROFILE", a zero, which part it is from 1, and of how many. */
uint8_t *icc_of_jpeg(const uint8_t *data, size_t size, size_t *profile_size) {
    const uint8_t *parts[JPEG_PARTS + 1] = {NULL};
    size_t lengths[JPEG_PARTS + 1] = {0}, whole = 0;
    unsigned count = 0;
    for (size_t at = 2; at + 4 <= size && data[at] == 0xff && data[at + 1] != 0xda;) {
        size_t length = (size_t)data[at + 2] << 8 | data[at + 3];
        if (length < 2 || length > size - at - 2) break;
        const uint8_t *segment = data + at + 4;
        if (data[at + 1] == 0xe2 && length >= 16 && !memcmp(segment, "ICC_PROFILE", 12) && segment[12]) {
            parts[segment[12]] = segment + 14;
            lengths[segment[12]] = length - 16;
            count = segment[13];
        }
        at += 2 + length;
    }
    for (unsigned i = 1; i <= count; i++) {
        if (!parts[i]) return NULL;
        whole += lengths[i];
    }
    uint8_t *profile = whole ? malloc(whole) : NULL;
    if (!profile) return NULL;
    *profile_size = 0;
    for (unsigned i = 1; i <= count; i++) {
        memcpy(profile + *profile_size, parts[i], lengths[i]);
        *profile_size += lengths[i];
    }
    return profile;
}

uint8_t *icc_of_webp(const uint8_t *data, size_t size, size_t *profile_size) {
    for (size_t at = 12; at + 8 <= size;) {
        size_t length =
            (size_t)data[at + 4] | (size_t)data[at + 5] << 8 | (size_t)data[at + 6] << 16 | (size_t)data[at + 7] << 24;
        if (length > size - at - 8) return NULL;
        if (!memcmp(data + at, "ICCP", 4)) {
            uint8_t *profile = length ? malloc(length) : NULL;
            if (profile) memcpy(profile, data + at + 8, *profile_size = length);
            return profile;
        }
        at += 8 + length + (length & 1);
    }
    return NULL;
}

static void ignore_message(cmsContext context, cmsUInt32Number code, const char *text) {
    (void)context;
    (void)code;
    (void)text;
}

/* Takes the profile over. */
static void convert(DfyPicture *rgb, cmsContext context, cmsHPROFILE from) {
    cmsHPROFILE to = cmsCreate_sRGBProfileTHR(context);
    cmsHTRANSFORM transform = NULL;
    if (from && to && cmsGetColorSpace(from) == cmsSigRgbData)
        transform = cmsCreateTransformTHR(context, from, TYPE_RGB_8, to, TYPE_RGB_8, INTENT_PERCEPTUAL,
                                          cmsFLAGS_HIGHRESPRECALC | cmsFLAGS_COPY_ALPHA);
    for (int y = 0; transform && y < rgb->height; y++) {
        uint8_t *row = dfy_picture_pixels(rgb, 0) + y * rgb->stride_bytes[0];
        cmsDoTransform(transform, row, row, (cmsUInt32Number)rgb->width);
    }
    if (transform) cmsDeleteTransform(transform);
    if (from) cmsCloseProfile(from);
    if (to) cmsCloseProfile(to);
}

static cmsContext quiet_context(void) {
    cmsContext context = cmsCreateContext(NULL, NULL);
    if (context) cmsSetLogErrorHandlerTHR(context, ignore_message);
    return context;
}

void icc_to_srgb(DfyPicture *rgb, const uint8_t *profile, size_t size) {
    cmsContext context = quiet_context();
    if (!context) return;
    convert(rgb, context, cmsOpenProfileFromMemTHR(context, profile, (cmsUInt32Number)size));
    cmsDeleteContext(context);
}

/* power 0: sRGB's curve. */
static void convert_from(DfyPicture *rgb, const double xy[8], double power) {
    static const double srgb[5] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};
    cmsContext context = quiet_context();
    if (!context) return;
    cmsToneCurve *curve = power > 0 ? cmsBuildGamma(context, power) : cmsBuildParametricToneCurve(context, 4, srgb);
    cmsToneCurve *const curves[3] = {curve, curve, curve};
    const cmsCIExyY white = {xy[0], xy[1], 1};
    const cmsCIExyYTRIPLE primaries = {{xy[2], xy[3], 1}, {xy[4], xy[5], 1}, {xy[6], xy[7], 1}};
    convert(rgb, context, curve ? cmsCreateRGBProfileTHR(context, &white, &primaries, curves) : NULL);
    if (curve) cmsFreeToneCurve(curve);
    cmsDeleteContext(context);
}

static const double d65_709[8] = {0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06};

void chromaticities_to_srgb(DfyPicture *rgb, const double xy[8], double power) {
    convert_from(rgb, xy, power > 2.1 && power < 2.3 ? 0 : power); /* 2.2 is what writers say for sRGB */
}

void points_to_srgb(DfyPicture *rgb, int primaries, int transfer) {
    static const double d65_470bg[8] = {0.3127, 0.329, 0.64, 0.33, 0.29, 0.6, 0.15, 0.06};
    static const double d65_601[8] = {0.3127, 0.329, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07};
    static const double d65_2020[8] = {0.3127, 0.329, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046};
    static const double dci_p3[8] = {0.314, 0.351, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06};
    static const double d65_p3[8] = {0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06};
    const double *xy = primaries == 5                     ? d65_470bg
                       : primaries == 6 || primaries == 7 ? d65_601
                       : primaries == 9                   ? d65_2020
                       : primaries == 11                  ? dci_p3
                       : primaries == 12                  ? d65_p3
                                                          : d65_709;
    double power = transfer == 4 ? 2.2 : transfer == 5 ? 2.8 : transfer == 8 ? 1 : transfer == 17 ? 2.6 : 0;
    if (xy != d65_709 || power > 0) convert_from(rgb, xy, power);
}
